// A list a page at a time, of documents that come in blocks.
import { html, useEffect, useState } from "./base.js";
import { useDocument } from "./ask.js";
import { counted } from "./numbers.js";

const PER_BLOCK = 50; // items of a document; match/page/documents/blocks.py knows it, too

// name: of the list in the document, whose `held` items can be asked for; draw(items) shows those of a page. size: a divisor of PER_BLOCK.
export function PagedList({ kind, parameters, name, draw, size = 10, label, none }) {
  const whole = JSON.stringify([kind, parameters]);
  const [place, setPlace] = useState({ whole, page: 0 });
  const page = place.whole === whole ? place.page : 0;
  useEffect(() => setPlace({ whole, page: 0 }), [whole]);
  const first = page * size;
  const start = Math.floor(first / PER_BLOCK) * PER_BLOCK;
  const { document, error, loading } = useDocument(kind, { ...parameters, start: String(start) });
  if (error) return html`<p class="error">${error.message}</p>`;
  if (!document) return html`<p class="loading">Loading …</p>`;
  if (!document.total) return html`<p class="soft">${none}</p>`;
  const items = document[name].slice(first - start, first - start + size);
  const last = Math.min(first + size, document.held);
  const turn = (pages) => setPlace({ whole, page: page + pages });
  return html`<div aria-busy=${loading}>${draw(items)}</div>
    <nav class="pager" aria-label=${label}>
      ${document.held > size &&
      html`<button type="button" disabled=${page === 0} onClick=${() => turn(-1)}>Earlier</button>
        <button type="button" disabled=${last >= document.held} onClick=${() => turn(1)}>Later</button>`}
      <span class="soft" aria-live="polite">${counted(first + 1)} to ${counted(last)} of ${counted(document.total)}${
        document.held < document.total ? `; the first ${counted(document.held)} are in this file` : ""
      }</span>
    </nav>`;
}
