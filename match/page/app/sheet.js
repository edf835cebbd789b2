// Rows and columns under heads that stay in sight: a grid as ARIA has it, of which only what is to be seen is there. The arrows, Home,
// End and the page keys (with Ctrl from end to end) go from cell to cell, Enter opens the link of the one that has the focus.
import { html, useEffect, useLayoutEffect, useRef, useState } from "./base.js";

const BEYOND = 3; // rows above and below what is to be seen
const leftPlaces = new Map(); // a sheet's name to where it was left: { top, left, active }
const SHEET_STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

// The size of what an element shows, in CSS pixels.
export function useSize(box) {
  const [size, setSize] = useState({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const measure = () => setSize({ width: box.current.clientWidth, height: box.current.clientHeight });
    const watching = new ResizeObserver(measure);
    watching.observe(box.current);
    measure();
    return () => watching.disconnect();
  }, []);
  return size;
}

// name: under which the place is kept while the viewer looks elsewhere; layout(width) -> { head, column, row }: CSS pixels of the width of
// the rows' heads (0: they stand above their rows), of that of a column, and of the height of a row; corner, columnHead(column),
// rowHead(row), cell(row, column): what stands there; isWhole(row): whether all of it does. cell is new where what it draws is.
export function Sheet({ name, label, rows, columns, layout, corner, columnHead, rowHead, cell, isWhole, busy }) {
  const box = useRef(null), heads = useRef(null), focusing = useRef(false);
  const left = leftPlaces.get(name) ?? { top: 0, left: 0, active: [0, 0] };
  const [active, setActive] = useState(left.active);
  const [top, setTop] = useState(left.top);
  const size = useSize(box);
  const { head, column: columnWidth, row: rowHeight } = layout(size.width);
  const stacked = head === 0;
  const at = [Math.min(active[0], rows - 1), Math.min(active[1], columns - 1)];
  useLayoutEffect(() => {
    box.current.scrollTo(left.left, left.top);
  }, [name]);
  useLayoutEffect(() => {
    const to = focusing.current && cellOfSheet(box.current, at);
    focusing.current = false;
    if (to) to.focus({ preventScroll: true });
  });
  useEffect(() => {
    leftPlaces.set(name, { ...left, ...leftPlaces.get(name), active });
  }, [name, active]);
  const onScroll = ({ target }) => {
    leftPlaces.set(name, { top: target.scrollTop, left: target.scrollLeft, active }); // asked for later, they would have to be laid out first
    setTop(Math.floor(target.scrollTop / rowHeight) * rowHeight);
  };
  const toCell = (to) => {
    showCell(box.current, to, { head, top: heads.current.offsetHeight, columnWidth, rowHeight });
    focusing.current = true;
    setTop(box.current.scrollTop);
    setActive(to);
  };
  const onKeyDown = (event) => {
    if (event.key === "Enter" && event.target.matches("[aria-colindex]")) event.target.querySelector("a")?.click();
    const shown = Math.max(1, Math.floor((size.height - heads.current.offsetHeight) / rowHeight) - 1);
    const to = event.altKey || event.metaKey ? null : keyTarget(event, at, rows, columns, shown);
    if (!to) return;
    event.preventDefault();
    if (to[0] !== at[0] || to[1] !== at[1]) toCell(to);
  };
  const onFocusIn = ({ target }) => {
    const found = placeInSheet(target.closest("[aria-colindex]"));
    if (found && (found[0] !== active[0] || found[1] !== active[1])) setActive(found);
  };
  const tab = (row, column) => (row === at[0] && column === at[1] ? 0 : -1);
  const made = useRef(null); // the rows that are whole, as they were drawn: while one only scrolls, they stay as they are
  const drawnFor = [cell, rowHeight, ...at];
  if (drawnFor.some((one, place) => one !== made.current?.drawnFor[place])) made.current = { drawnFor, lines: new Map() };
  const line = (row) => {
    const { lines } = made.current;
    if (!isWhole(row)) return drawn(row);
    if (!lines.has(row)) lines.set(row, drawn(row));
    return lines.get(row);
  };
  const drawn = (row) => html`<div class="line" role="row" key=${row} aria-rowindex=${row + 2} style=${{ top: `${row * rowHeight}px` }}>
    <div class="row-head" role="rowheader" aria-colindex="1" tabindex=${tab(row, -1)}>${rowHead(row)}</div>
    ${Array.from({ length: columns }, (_, column) => html`<div class="cell" role="gridcell" key=${column} aria-colindex=${column + 2}
      tabindex=${tab(row, column)}>${cell(row, column)}</div>`)}
  </div>`;
  const style = { "--head": `${head}px`, "--column": `${columnWidth}px`, "--row": `${rowHeight}px`, "--columns": columns };
  return html`<div class=${stacked ? "sheet stacked" : "sheet"} role="grid" aria-label=${label} aria-rowcount=${rows + 1} aria-colcount=${columns + 1} aria-busy=${busy}
    ref=${box} style=${style} onScroll=${onScroll} onKeyDown=${onKeyDown} onFocusIn=${onFocusIn}>
    <div class="heads" role="row" aria-rowindex="1" ref=${heads}>
      <div class="row-head" role="columnheader" aria-colindex="1" tabindex=${tab(-1, -1)}>${corner}</div>
      ${Array.from({ length: columns }, (_, column) => html`<div class="top" role="columnheader" key=${column} aria-colindex=${column + 2}
        tabindex=${tab(-1, column)}>${columnHead(column)}</div>`)}
    </div>
    <div class="lines" role="rowgroup" style=${{ height: `${rows * rowHeight}px` }}>
      ${rowsToSee(rows, at[0], top, size.height, rowHeight).map(line)}
    </div>
  </div>`;
}

// The numbers of the rows that are there: those to be seen, and the one that has or had the focus.
function rowsToSee(rows, active, top, height, rowHeight) {
  const first = Math.max(0, Math.floor(top / rowHeight) - BEYOND);
  const last = Math.min(rows, Math.ceil((top + Math.min(height, innerHeight)) / rowHeight) + BEYOND);
  const numbers = Array.from({ length: Math.max(0, last - first) }, (_, place) => first + place);
  if (active >= 0 && active < first) numbers.unshift(active);
  if (active >= last && active < rows) numbers.push(active);
  return numbers;
}

// Where a key leads from a cell; -1 is a head. shown: rows of a page.
function keyTarget({ key, ctrlKey }, [row, column], rows, columns, shown) {
  const inside = (value, count) => Math.max(-1, Math.min(count - 1, value));
  if (key in SHEET_STEPS) return ctrlKey ? null : [inside(row + SHEET_STEPS[key][0], rows), inside(column + SHEET_STEPS[key][1], columns)];
  if (key === "Home") return [ctrlKey ? 0 : row, ctrlKey ? 0 : -1];
  if (key === "End") return [ctrlKey ? rows - 1 : row, columns - 1];
  if (key === "PageUp") return [Math.max(Math.min(row, 0), row - shown), column];
  if (key === "PageDown") return [inside(row + shown, rows), column];
  return null;
}

function cellOfSheet(box, [row, column]) {
  return box.querySelector(`[aria-rowindex="${row + 2}"] > [aria-colindex="${column + 2}"]`);
}

function placeInSheet(cell) {
  return cell && [Number(cell.parentElement.getAttribute("aria-rowindex")) - 2, Number(cell.getAttribute("aria-colindex")) - 2];
}

// Scroll until a cell is in sight.
function showCell(box, [row, column], { head, top, columnWidth, rowHeight }) {
  if (row >= 0) box.scrollTop = leastScroll(box.scrollTop, box.clientHeight - top, row * rowHeight, rowHeight);
  if (column >= 0) box.scrollLeft = leastScroll(box.scrollLeft, box.clientWidth - head, column * columnWidth, columnWidth);
}

function leastScroll(now, room, begin, length) {
  return Math.min(begin, Math.max(now, begin + length - room));
}
