// Long lists and grids: only what is to be seen is there, in rows of one height, and asked for a block at a time.
import { html, useEffect, useLayoutEffect, useRef, useState } from "./base.js";
import { ask } from "./ask.js";

const BLOCK = 50; // items of a document; match/page/documents/blocks.py knows it, too
const SPARE = 3; // rows above and below what is to be seen

// count rows, each `height` CSS pixels high, of which draw(number) is an element; the window scrolls, not the list.
export function Rows({ count, height, draw, label }) {
  const box = useRef(null);
  const [seen, setSeen] = useState([0, 20]);
  useLayoutEffect(() => {
    const look = () => {
      const top = -box.current.getBoundingClientRect().top;
      const first = Math.max(0, Math.floor(top / height) - SPARE);
      const last = Math.min(count, Math.ceil((top + innerHeight) / height) + SPARE);
      setSeen((before) => (before[0] === first && before[1] === last ? before : [first, last]));
    };
    look();
    addEventListener("scroll", look, { passive: true });
    addEventListener("resize", look);
    return () => {
      removeEventListener("scroll", look);
      removeEventListener("resize", look);
    };
  }, [count, height]);
  const numbers = [];
  for (let number = Math.min(seen[0], count); number < Math.min(seen[1], count); number++) numbers.push(number);
  return html`<div class="rows" role="list" aria-label=${label} ref=${box} style=${{ height: `${count * height}px` }}>
    ${numbers.map(
      (number) => html`<div class="row" role="listitem" aria-setsize=${count} aria-posinset=${number + 1} key=${number}
        style=${{ height: `${height}px`, transform: `translateY(${number * height}px)` }}>${draw(number)}</div>`,
    )}
  </div>`;
}

// item(number) of a long list whose blocks are documents: undefined until its block is there. name: of the list in a document.
export function useBlocks(kind, parameters, name) {
  const whole = JSON.stringify([kind, parameters, name]);
  const [blocks, setBlocks] = useState({ whole, found: new Map(), total: null, error: null });
  const asked = useRef({ whole, starts: new Set() });
  if (asked.current.whole !== whole) asked.current = { whole, starts: new Set() };
  const current = blocks.whole === whole ? blocks : { whole, found: new Map(), total: blocks.total, error: null };
  const wantBlock = (start) => {
    if (asked.current.starts.has(start)) return;
    asked.current.starts.add(start);
    ask(kind, { ...parameters, start }).then(
      (document) =>
        setBlocks((before) => {
          if (asked.current.whole !== whole) return before;
          const found = new Map(before.whole === whole ? before.found : []);
          found.set(start, document[name]);
          return { whole, found, total: document.total, error: null };
        }),
      (error) => setBlocks((before) => (asked.current.whole === whole ? { ...before, whole, error } : before)),
    );
  };
  useEffect(() => wantBlock(0), [whole]);
  const item = (number) => {
    const start = Math.floor(number / BLOCK) * BLOCK;
    const there = current.found.get(start);
    if (!there) wantBlock(start);
    return there?.[number - start];
  };
  return { item, total: current.total, error: current.error };
}
