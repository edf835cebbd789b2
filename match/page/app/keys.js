// Keys that act wherever the viewer is: not while somebody types, not with a modifier, and not where they are switched off.
import { useEffect, useRef } from "./base.js";

const TYPING = "input, textarea, select, [contenteditable], dialog";
const OWN_ARROWS = "[role=grid], [role=application]";
const KEPT = "artwork-matches-keys"; // in the browser's storage: "off" where they are

// Speech, and a hand that trembles, press keys that nobody meant.
export function areKeysOn() {
  try {
    return localStorage.getItem(KEPT) !== "off";
  } catch {
    return true; // a browser that stores nothing
  }
}

export function switchKeys(on) {
  try {
    localStorage.setItem(KEPT, on ? "on" : "off");
  } catch {
    // as long as the browser stores nothing, they are on
  }
}

// acts: { key: what it does }; the latest ones count.
export function useKeys(acts) {
  const latest = useRef(acts);
  latest.current = acts;
  useEffect(() => {
    const pressed = (event) => {
      const act = Object.hasOwn(latest.current, event.key) ? latest.current[event.key] : null;
      if (!act || event.repeat || event.defaultPrevented || isElsewhere(event) || !areKeysOn()) return;
      event.preventDefault();
      act();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
}

// Shift is no modifier of what is typed with it, such as "?".
function isElsewhere({ key, target, ctrlKey, metaKey, altKey, shiftKey }) {
  if (ctrlKey || metaKey || altKey || (shiftKey && key.length > 1)) return true;
  if (document.querySelector("dialog[open]")) return true;
  return Boolean(target.closest?.(key.startsWith("Arrow") ? `${TYPING}, ${OWN_ARROWS}` : TYPING));
}
