// A taste as text, as scripts/edit_profile.py has it: tried with Ctrl+Enter, and carried off to be taken by that script.
import { html, useEffect, useRef, useState } from "./base.js";
import { go } from "./route.js";

const MOST_LINES = 10; // that are seen at once; user.css knows it, too
let draft = null; // what was typed last, and what it was typed over: { user, over, written }
const draftOver = (user, over) => (draft?.user === user && draft.over === over ? draft.written : over);

// text: the profile's own; tried: the text that is tried, undefined where none is; error: what the page says of it; reading: whether
// it is still being read.
export function TasteEditor({ view, parameters, user, text, tried, error, reading }) {
  const [written, setWritten] = useState(draftOver(user, tried ?? text));
  const area = useRef(null);
  useEffect(() => setWritten(draftOver(user, tried ?? text)), [tried, text, user]);
  const type = (letters) => {
    draft = { user, over: tried ?? text, written: letters }; // the view may be made anew before it is tried
    setWritten(letters);
  };
  const attempt = () => go(view, { ...parameters, user, taste: written === text ? "" : written });
  const reset = () => {
    draft = null;
    setWritten(text);
    if (tried !== undefined) go(view, { ...parameters, user, taste: "" });
  };
  const onKeyDown = (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    attempt();
  };
  const wrong = error && (written === tried) ? lineOf(error.message) : null;
  return html`<div class="editor">
    <label for="taste-text">The taste of <bdi>${user}</bdi>: a line for each phrase with its weight, kind (genre, mood, person, keyword,
      ${" "}stated) and words</label>
    <div class="written">
      <ol class="numbers" aria-hidden="true">${written.split("\n").map((_, at) => html`<li key=${at} class=${at + 1 === wrong ? "wrong" : null}>${at + 1}</li>`)}</ol>
      <textarea id="taste-text" ref=${area} wrap="off" spellcheck=${false} rows=${Math.min(MOST_LINES, Math.max(5, written.split("\n").length))} value=${written}
        onInput=${({ target }) => type(target.value)} onKeyDown=${onKeyDown} onScroll=${scrollNumbers}
        aria-invalid=${Boolean(error)} aria-describedby="taste-error"></textarea>
    </div>
    <div id="taste-error" role="alert">${error && html`<p class="error">${error.message}
      ${wrong && html` <button type="button" onClick=${() => selectLine(area.current, wrong)}>Go to line ${wrong}</button>`}</p>`}</div>
    <p class="actions">
      <button type="button" class="main" onClick=${attempt} disabled=${written === (tried ?? text)}>Try it <kbd>Ctrl+Enter</kbd></button>
      <button type="button" onClick=${reset} disabled=${written === text && tried === undefined}>Back to the profile</button>
      <span class="soft" role="status">${reading && "Reading the taste …"}</span>
      <${Carry} user=${user} text=${written} />
    </p>
  </div>`;
}

// The line that a message of embed/tastes/profile_text.py names; null where it names none.
const lineOf = (message) => Number(/, line (\d+)/.exec(message)?.[1] ?? 0) || null;

const scrollNumbers = ({ target }) => (target.previousElementSibling.scrollTop = target.scrollTop);

function selectLine(area, number) {
  const lines = area.value.split("\n");
  const begin = lines.slice(0, number - 1).reduce((sum, line) => sum + line.length + 1, 0);
  area.focus();
  area.setSelectionRange(begin, begin + lines[number - 1].length);
}

// To the clipboard or into a file, for scripts/edit_profile.py to take.
function Carry({ user, text }) {
  const [said, setSaid] = useState("");
  const file = `${user.replace(/[^\p{L}\p{N}._-]+/gu, "_").replace(/^[.-]+/, "") || "user"}.txt`;
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => setSaid("Copied."),
      () => setSaid("The browser does not allow it: select the text and copy it."),
    );
  return html`<button type="button" onClick=${copy}>Copy</button>
    <button type="button" onClick=${() => download(file, text)}>Download</button>
    <span role="status">${said}</span>
    <small>To keep it: <code>python scripts/edit_profile.py --store STORE --take <bdi>${quotedWord(file)}</bdi> <bdi>${quotedWord(user)}</bdi></code></small>`;
}

function download(file, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  link.download = file;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000); // once the browser has it
}

// As a shell takes it for one word, and no option.
function quotedWord(word) {
  const quoted = /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
  return word.startsWith("-") ? `-- ${quoted}` : quoted;
}
