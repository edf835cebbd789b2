// A title with all its artwork, the best for a user first: why each has its score, and what would have to change.
import { html, useState } from "../base.js";
import { isWritten, useDocument } from "../ask.js";
import { Counts, Interval, inPercent, scaleOf } from "../intervals.js";
import { exact, plural } from "../numbers.js";
import { PARTS, PART_WORDS } from "../parts.js";
import { PickUser } from "../picker.js";
import { Picture } from "../picture.js";
import { go, href, tried } from "../route.js";
import { Before, Trial } from "../trial.js";
import { Waterfall, fallScale } from "../waterfall.js";
import { Chances, CopyLines, RunnerUp, SegmentsMeet } from "./title_beside.js";

const CARDS_AT_ONCE = 40; // artworks that are shown before somebody asks for the rest

// Without a title or a user in the address: the first one.
export function TitleView({ parameters, overview }) {
  const titles = useDocument("titles", { start: 0 });
  const users = useDocument("users", { start: 0 });
  const failed = titles.error ?? users.error;
  if (failed) return html`<p class="error">${failed.message}</p>`;
  if (!titles.document || !users.document) return html`<p class="loading">Loading …</p>`;
  const title = parameters.title ?? titles.document.titles[0]?.id;
  if (title === undefined) return html`<p>There are no titles.</p>`;
  const user = parameters.user ?? users.document.users[0]?.id ?? "nobody";
  return html`<${TitleFor} title=${title} user=${user} parameters=${parameters} overview=${overview} />`;
}

function TitleFor({ title, user, parameters, overview }) {
  const where = { locale: parameters.locale, age: parameters.age, knows: parameters.knows }; // what narrows what may be shown
  const { document, error } = useDocument("title", { ...tried(user), ...where, title, user });
  const about = useDocument("about", { ...tried(user), taste: null, title });
  const failed = error ?? about.error;
  if (failed) return html`<p class="error">${failed.message}</p>`;
  if (!document || !about.document || about.document.id !== title || document.id !== title) return html`<p class="loading">Loading …</p>`;
  return html`<${TitleHead} about=${about.document} document=${document} user=${user} where=${where} />
    <div class="aids"><${Trial} view="title" parameters=${parameters} overview=${overview} /><${Reading} /></div>
    <${Before} title=${title} user=${user} parameters=${parameters} />
    <div class="ranked">
      <${Ranking} key=${title} document=${document} about=${about.document} />
      <div class="beside">
        <${RunnerUp} document=${document} where=${where} />
        <${CopyLines} document=${document} />
        <${SegmentsMeet} about=${about.document} />
      </div>
    </div>`;
}

function TitleHead({ about, document, user, where }) {
  const beside = (id, words) =>
    id ? html`<a href=${href("title", { ...where, title: id, user })} rel=${words}>${words === "prev" ? "← previous" : "next →"}</a>` : html`<span class="soft">${words === "prev" ? "← previous" : "next →"}</span>`;
  const said = [about.genres, about.moods, about.keywords].flat().filter(Boolean);
  return html`<div class="title-head">
      <h2><bdi>${about.name}</bdi></h2>
      <${PickUser} user=${user} picked=${(id) => go("title", { ...where, title: about.id, user: id })} />
      ${!isWritten() && html`<${Where} where=${where} changed=${(changed) => go("title", { ...where, ...changed, title: about.id, user }, { replace: true })} />`}
      <nav class="steps" aria-label="Titles">${beside(about.previous, "prev")}
        <span class="soft">${about.of.place ? `${about.of.place} of ${about.of.titles}` : ""}</span>${beside(about.next, "next")}</nav>
    </div>
    ${about.synopsis && html`<p class="synopsis"><bdi>${about.synopsis}</bdi></p>`}
    <p class="soft facts">
      ${said.length > 0 && html`<span>${said.map((word, place) => html`${place > 0 && ", "}<bdi key=${place}>${word}</bdi>`)}</span>`}
      ${about.people?.length > 0 && html`<span>with ${about.people.map((name, place) => html`${place > 0 && ", "}<bdi key=${place}>${name}</bdi>`)}</span>`}
      <span><bdi>${document.reason}</bdi>; taste: <a href=${href("user", { user })}><bdi>${document.taste}</bdi></a></span>
      ${document.segment && html`<span>priors of segment <bdi>${document.segment}</bdi></span>`}
    </p>`;
}

// What the bars and numbers mean, said once.
function Reading() {
  return html`<details class="reading"><summary>How to read a score</summary>
    <dl class="key">${PARTS.map((part) => html`<div key=${part} class=${part}><dt>${part}</dt><dd>${PART_WORDS[part]}</dd></div>`)}</dl>
    <p>The four add up to the score, and the highest is chosen. A score is the log-odds of a quality play: 0 is one in two, −2.20 one in
      ten, and, where plays are rare, +0.10 about a tenth more of them. Bars step from the mean prior of the title, all on one scale:
      what goes to the right speaks for the artwork. Guards and propensities are those of a page that explores, today, with the titles
      that stand beside this one in Choices.</p></details>`;
}

// Where it is shown, and to whom: what may not be shown there is set aside.
function Where({ where, changed }) {
  const { locale = "", age = "", knows = "" } = where;
  return html`<span class="where">
    <label>locale <input value=${locale} size="5" spellcheck=${false} placeholder="any" onChange=${(event) => changed({ locale: event.target.value.trim() })} /></label>
    <label>age <input type="number" min="0" max="150" value=${age} placeholder="any" onChange=${(event) => changed({ age: event.target.value })} /></label>
    <label><input type="checkbox" checked=${knows !== ""} onChange=${(event) => changed({ knows: event.target.checked ? "yes" : "" })} /> knows the story</label>
  </span>`;
}

function Ranking({ document, about }) {
  const [all, setAll] = useState(false);
  const known = new Map(about.artworks.map((artwork) => [artwork.id, artwork]));
  const scale = fallScale(document.artworks);
  const rates = document.artworks.length ? scaleOf(document.artworks.map((artwork) => artwork.interval)) : null;
  const shown = all ? document.artworks : document.artworks.slice(0, CARDS_AT_ONCE);
  const rest = document.artworks.length - shown.length;
  return html`<section class="ranking" aria-label="Artwork, the best first">
    ${!document.artworks.length && html`<p>No artwork: <bdi>${document.reason}</bdi>.</p>`}
    <ol>${shown.map(
      (artwork, place) => html`<${Ranked} key=${artwork.id} artwork=${artwork} facts=${known.get(artwork.id)} place=${place} scale=${scale}
        rates=${rates} user=${document.user} least=${about.least_prominence} />`,
    )}</ol>
    ${rest > 0 && html`<button type="button" onClick=${() => setAll(true)}>Show ${plural(rest, "more artwork")}</button>`}
    <${Aside} document=${document} known=${known} />
  </section>`;
}

function Ranked({ artwork, facts, place, scale, rates, user, least }) {
  return html`<li class=${place ? "ranked-artwork" : "ranked-artwork chosen"}>
    <div class="seen">
      <a href=${href("artwork", { artwork: artwork.id, user })} tabindex="-1" aria-hidden="true"><${Picture} artwork=${{ ...facts, id: artwork.id }} words="" /></a>
      <p><b class="number">${place + 1}</b> <a href=${href("artwork", { artwork: artwork.id, user })}><bdi>${artwork.id}</bdi></a>
        ${!place && html`<span class="badge good">chosen</span>`}${artwork.guard && html`<span class="badge">guarded</span>`}</p>
    </div>
    <${Waterfall} artwork=${artwork} scale=${scale} guard=${guardInWords(artwork.guard, facts, least)} />
    <dl class="told-why">
      <div><dt title="of the user's taste, the one nearest to the picture">phrase</dt><dd>${artwork.phrase ? html`“<bdi>${artwork.phrase}</bdi>”${artwork.cosine !== null && html` <span class="soft whole">cosine ${exact(artwork.cosine)}</span>`}` : html`<span class="soft">no taste of their own</span>`}</dd></div>
      ${artwork.people.length > 0 && html`<div><dt>people met</dt><dd>${artwork.people.map((name, at) => html`${at > 0 && ", "}<bdi key=${at}>${name}</bdi>`)}</dd></div>`}
      ${artwork.word && html`<div><dt>word</dt><dd>“<bdi>${artwork.word}</bdi>”</dd></div>`}
      <div><dt title=${PART_WORDS.prior}>prior</dt><dd><${Interval} mean=${artwork.prior.mean} interval=${artwork.interval} scale=${rates} />
        <b>${(100 * artwork.prior.mean).toFixed(2)} %</b> <span class="soft">(95 %: ${inPercent(artwork.interval)})</span><br />
        <span class="soft"><${Counts} ...${artwork.prior} /><br />
          <span title="what its own clicks, those of its title and of the catalog are worth together">worth ${plural(artwork.strength, "impression")} in all</span></span></dd></div>
      <${Chances} artwork=${artwork} />
    </dl>
  </li>`;
}

function guardInWords(guard, facts, least) {
  if (guard !== "prominence") return guard;
  return facts?.prominence !== null && facts?.prominence !== undefined ? `prominence (${facts.prominence.toFixed(2)}, at least ${least.toFixed(2)})` : "prominence (nobody on it leads)";
}

function Aside({ document, known }) {
  if (!document.aside.length) return null;
  return html`<h3>Not eligible</h3><ul class="aside">
    ${document.aside.map(
      ({ id, reason }) => html`<li key=${id}><a href=${href("artwork", { artwork: id })}><${Picture} artwork=${{ ...known.get(id), id }} words="" sharp=${false} /><bdi>${id}</bdi></a>
        <span class="badge">${reason}</span></li>`,
    )}</ul>`;
}
