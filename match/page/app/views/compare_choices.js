// The choices that changed: both artworks, their scores on both sides, and what moved.
import { html, useEffect, useRef } from "../base.js";
import { addends } from "../addends.js";
import { signed } from "../numbers.js";
import { PagedList } from "../pager.js";
import { Bar, PARTS } from "../parts.js";
import { Picture } from "../picture.js";
import { href } from "../route.js";
import { CHANGE_REASONS, pairOf } from "./compare_outcome.js";

const CHANGE_FILTERS = ["title", "user", "segment", "reason"];
const FRAMES_TO_WAIT = 120;

// As soon as the lists above it are there, which push it down.
function showHeading(heading, frame = 0) {
  const waiting = document.querySelector("main .loading") && frame < FRAMES_TO_WAIT;
  if (waiting) return requestAnimationFrame(() => showHeading(heading, frame + 1));
  heading.current?.scrollIntoView();
  heading.current?.focus({ preventScroll: true });
}

export function ChangedChoices({ told, pair, parameters }) {
  const heading = useRef(null);
  const filters = Object.fromEntries(CHANGE_FILTERS.filter((name) => parameters[name]).map((name) => [name, parameters[name]]));
  useEffect(() => {
    if (Object.keys(filters).length) showHeading(heading);
  }, [JSON.stringify(filters)]);
  if (!told.changed.changed) return null;
  const narrow = (more) => href("compare", { ...pairOf(parameters, told), ...(told.written === null ? filters : {}), ...more });
  const weights = [told.to, told.from].find((side) => side.serves)?.given; // the title's view is of what serves
  const without = (name) => href("compare", { ...pairOf(parameters, told), ...filters, [name]: null });
  return html`<section class="list"><h3 tabindex="-1" ref=${heading}>Choices that changed</h3>
    <ul class="chips">${Object.entries(filters).map(
      ([name, value]) => html`<li key=${name}><a href=${without(name)} aria-label="Not only ${name} ${value}">${name} <bdi>${CHANGE_REASONS[value]?.label ?? value}</bdi> ✕</a></li>`,
    )}</ul>
    <${PagedList} kind="comparison_choices" parameters=${{ ...pair, ...filters }} name="choices" label="Pages of choices" none="None of these changed."
      draw=${(choices) => html`<ol class="changes">${choices.map((choice) => html`<${ChangedChoice} key=${choice.user + choice.title} choice=${choice} narrow=${narrow} weights=${weights} />`)}</ol>`} />
  </section>`;
}

function ChangedChoice({ choice, narrow, weights }) {
  const { user, title, reason } = choice;
  const address = href("title", { title, user, ...weights });
  const name = html`<bdi>${choice.name}</bdi> for <bdi>${user}</bdi>`;
  return html`<li class="card change">
    <p class="what"><b>${choice.shown ? html`<a href=${address}>${name}</a>` : name}</b>
      ${choice.segment !== null && html` <span class="soft"><bdi>${choice.segment}</bdi></span>`}
      <span class="reason"><i class="dot ${reason}"></i> ${CHANGE_REASONS[reason].label}</span>
      <span class="narrow"><a href=${narrow({ title })}>only this title</a> <a href=${narrow({ user })}>only this user</a></span></p>
    <${BesideArtwork} word="From" artwork=${choice.was} /><${LeadMoved} choice=${choice} /><${BesideArtwork} word="To" artwork=${choice.now} />
  </li>`;
}

function BesideArtwork({ word, artwork }) {
  if (!artwork) return html`<div class="one"><span class="picture gone">no artwork</span><p>${word}: none may be shown</p></div>`;
  const shown = artwork.parts.map((parts) => parts && addends(PARTS.map((part) => parts[part])));
  const cells = (value) => shown.map((of) => html`<td>${of ? signed(value(of)) : "–"}</td>`);
  return html`<div class="one"><${Picture} artwork=${artwork} words="" /><p>${word}: <b><bdi>${artwork.id}</bdi></b></p>
    <table class="scores"><thead><tr><td></td><th>From</th><th>To</th></tr></thead>
      <tbody>${PARTS.map((part, number) => html`<tr key=${part}><th scope="row">${part}</th>${cells((of) => of.parts[number])}</tr>`)}</tbody>
      <tfoot><tr><th scope="row">score</th>${cells((of) => of.total)}</tr></tfoot></table></div>`;
}

// How the present choice came to lead the former: its lead before, what each part added, its lead now.
function LeadMoved({ choice }) {
  const { was, now, reason } = choice;
  const whole = was && now && [0, 1].every((side) => was.parts[side] && now.parts[side]);
  const arrow = html`<p class="arrow" aria-hidden="true"></p>`;
  if (!whole) return html`<div class="leads">${arrow}<p class="soft">${notThere(choice)}</p></div>`;
  const lead = (side, part) => now.parts[side][part] - was.parts[side][part];
  const moved = PARTS.map((part) => lead(1, part) - lead(0, part));
  const before = PARTS.reduce((sum, part) => sum + lead(0, part), 0);
  const shown = addends([before, ...moved]);
  return html`<div class="leads">${arrow}<dl class="parts">
    <div class="total"><dt>lead in From</dt><dd></dd><dd class="number">${signed(shown.parts[0])}</dd></div>
    ${PARTS.map((part, number) => html`<div key=${part} class=${part === reason ? "most" : null}><dt>${part}</dt><dd><${Bar} part=${part} value=${moved[number]} /></dd>
      <dd class="number">${signed(shown.parts[number + 1])}</dd></div>`)}
    <div class="total"><dt>lead in To</dt><dd></dd><dd class="number">${signed(shown.total)}</dd></div>
  </dl></div>`;
}

function notThere({ was, now }) {
  if (!was) return "The title had nothing to show in From.";
  if (!now) return "The title has nothing to show in To.";
  const gone = !was.parts[1] && html`In To, <bdi>${was.id}</bdi> may not be shown. `;
  const fresh = !now.parts[0] && html`In From, <bdi>${now.id}</bdi> may not be shown.`;
  return html`${gone}${fresh}`;
}
