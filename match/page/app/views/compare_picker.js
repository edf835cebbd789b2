// Where the viewer picks both sides: a snapshot, and weights in place of those that its store publishes.
import { html, useState } from "../base.js";
import { counted, dated } from "../numbers.js";
import { WEIGHTS, go, href, tried } from "../route.js";
import { sideOf, sideText, sideWords } from "../sides.js";

export function SidePicker({ sides, pair, overview }) {
  const start = pair ?? proposedSides(sides);
  const [from, setFrom] = useState(sideOf(start.from));
  const [to, setTo] = useState(sideOf(start.to));
  const same = sideText(from) === sideText(to);
  const compare = () => !same && go("compare", { from: sideText(from), to: sideText(to) });
  const swap = () => {
    setFrom(to);
    setTo(from);
  };
  const pressed = (event) => event.key === "Enter" && event.target.matches("input") && compare();
  return html`<div class="picker" role="group" aria-label="Sides to compare" onKeyDown=${pressed}>
      <${SideFields} legend="From" side=${from} change=${setFrom} sides=${sides} overview=${overview} />
      <button type="button" class="swap" onClick=${swap} title="Swap the two sides" aria-label="Swap the two sides">⇄</button>
      <${SideFields} legend="To" side=${to} change=${setTo} sides=${sides} overview=${overview} />
      <div class="go"><button type="button" class="main" disabled=${same} onClick=${compare}>Compare</button>
        ${same && html`<span class="soft">Both sides are the same: pick another snapshot, or change a weight.</span>`}</div>
    </div>
    ${sides.offered.length > 0 &&
    html`<ul class="chips">${sides.offered.map(
      (one) => html`<li key=${one.from + one.to}><a href=${href("compare", one)}><bdi>${sideWords(one.from)}</bdi> → <bdi>${sideWords(one.to)}</bdi></a></li>`,
    )}</ul>`}`;
}

// Before anything is picked: the weights that the viewer tries out, else the snapshot before the one that serves.
function proposedSides(sides) {
  const weights = sideText(tried());
  if (weights) return { from: "", to: weights };
  const own = sides.stores[0].snapshots;
  const before = own[own.findIndex((snapshot) => snapshot.name === sides.serving) + 1];
  return { from: before ? `snapshot=${before.name}` : "", to: "" };
}

function SideFields({ legend, side, change, sides, overview }) {
  const chosen = JSON.stringify([side.store ?? "", side.store || side.snapshot !== sides.serving ? (side.snapshot ?? "") : ""]);
  const pick = (event) => {
    const [store, snapshot] = JSON.parse(event.target.value);
    change({ ...side, store, snapshot });
  };
  const published = side.store ? null : overview.weights;
  return html`<fieldset>
    <legend>${legend}</legend>
    <label class="wide">Snapshot <select value=${chosen} onChange=${pick}>
      ${sides.stores.map((store) => html`<${StoreOptions} key=${store.name} store=${store} serving=${sides.serving} />`)}
    </select></label>
    <div class="weights">${WEIGHTS.map(
      (name) => html`<label key=${name}>${name} <input type="number" min="0" max="5" step="any" value=${side[name] ?? ""}
        placeholder=${published ? String(+published[name].toFixed(3)) : "published"} onInput=${(event) => change({ ...side, [name]: event.target.value })} /></label>`,
    )}</div>
  </fieldset>`;
}

function StoreOptions({ store, serving }) {
  const name = store.name ?? "";
  const option = (snapshot) => {
    const serves = !name && snapshot.name === serving;
    const told = `${serves ? "what serves: " : ""}${snapshot.name}, ${dated(snapshot.published_at)}, ${counted(snapshot.artworks)} artworks, ${snapshot.encoder}`;
    return html`<option key=${snapshot.name} value=${JSON.stringify([name, serves ? "" : snapshot.name])}>${told}</option>`;
  };
  return html`<optgroup label=${name || "this store"}>
    ${name && html`<option value=${JSON.stringify([name, ""])}>what serves there</option>`}
    ${store.snapshots.map(option)}
  </optgroup>`;
}
