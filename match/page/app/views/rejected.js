// The files that were set aside, with their reasons and what to do.
import { html, useEffect, useState } from "../base.js";
import { ask, isWritten, useDocument } from "../ask.js";
import { folded } from "../catalog.js";
import { counted, dated, plural } from "../numbers.js";
import { go, href } from "../route.js";
import { Rows, useBlocks } from "../window.js";
import { Letters } from "./artworks.js";

const ROW_HEIGHT = { wide: 72, narrow: 156 }; // CSS pixels
const NARROW_SCREEN = "(max-width: 46rem)";

export function RejectedView({ parameters, overview }) {
  const { find = "", why = "" } = parameters;
  const found = useRejected(find, why, overview.block);
  const height = ROW_HEIGHT[matchMedia(NARROW_SCREEN).matches ? "narrow" : "wide"];
  if (found.error) return html`<p class="error">${found.error.message}</p>`;
  if (!found.kinds) return html`<p class="loading">Loading …</p>`;
  const narrowed = (changed) => go("rejected", { find, why, ...changed }, { replace: true });
  const draw = (number) => html`<${Rejected} row=${found.item(number)} />`;
  return html`<div class="bar-of-tools"><h2>Rejected</h2>${found.of > 0 && html`<${Letters} value=${find} label="Find" hint="artwork, title, path or reason" onInput=${(letters) => narrowed({ find: letters })} />
      <p role="status" class="soft">${(find || why) && `${counted(found.total)} of ${plural(found.of, "picture")}`}</p>`}</div>
    <p class="soft">${found.of ? html`${plural(found.of, "picture")} could not be used, the latest first. The job tries a file again when its bytes change, or with --retry-rejected.` : "Every picture could be used."}</p>
    ${found.of > 0 && html`<div class="narrowing"><ul aria-label="Reasons">${found.kinds.map(
        (kind) => html`<li key=${kind.why}><button type="button" aria-pressed=${kind.why === why} onClick=${() => narrowed({ why: kind.why === why ? "" : kind.why })}>
          <bdi>${kind.why}</bdi> <small>${counted(kind.count)}</small></button></li>`,
      )}</ul></div>
    <${Rows} count=${found.total} height=${height} draw=${draw} label="Pictures set aside" />`}`;
}

function Rejected({ row }) {
  if (!row) return html`<span class="loading">…</span>`;
  return html`<article class="rejected-row">
    <div><b><bdi>${row.id}</bdi></b><small title=${row.path}><bdi>${row.path}</bdi></small></div>
    <div><a href=${href("title", { title: row.title.id })}><bdi>${row.title.name}</bdi></a><small>since ${dated(row.since)}</small></div>
    <div title=${`${row.reason}; ${row.remedy}`}><bdi>${row.reason}</bdi>${row.remedy && html`<small class="remedy"><bdi>${row.remedy}</bdi></small>`}</div>
  </article>`;
}

// { item(number), total, of, kinds, error }: of a server those that it finds, of a page in a file those of its blocks that match.
function useRejected(find, why, block) {
  const asked = isWritten() ? {} : { find, why };
  const first = useDocument("rejected", { ...asked, start: 0 });
  const blocks = useBlocks("rejected", asked, "rejected");
  const held = useHeld(first.document, block);
  const known = first.document ?? {};
  if (!isWritten()) return { item: blocks.item, total: known.total, of: known.of, kinds: known.kinds, error: first.error };
  if (!held) return { error: first.error };
  const letters = folded(find);
  const matching = held.filter((row) => folded([row.id, row.title.name, row.title.id, row.path, row.reason, row.remedy].join(" ")).includes(letters));
  const rows = why ? matching.filter((row) => row.why === why) : matching;
  const counts = new Map();
  for (const row of matching) counts.set(row.why, (counts.get(row.why) ?? 0) + 1);
  const kinds = [...counts].map(([kind, count]) => ({ why: kind, count })).sort((a, b) => b.count - a.count);
  return { item: (number) => rows[number], total: rows.length, of: known.of, kinds, error: null };
}

// All that a page in a file holds; null until it is there, or where the page is served.
function useHeld(first, block) {
  const [held, setHeld] = useState(null);
  useEffect(() => {
    if (!first || !isWritten()) return;
    const starts = Array.from({ length: Math.ceil(first.held / block) || 1 }, (_, number) => number * block);
    Promise.all(starts.map((start) => ask("rejected", { start }))).then((documents) => setHeld(documents.flatMap((document) => document.rejected)));
  }, [first]);
  return held;
}
