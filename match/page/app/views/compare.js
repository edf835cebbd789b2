// Two snapshots, two checkpoints or two blends side by side: what changed, for whom, by how much.
import { html } from "../base.js";
import { isWritten, useDocument } from "../ask.js";
import { href } from "../route.js";
import { sideWords } from "../sides.js";
import { useWork } from "../working.js";
import { ChangedChoices } from "./compare_choices.js";
import { ArtworkMoved, TitlesChanged } from "./compare_lists.js";
import { ComparisonOutcome } from "./compare_outcome.js";
import { SidePicker } from "./compare_picker.js";

export function CompareView({ parameters, overview }) {
  const { document: sides, error } = useDocument("sides");
  if (error) return html`<p class="error">${error.message}</p>`;
  if (!sides) return html`<p class="loading">Loading …</p>`;
  const { from = "", to = "" } = parameters;
  const asked = from || to ? { from, to } : null;
  const pair = isWritten() ? heldPair(sides.offered, asked) : asked;
  return html`<h2>Compare</h2>
    ${isWritten()
      ? html`<${OfferedComparisons} offered=${sides.offered} pair=${pair} />`
      : html`<${SidePicker} key=${JSON.stringify(pair)} sides=${sides} pair=${pair} overview=${overview} />`}
    ${pair && html`<${ComparisonOf} key=${JSON.stringify(pair)} pair=${pair} parameters=${parameters} />`}`;
}

// In a file: what is asked for, if it is there; the only one where nothing is.
function heldPair(offered, asked) {
  if (!asked) return offered.length === 1 ? offered[0] : null;
  return offered.find((one) => one.from === asked.from && one.to === asked.to) ?? null;
}

// What a page in a file holds.
function OfferedComparisons({ offered, pair }) {
  if (!offered.length) {
    return html`<p>This page is a file and holds no comparison. Write one into it:</p>
      <ul class="ways">
        <li><code>inspect_matches --store STORE --out page.html --compare snapshot=000003</code> what serves beside a snapshot that is kept</li>
        <li><code>inspect_matches --store STORE --out page.html --compare similarity=1,people=0</code> beside other weights</li>
        <li><code>inspect_matches --store STORE --out page.html --compare store=OTHER</code> beside another store</li>
      </ul>
      <p>Served, it compares any snapshots and weights: <code>inspect_matches --store STORE --serve</code></p>`;
  }
  if (offered.length === 1) return null;
  return html`<nav aria-label="Comparisons"><ul class="chips">
    ${offered.map((one) => {
      const current = pair && one.from === pair.from && one.to === pair.to;
      return html`<li key=${one.from + one.to}><a href=${href("compare", one)} aria-current=${current ? "true" : null}>
        <bdi>${sideWords(one.from)}</bdi> → <bdi>${sideWords(one.to)}</bdi></a></li>`;
    })}
  </ul></nav>`;
}

function ComparisonOf({ pair, parameters }) {
  const { document: told, error } = useWork("comparison", pair);
  if (error) return html`<p class="error" role="alert">${error.message}</p>`;
  if (told?.state !== "there") return html`<${ComparisonMaking} told=${told} />`;
  return html`<${ComparisonOutcome} told=${told} parameters=${parameters} />
    <${TitlesChanged} told=${told} pair=${pair} parameters=${parameters} />
    <${ArtworkMoved} told=${told} pair=${pair} parameters=${parameters} />
    <${ChangedChoices} told=${told} pair=${pair} parameters=${parameters} />`;
}

function ComparisonMaking({ told }) {
  const total = told?.total || null;
  return html`<p class="making loading" role="status">Comparing the choices of all users …
    <progress max=${total ?? 1} value=${total ? told.done : null} aria-label="Choices compared"></progress></p>`;
}
