// Artwork that looks alike, group by group, side by side.
import { html, useEffect, useMemo, useState } from "../base.js";
import { counted, percent, plural } from "../numbers.js";
import { go } from "../route.js";
import { Working, useWork } from "../working.js";
import { Tile } from "./artworks.js";

const GROUPS = 40; // shown at a time
const SORTS = { "": "all", within: "within a title", across: "across titles", file: "the same file" };
const TESTS = { within: (pair) => pair[4], across: (pair) => !pair[4], file: (pair) => pair[3] };

export function DuplicatesView({ parameters }) {
  const { document: found, error } = useWork("duplicates");
  if (error) return html`<p class="error">${error.message}</p>`;
  if (found?.state !== "there") return html`<h2>Duplicates</h2><${Working} document=${found} words="All artwork is being compared." />`;
  return html`<${Alike} found=${found} parameters=${parameters} />`;
}

function Alike({ found, parameters }) {
  const least = Math.max(Number(parameters.threshold) || found.threshold, found.threshold);
  const sort = parameters.which in TESTS ? parameters.which : "";
  const groups = useMemo(() => groupsOf(found, least, TESTS[sort]), [found, least, sort]);
  const [shown, setShown] = useState(GROUPS);
  useEffect(() => setShown(GROUPS), [groups]);
  const change = (changes) => go("duplicates", { ...parameters, ...changes }, { replace: true });
  const pairs = groups.reduce((sum, group) => sum + group.pairs.length, 0);
  const how = found.how === "exact" ? "All artwork was compared." : `Across titles ${found.how}: ${percent(found.recall)} of the pairs are found.`;
  return html`<div class="bar-of-tools"><h2>Duplicates</h2>
      <label class="choose">From a similarity of <input type="range" min=${found.threshold} max="1" step="0.002" value=${least}
        aria-valuetext=${least.toFixed(3)} onInput=${(event) => change({ threshold: event.target.value })} /> <output>${least.toFixed(3)}</output></label>
      <label class="choose">Pairs <select value=${sort} onChange=${(event) => change({ which: event.target.value })}>
        ${Object.entries(SORTS).map(([name, words]) => html`<option key=${name} value=${name}>${words}</option>`)}</select></label>
      <p class="soft" role="status">${plural(groups.length, "group")}, ${plural(pairs, "pair")}</p></div>
    <p class="soft">Two that look alike teach nothing apart, and within a title one of them is shown in vain. ${how}
      ${found.found > found.most && ` ${counted(found.found)} pairs look alike; here are the ${counted(found.most)} most alike.`}</p>
    ${groups.length === 0 && html`<p>${found.pairs.length ? `No such pair from a similarity of ${least.toFixed(3)} on.` : `No two of the artworks are alike from a similarity of ${found.threshold} on.`}</p>`}
    <ol class="alike">${groups.slice(0, shown).map((group) => html`<li key=${group.members[0]}><${Group} group=${group} artworks=${found.artworks} /></li>`)}</ol>
    ${groups.length > shown && html`<p class="tools"><button type="button" onClick=${() => setShown(shown + GROUPS)}>Show more</button></p>`}`;
}

function Group({ group, artworks }) {
  const titles = new Set(group.members.map((member) => artworks[member].title)).size;
  const [best, last] = [group.pairs[0], group.pairs[group.pairs.length - 1]];
  const range = best[2] === last[2] ? best[2].toFixed(3) : `${last[2].toFixed(3)} to ${best[2].toFixed(3)}`;
  return html`<section class="card" aria-label="${group.members.length} that look like ${artworks[group.members[0]].id}">
    <p><b>${range}</b> <span class="soft">${plural(group.members.length, "artwork")} of ${titles === 1 ? "one title" : `${titles} titles`}${group.pairs.every((pair) => pair[3]) && ", the same file"}</span></p>
    <div class="members">${group.members.map((member) => html`<${Tile} key=${member} artwork=${artworks[member]}><small class="soft"><bdi>${artworks[member].id}</bdi></small><//>`)}</div>
    ${group.members.length > 2 && html`<details><summary>${plural(group.pairs.length, "pair")}</summary><ul>
      ${group.pairs.map(([one, other, similarity, file]) => html`<li key="${one} ${other}"><bdi>${artworks[one].id}</bdi> and <bdi>${artworks[other].id}</bdi>: ${similarity.toFixed(3)}${file && ", the same file"}</li>`)}</ul></details>`}
  </section>`;
}

// What pairs connect, directly or through others, the most alike first.
function groupsOf({ pairs }, least, test) {
  const parent = new Map();
  const root = (one) => {
    while ((parent.get(one) ?? one) !== one) one = parent.get(one);
    return one;
  };
  const wanted = pairs.filter((pair) => (pair[2] >= least || pair[3]) && (!test || test(pair)));
  for (const [one, other] of wanted) {
    const [low, high] = [root(one), root(other)].sort((a, b) => a - b);
    parent.set(low, low).set(high, low);
  }
  const groups = new Map();
  for (const pair of wanted) {
    const at = root(pair[0]);
    if (!groups.has(at)) groups.set(at, { members: [], pairs: [] });
    const group = groups.get(at);
    group.pairs.push(pair);
    for (const member of pair.slice(0, 2)) if (!group.members.includes(member)) group.members.push(member);
  }
  return [...groups.values()];
}
