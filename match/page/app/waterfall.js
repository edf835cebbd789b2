// A score as steps from its title's mean prior: all artworks of a title on one scale, so that what sets them apart can be seen.
import { html } from "./base.js";
import { addends } from "./addends.js";
import { percent, signed } from "./numbers.js";
import { PARTS, PART_WORDS } from "./parts.js";

export const rateOf = (score) => 1 / (1 + Math.exp(-score));

// Of the artworks of a title: where their steps begin, and the ends of the scale, in log-odds.
export function fallScale(artworks) {
  const anchor = artworks.reduce((sum, artwork) => sum + artwork.parts.prior, 0) / (artworks.length || 1);
  const reached = artworks.flatMap((artwork) => stepsOf(artwork, anchor).flatMap(({ from, to }) => [from, to]));
  const [low, high] = [Math.min(anchor, ...reached), Math.max(anchor, ...reached)];
  const room = 0.08 * (high - low) || 0.1;
  return { anchor, low: low - room, high: high + room };
}

function stepsOf(artwork, anchor) {
  let from = anchor;
  return PARTS.map((part) => {
    const to = part === "prior" ? artwork.parts.prior : from + artwork.parts[part];
    const step = { part, from, to };
    from = to;
    return step;
  });
}

export function Waterfall({ artwork, scale, guard }) {
  const place = (value) => (100 * (value - scale.low)) / (scale.high - scale.low);
  const shown = addends(PARTS.map((part) => artwork.parts[part]));
  return html`<dl class="waterfall">
    ${stepsOf(artwork, scale.anchor).map(
      ({ part, from, to }, number) => html`<div key=${part}><dt title=${PART_WORDS[part]}>${part}</dt><dd class="track" aria-hidden="true">
          <i class="anchor" style=${{ left: `${place(scale.anchor)}%` }}></i>
          ${shown.parts[number] !== 0 && html`<${Step} part=${part} low=${place(Math.min(from, to))} high=${place(Math.max(from, to))} />`}
        </dd><dd class=${shown.parts[number] ? "number" : "number soft"}>${signed(shown.parts[number])}</dd></div>`,
    )}
    <div class="total"><dt>score</dt><dd class="track" aria-hidden="true">
        <i class="anchor" style=${{ left: `${place(scale.anchor)}%` }}></i>
        <i class="end" style=${{ left: `${place(artwork.score)}%` }}></i>
      </dd><dd class="number">${signed(shown.total)}</dd></div>
    <div class="told"><dt>promises</dt><dd>${percent(rateOf(artwork.score))} quality plays</dd></div>
    <div class="told"><dt>guards</dt><dd>${guard ? html`<b>set aside</b> ${guard}` : "none sets it aside"}</dd></div>
  </dl>`;
}

const Step = ({ part, low, high }) => html`<i class="step ${part}" style=${{ left: `${low}%`, width: `${high - low}%` }}></i>`;
