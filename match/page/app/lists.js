// Long lists of which a block is asked for when it is to be seen, and not while it only flies past.
import { useEffect, useRef, useState } from "./base.js";
import { ask, isWritten } from "./ask.js";
import { BLOCK } from "./blocks.js";

const REST = 60; // milliseconds that a list stands still before more of it is asked for
const HELD = 12; // blocks of a list; the farthest goes first

// asked: [{ id, kind, parameters, name }], ids unique; name: of the list in a document. For each { item, total, error, waiting }:
// item(number) is undefined until its block is there. While the parameters of an id change, its former items stay.
export function useLists(asked) {
  const redraw = useRedraw();
  const lists = useRef(new Map());
  const now = new Map(asked.map((one) => [one.id, renewed(lists.current.get(one.id), one)]));
  for (const [id, list] of lists.current) if (now.get(id) !== list) drop(list);
  lists.current = now;
  for (const list of now.values()) list.changed = redraw;
  useEffect(() => {
    // Of a list that is unknown, or was empty before, nothing is drawn that would ask for it.
    for (const list of lists.current.values()) if (!list.asked.size && !list.wanted.size) wantBlock(list, 0);
  });
  useEffect(() => () => lists.current.forEach(drop), []);
  return asked.map(({ id }) => {
    const list = now.get(id);
    return { item: (number) => itemOf(list, number), total: list.total, error: list.error, waiting: list.waiting > 0 };
  });
}

// Draws anew in the next frame, once for all that comes until then: a grid's lists come side by side.
function useRedraw() {
  const [, setTimes] = useState(0);
  const due = useRef(0);
  useEffect(() => () => cancelAnimationFrame(due.current), []);
  return () => {
    due.current ||= requestAnimationFrame(() => {
      due.current = 0;
      setTimes((times) => times + 1);
    });
  };
}

function renewed(before, { kind, parameters, name }) {
  const whole = JSON.stringify([kind, parameters, name]);
  if (before?.whole === whole) return before;
  const former = new Map([...(before?.former ?? []), ...(before?.found ?? [])]);
  const found = new Map(), asked = new Set(), wanted = new Set();
  return { whole, kind, parameters, name, former, found, asked, wanted, total: before?.total ?? null, error: null, waiting: 0, timer: null };
}

function drop(list) {
  clearTimeout(list.timer);
  list.changed = () => {};
}

function itemOf(list, number) {
  const start = Math.floor(number / BLOCK) * BLOCK;
  const block = list.found.get(start);
  if (!block) wantBlock(list, start);
  return (block ?? list.former.get(start))?.[number - start];
}

// All that one drawing wants takes the place of what the one before did.
function wantBlock(list, start) {
  if (list.asked.has(start)) return;
  if (!list.drawing) {
    list.drawing = true;
    list.wanted.clear();
    queueMicrotask(() => (list.drawing = false));
    clearTimeout(list.timer);
    list.timer = setTimeout(() => [...list.wanted].forEach((one) => askBlock(list, one)), list.found.size && !isWritten() ? REST : 0);
  }
  list.wanted.add(start);
}

function askBlock(list, start) {
  list.wanted.delete(start);
  list.asked.add(start);
  list.waiting += 1;
  const ended = (error) => {
    list.waiting -= 1;
    list.error = error;
    list.changed();
  };
  ask(list.kind, { ...list.parameters, start }).then((document) => {
    list.total = document.total;
    list.found.set(start, document[list.name]);
    forgetFar(list, start);
    ended(null);
  }, ended);
}

function forgetFar(list, start) {
  list.former.delete(start);
  if (list.found.size <= HELD) return;
  const far = [...list.found.keys()].reduce((one, other) => (Math.abs(other - start) > Math.abs(one - start) ? other : one));
  list.found.delete(far);
  list.asked.delete(far);
}
