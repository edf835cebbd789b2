// The titles and the artwork of a comparison.
import { html } from "../base.js";
import { counted, percent, plural } from "../numbers.js";
import { PagedList } from "../pager.js";
import { Picture } from "../picture.js";
import { go, href } from "../route.js";
import { CHANGE_REASONS, ReasonsBar, pairOf } from "./compare_outcome.js";

const ARTWORK_LISTS = { gained: "gained users", lost: "lost users", new: "only in To", retired: "only in From" };

// What a list shows is in the address, but no step of the browser's history: the viewer stays where the list is.
const stay = (parameters, more) => go("compare", { ...parameters, ...more }, { replace: true });

export function TitlesChanged({ told, pair, parameters }) {
  if (!told.titles.changed) return null;
  const order = parameters.order ?? "changed";
  const sort = (name, label) => html`<button type="button" aria-pressed=${order === name} onClick=${() => stay(parameters, { order: name })}>${label}</button>`;
  return html`<section class="list"><h3>Titles</h3>
    <p class="sorts soft">${plural(told.titles.changed, "title")} changed, sorted by ${sort("changed", "users")} ${sort("name", "name")}</p>
    <${PagedList} kind="comparison_titles" parameters=${{ ...pair, order }} name="titles" label="Pages of titles" none="No title changed."
      draw=${(titles) => html`<table class="counts"><thead><tr><th>title</th><th>users who get other artwork</th><th class="number">users</th><th class="why-most">why most</th><th class="number">artworks</th></tr></thead>
        <tbody>${titles.map((title) => html`<${ChangedTitle} key=${title.id} title=${title} to=${href("compare", { ...pairOf(parameters, told), title: title.id })} />`)}</tbody></table>`} />
  </section>`;
}

function ChangedTitle({ title, to }) {
  const [most] = Object.entries(title.reasons).sort((a, b) => b[1] - a[1])[0];
  const [before, after] = title.artworks;
  return html`<tr><th scope="row"><a href=${to}><bdi>${title.name}</bdi></a></th>
    <td class="wide"><${ReasonsBar} reasons=${title.reasons} choices=${title.users} /></td>
    <td class="number">${counted(title.changed)} <span class="soft">${percent(title.changed / title.users, 0)}</span></td>
    <td class="why-most"><i class="dot ${most}"></i> ${CHANGE_REASONS[most].label}</td>
    <td class="number">${before === after ? counted(after) : `${counted(before)} → ${counted(after)}`}</td></tr>`;
}

export function ArtworkMoved({ told, pair, parameters }) {
  const held = Object.keys(ARTWORK_LISTS).filter((name) => told.artwork[name] > 0);
  if (!held.length) return null;
  const list = held.includes(parameters.list) ? parameters.list : held[0];
  return html`<section class="list"><h3>Artwork</h3>
    <ul class="chips">${held.map(
      (name) => html`<li key=${name}><button type="button" aria-pressed=${name === list} onClick=${() => stay(parameters, { list: name })}>
        ${ARTWORK_LISTS[name]} <span class="soft">${counted(told.artwork[name])}</span></button></li>`,
    )}</ul>
    <${PagedList} kind="comparison_artwork" parameters=${{ ...pair, list }} name="artwork" label="Pages of artwork" none="None." draw=${(some) => html`<ul class="moved">
      ${some.map((artwork) => html`<li key=${artwork.title + artwork.id} class="card"><${Picture} artwork=${artwork} words="" sharp=${false} />
        <p><bdi>${artwork.id}</bdi><br /><small class="soft"><bdi>${artwork.name}</bdi></small></p>
        <p class="number"><b class=${artwork.users[1] >= artwork.users[0] ? "gained" : "lost"}>${usersMoved(artwork.users)}</b> <span class="soft">${counted(artwork.users[0])} → ${counted(artwork.users[1])} users</span></p>
        ${artwork.repainted && html`<p class="soft">another picture than before</p>`}</li>`)}</ul>`} />
  </section>`;
}

const usersMoved = ([before, after]) => `${after < before ? "−" : "+"}${counted(Math.abs(after - before))}`;
