// What is served, as every answer of a server says it in its head: known here is when that is no longer what the page began with.
import { useEffect, useState } from "./base.js";

// shown: what the page shows, newest: what is served; as the head has them. isMixed: whether what the page shows has answers of both.
let state = { shown: null, newest: null, isMixed: false, round: 0 };
const watching = new Set();

function change(some) {
  state = { ...state, ...some };
  watching.forEach((tell) => tell(state));
}

// How often the page began anew.
export const servedRound = () => state.round;

// An answer of this head came to what was asked in a round; isLook: it was only asked to see what is served.
export function answered(head, round, isLook) {
  if (head === null || round !== state.round) return; // asked for what is shown no more
  if (state.shown === null) return change({ shown: head, newest: head });
  if (isLook && head !== state.newest) return change({ newest: head });
  if (head !== state.shown && !(isLook || (state.isMixed && head === state.newest))) change({ newest: head, isMixed: true });
}

// From now on the page shows this.
export const beginAnew = (head) => change({ shown: head, newest: head, isMixed: false, round: state.round + 1 });

// { shown, newest, isMixed }
export function useServed() {
  const [served, tell] = useState(state);
  useEffect(() => {
    watching.add(tell);
    tell(state); // what came between the first drawing and now
    return () => watching.delete(tell);
  }, []);
  return served;
}
