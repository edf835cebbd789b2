// A score and its parts: bars that add up to it.
import { html } from "./base.js";
import { addends } from "./addends.js";
import { percent, plural, signed } from "./numbers.js";

export const PARTS = ["prior", "similarity", "people", "words"];
export const PART_WORDS = {
  prior: "what clicks say of the artwork: the chance of a quality play, whoever looks",
  similarity: "how much better the picture meets this user's taste than the average user's",
  people: "liked and disliked people on the picture",
  words: "tags and micro-copy of the picture, held against the taste",
};
const WIDEST = 4; // log-odds at which a bar is full

export function Bar({ part, value }) {
  const size = (Math.min(Math.abs(value), WIDEST) / WIDEST) * 50;
  const left = value >= 0 ? 50 : 50 - size;
  return html`<div class="bar ${part}" aria-hidden="true"><i style=${{ left: `${left}%`, width: `${size}%` }}></i></div>`;
}

export function Rate({ prior }) {
  const shown = prior.impressions ? `${prior.plays} of ${plural(prior.impressions, "impression")} played` : "never shown";
  return html`${percent(prior.mean)}, ${shown}${prior.segment && html` in <bdi>${prior.segment}</bdi>`}`;
}

// artwork: as match/page/told.py: told_artwork has it.
export function Parts({ artwork }) {
  const shown = addends(PARTS.map((part) => artwork.parts[part]));
  return html`<dl class="parts">
    ${PARTS.map(
      (part, number) => html`<div key=${part}><dt title=${PART_WORDS[part]}>${part}</dt><dd><${Bar} part=${part} value=${artwork.parts[part]} /></dd>
        <dd class="number">${signed(shown.parts[number])}</dd></div>`,
    )}
    <div class="total"><dt>score</dt><dd class="rate"><${Rate} prior=${artwork.prior} /></dd><dd class="number">${signed(shown.total)}</dd></div>
  </dl>`;
}
