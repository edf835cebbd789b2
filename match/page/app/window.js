// Long lists and grids: only what is to be seen is there, in rows of one height, and asked for a block at a time.
import { html, useLayoutEffect, useRef, useState } from "./base.js";
import { useLists } from "./lists.js";

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
export const useBlocks = (kind, parameters, name) => useLists([{ id: name, kind, parameters, name }])[0];
