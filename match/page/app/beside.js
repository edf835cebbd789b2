// Which users stand side by side: found by the letters of their ids, added and removed.
import { html, useEffect, useRef, useState } from "./base.js";
import { useDocument } from "./ask.js";
import { joinedIds, MOST_COLUMNS } from "./columns.js";
import { Letters } from "./letters.js";
import { counted, plural } from "./numbers.js";

// onUsers(text): the ids as the address has them.
export function UserPicker({ users, onUsers }) {
  const [open, setOpen] = useState(false);
  const box = useRef(null);
  useEffect(() => {
    if (!open) return;
    const outside = ({ target }) => box.current?.contains(target) || setOpen(false);
    const escape = ({ key }) => {
      if (key !== "Escape") return;
      setOpen(false);
      box.current.querySelector("summary").focus();
    };
    addEventListener("pointerdown", outside);
    addEventListener("keydown", escape);
    return () => {
      removeEventListener("pointerdown", outside);
      removeEventListener("keydown", escape);
    };
  }, [open]);
  return html`<details class="standing" ref=${box} open=${open} onToggle=${({ target }) => setOpen(target.open)}>
    <summary>${plural(users.length, "user")}</summary>
    ${open && html`<${Picking} users=${users} onUsers=${onUsers} />`}
  </details>`;
}

function Picking({ users, onUsers }) {
  const [find, setFind] = useState("");
  const { document, error } = useDocument("users", { find, start: 0 });
  const found = document?.users ?? [];
  const more = document ? document.total - found.length : 0;
  const change = (user, on) => onUsers(joinedIds(on ? [...users, user] : users.filter((one) => one !== user)));
  const first = (user, { currentTarget }) => {
    onUsers(joinedIds([user, ...users.filter((one) => one !== user)]));
    setTimeout(() => currentTarget.isConnected && currentTarget.focus()); // it stands elsewhere now
  };
  const words = new Map(found.map((user) => [user.id, user.taste]));
  const listed = find ? found.map((user) => user.id) : [...users, ...found.map((user) => user.id).filter((user) => !users.includes(user))];
  return html`<div class="picking">
    <${Letters} label="Find a user" value=${find} onFind=${setFind} autofocus />
    ${error && html`<p class="error">${error.message}</p>`}
    <ul aria-label="Users">${listed.map(
      (user) => html`<li key=${user}><label><input type="checkbox" checked=${users.includes(user)} disabled=${isFixed(user, users)}
        onChange=${({ target }) => change(user, target.checked)} /><span><bdi>${user}</bdi> <small><bdi>${words.get(user)}</bdi></small></span></label>
        ${users.includes(user) && html`<button type="button" aria-disabled=${users[0] === user} aria-label=${`${user} first`}
          onClick=${(event) => first(user, event)}>first</button>`}</li>`,
    )}</ul>
    <p class="soft" role="status">${pickedWords(users, document, more)}</p>
  </div>`;
}

// The last one stays, and there is no more room than for so many.
const isFixed = (user, users) => (users.includes(user) ? users.length === 1 : users.length >= MOST_COLUMNS);

function pickedWords(users, document, more) {
  const room = users.length >= MOST_COLUMNS ? `${MOST_COLUMNS} side by side are the most: take one away to add another. ` : "";
  if (document && !document.total) return `${room}No user has these letters.`;
  return room + (more > 0 ? `${counted(more)} more: type some letters.` : "");
}
