// An input that finds while letters are typed.
import { html, useEffect, useRef, useState } from "./base.js";

const PAUSE = 160; // milliseconds after a letter

export function Letters({ label, value = "", onFind, ...others }) {
  const [typed, setTyped] = useState(value);
  const timer = useRef(null);
  useEffect(() => setTyped(value), [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const onInput = ({ target }) => {
    setTyped(target.value);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => onFind(target.value), PAUSE);
  };
  return html`<input type="search" class="find-letters" aria-label=${label} placeholder=${label} value=${typed} onInput=${onInput}
    autocomplete="off" spellcheck=${false} ...${others} />`;
}
