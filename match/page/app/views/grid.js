// Users x titles: the artwork that each user meets.
import { html } from "../base.js";
import { useDocument } from "../ask.js";
import { plural, signed } from "../numbers.js";
import { Picture } from "../picture.js";
import { href, tried } from "../route.js";
import { Rows, useBlocks } from "../window.js";

const COLUMNS = 12; // users side by side
const HEIGHT = 132; // CSS pixels of a row

export function GridView({ parameters }) {
  const first = useDocument("users", { start: 0 });
  const named = parameters.users ? parameters.users.split(",") : null;
  const users = named ?? first.document?.users.slice(0, COLUMNS).map((user) => user.id) ?? [];
  const titles = useBlocks("titles", {}, "titles");
  if (first.error || titles.error) return html`<p class="error">${(first.error ?? titles.error).message}</p>`;
  if (titles.total === null || !first.document) return html`<p class="loading">Loading …</p>`;
  if (!users.length) return html`<p>There are no users: run scripts/embed_users.py first.</p>`;
  if (!titles.total) return html`<p>No titles were asked for.</p>`;
  return html`<div class="grid" style=${{ "--columns": users.length }}>
    <div class="heads"><span></span>${users.map((user) => html`<a key=${user} href=${href("user", { user })}><bdi>${user}</bdi></a>`)}</div>
    <${Columns} users=${users} titles=${titles} />
  </div>`;
}

function Columns({ users, titles }) {
  const choices = users.map((user) => useBlocks("choices", { ...tried(user), user }, "choices"));
  const draw = (number) => {
    const title = titles.item(number);
    if (!title) return html`<span class="loading">…</span>`;
    return html`<a class="name" href=${href("title", { title: title.id, user: users[0] })}><bdi>${title.name}</bdi>
        <small>${plural(title.artworks, "artwork")}</small></a>
      ${users.map((user, column) => html`<${Cell} key=${user} user=${user} title=${title} choice=${choices[column].item(number)} />`)}`;
  };
  return html`<${Rows} count=${titles.total} height=${HEIGHT} draw=${draw} label="Titles" />`;
}

function Cell({ user, title, choice }) {
  if (!choice) return html`<span class="cell loading"></span>`;
  const to = href("title", { title: title.id, user });
  if (!choice.artwork) return html`<a class="cell none" href=${to} title=${choice.reason}>no artwork</a>`;
  return html`<a class="cell" href=${to} aria-label="${title.name} for ${user}: ${choice.artwork.id}, score ${signed(choice.artwork.score)}">
    <${Picture} artwork=${choice.artwork} words="" sharp=${false} />
  </a>`;
}
