// What stands beside a title's artwork: the runner-up, the lines of copy, and what every segment gets.
import { html } from "../base.js";
import { isWritten } from "../ask.js";
import { addends } from "../addends.js";
import { Counts, Interval, ScaleEnds, inPercent, scaleOf } from "../intervals.js";
import { counted, percent, plural, signed } from "../numbers.js";
import { Picture } from "../picture.js";
import { href } from "../route.js";

export const POLICY_NAMES = { thompson: "Thompson", softmax: "softmax" };

// How likely the artwork is drawn where the page explores.
export function Chances({ artwork }) {
  const known = Object.entries(artwork.chances);
  if (!known.length) return null;
  return html`<div><dt title="how likely this artwork is drawn where the page explores">propensity</dt><dd class="chances">${known.map(
    ([policy, chance]) => html`<span key=${policy}><span class="meter" aria-hidden="true"><i style=${{ width: `${100 * (chance ?? 0)}%` }}></i></span>
      <span>${POLICY_NAMES[policy]}</span> <span class="number">${chance === null ? "never" : percent(chance)}</span></span>`,
  )}</dd></div>`;
}

export function RunnerUp({ document, where }) {
  const lacks = document.runner_up;
  if (!lacks) return null;
  const { needed } = lacks;
  const [best, second] = document.artworks;
  const rate = (value) => `${(100 * value).toFixed(2)} %`;
  return html`<section class="told-panel runner-up"><h3>For the runner-up to win</h3>
    <p><bdi>${lacks.id}</bdi> is ${lacks.margin.toFixed(2)} behind <bdi>${best.id}</bdi>. ${lacks.changes.length ? "Any one of these would put it ahead:" : "This would put it ahead:"}</p>
    <ul>
      ${lacks.changes.map((change) => html`<li key=${change.weight}><${ChangedWeight} change=${change} document=${document} where=${where} /></li>`)}
      <li>Its prior would have to be <b>${rate(Math.ceil(needed.rate * 1e4) / 1e4)}</b> instead of <span class="whole">${rate(second.prior.mean)}</span>: about
        ${" "}<b>${plural(needed.plays, "play")}</b> in its next ${counted(needed.impressions)} impressions, where ${counted(Math.round(needed.expected))} are expected.</li>
    </ul>
    ${lacks.cannot.length > 0 && html`<p class="soft">No weight of ${lacks.cannot.join(" or ")} from 0 to 5 does it, all else as it is.</p>`}
  </section>`;
}

function ChangedWeight({ change, document, where }) {
  const { weight, value, leads } = change;
  const words = html`weight of ${weight} <b>${value}</b>`;
  const address = href("title", { ...where, title: document.id, user: document.user, [weight]: value });
  return html`${isWritten() ? words : html`<a href=${address} title="Try it">${words}</a>`} instead of ${Number(document.weights[weight].toFixed(3))}
    ${!leads && html`<span class="soft"> (a third is then ahead of both)</span>`}`;
}

export function CopyLines({ document }) {
  const { copy, lines } = document;
  if (!copy.id && !lines.length) return null;
  return html`<section class="told-panel copy-lines"><h3>Line of copy</h3>
    ${copy.id ? html`<p class="quote">“<bdi>${copy.text}</bdi>”</p><${LineScore} line=${copy} />` : ""}
    <p class="soft"><bdi>${copy.reason}</bdi></p>
    ${lines.length > 0 && html`<ul>${lines.map(
      (line) => html`<li key=${line.id} class=${line.reason ? "stopped" : ""}>“<bdi>${line.text}</bdi>” <${LineScore} line=${line} />
        ${line.reason && html` <span class="badge">${line.reason}</span>`}</li>`,
    )}</ul>`}
  </section>`;
}

function LineScore({ line }) {
  const { parts, total } = addends([Math.log(line.prior.mean / (1 - line.prior.mean)), line.similarity]);
  return html`<span class="soft line-score">prior ${signed(parts[0])}, similarity ${signed(parts[1])} = <b>${signed(total)}</b>; <${Counts} ...${line.prior} /></span>`;
}

export function SegmentsMeet({ about }) {
  const met = about.segments.filter((segment) => segment.artwork);
  if (!met.length) return null;
  const scale = scaleOf(met.map((segment) => segment.interval));
  const known = new Map(about.artworks.map((artwork) => [artwork.id, artwork]));
  return html`<section class="told-panel meets"><h3>What every segment gets</h3>
    <p class="soft">The artwork that its average user meets, with its prior there.</p>
    <ul>${about.segments.map((segment) => html`<${SegmentMeets} key=${segment.segment ?? ""} segment=${segment} known=${known} scale=${scale} />`)}</ul>
    <${ScaleEnds} scale=${scale} />
    ${about.more_segments > 0 && html`<p class="soft">${plural(about.more_segments, "segment")} more.</p>`}
    ${about.segments.length === 1 && html`<p class="soft">No segment has priors of its own: neither clicks nor tastes name one.</p>`}
  </section>`;
}

function SegmentMeets({ segment, known, scale }) {
  const name = segment.segment ? html`<b><bdi>${segment.segment}</bdi></b>` : html`<b>everyone</b>`;
  if (!segment.artwork) return html`<li><span></span><div>${name}<p class="soft"><bdi>${segment.reason}</bdi></p></div></li>`;
  const address = href("artwork", { artwork: segment.artwork });
  return html`<li><a href=${address} tabindex="-1" aria-hidden="true"><${Picture} artwork=${{ ...known.get(segment.artwork), id: segment.artwork }} words="" sharp=${false} /></a>
    <div>${name} <a href=${address}><bdi>${segment.artwork}</bdi></a>
      <${Interval} mean=${segment.prior.mean} interval=${segment.interval} scale=${scale} />
      <span class="soft">${percent(segment.prior.mean)} (${inPercent(segment.interval)}), <${Counts} ...${segment.prior} /></span></div></li>`;
}
