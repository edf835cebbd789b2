// All users, and all titles: found by letters, a row each.
import { html } from "../base.js";
import { useDocument } from "../ask.js";
import { Letters } from "../letters.js";
import { plural } from "../numbers.js";
import { go, href } from "../route.js";
import { Rows, useBlocks } from "../window.js";

const LINE = 46; // CSS pixels of a row

export function UsersView({ parameters }) {
  const draw = (user) => html`<a href=${href("user", { user: user.id })}><b><bdi>${user.id}</bdi></b>
    <span class="soft"><bdi>${user.taste || "no taste of their own yet"}</bdi></span></a>`;
  return html`<${Listed} view="users" kind="users" parameters=${parameters} one="user" draw=${draw} />`;
}

export function TitlesView({ parameters }) {
  const first = useDocument("users", { start: 0 }).document?.users[0];
  const draw = (title) => html`<a href=${href("title", { title: title.id, user: first?.id })}><b><bdi>${title.name}</bdi></b>
    <span class="soft number">${plural(title.artworks, "artwork")}</span><span class="soft"><bdi>${title.id}</bdi></span></a>`;
  return html`<${Listed} view="titles" kind="titles" parameters=${parameters} one="title" draw=${draw} />`;
}

function Listed({ view, kind, parameters, one, draw }) {
  const { find } = parameters;
  const { item, total, error } = useBlocks(kind, { find }, kind);
  const drawn = (number) => {
    const there = item(number);
    return html`<div class="listed">${there ? draw(there) : html`<span class="loading">…</span>`}</div>`;
  };
  return html`<div class="heading"><h2>${kind === "users" ? "Users" : "Titles"}</h2>
      <${Letters} label=${`Find ${kind}`} value=${find} onFind=${(letters) => go(view, { find: letters }, { replace: true })} />
      <span class="soft" role="status">${total !== null && plural(total, one)}</span></div>
    ${error && html`<p class="error">${error.message}</p>`}
    ${total === null && !error && html`<p class="loading">Loading …</p>`}
    ${total === 0 && html`<p>None${find && html` has the letters “<bdi>${find}</bdi>”`}.</p>`}
    ${total > 0 && html`<${Rows} count=${total} height=${LINE} draw=${drawn} label=${kind === "users" ? "Users" : "Titles"} />`}`;
}
