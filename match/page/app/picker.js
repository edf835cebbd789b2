// Whom the page is looked at for: an id is typed, and those that have the letters are offered.
import { html, useEffect, useState } from "./base.js";
import { ask, isWritten, useDocument } from "./ask.js";

const TYPING_PAUSE = 150; // milliseconds without a key before the server is asked

// picked(id): called once somebody is picked. It takes an id that nobody offered, too: an unknown user meets the average.
export function PickUser({ user, picked }) {
  const [typed, setTyped] = useState(null); // null: nothing was typed since
  const offered = useOffered(typed ?? "");
  const take = (value) => {
    setTyped(null);
    if (value && value !== user) picked(value);
  };
  const input = (event) => {
    setTyped(event.target.value);
    if (offered.includes(event.target.value) && event.inputType !== "insertText" && !/^delete/.test(event.inputType ?? "")) take(event.target.value);
  };
  const entered = (event) => event.key === "Enter" && take(event.target.value.trim());
  return html`<div class="pick">
    <label>for user <input list="offered-users" autocomplete="off" spellcheck=${false} dir="auto"
      value=${typed ?? user} onInput=${input} onKeyDown=${entered} onFocus=${(event) => event.target.select()} onBlur=${() => setTyped(null)} /></label>
    <datalist id="offered-users">${offered.map((id) => html`<option key=${id} value=${id}></option>`)}</datalist>
  </div>`;
}

// A page in a file has the blocks of all its users, and looks among the first; a server is asked.
function useOffered(letters) {
  const first = useDocument("users", { start: 0 }).document?.users.map((user) => user.id) ?? [];
  const [found, setFound] = useState(null);
  useEffect(() => {
    if (!letters || isWritten()) return setFound(null);
    let wanted = true;
    const timer = setTimeout(
      () => ask("users", { find: letters, start: 0 }).then(({ users }) => wanted && setFound(users.map((user) => user.id)), () => {}),
      TYPING_PAUSE,
    );
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [letters]);
  if (found) return found;
  return letters ? first.filter((id) => id.toLowerCase().includes(letters.toLowerCase())) : first;
}
