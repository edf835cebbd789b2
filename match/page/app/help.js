// All keys that act, in a dialog: by "?", and by a button for who has no such key.
import { html, useEffect, useRef, useState } from "./base.js";
import { areKeysOn, switchKeys, useKeys } from "./keys.js";

const ARROWS = ["←", "→", "↑", "↓"];

// A view as main.js: VIEWS names it, and each of its keys with what it does; those beside each other do the same.
const HELP = [
  ["everywhere", "Everywhere", [
    [["?"], "these keys"],
    [["/"], "search the catalog"],
    [["f"], "find: to the field that narrows the list, grid or map one sees"],
    [["Tab"], "to the next link, button or field; at the top of the page, past the menu"],
    [["Enter"], "open what has the focus"],
    [["Esc"], "close what is open"],
    [["Alt", "←"], "back to where one was"],
  ]],
  ["grid", "Choices", [
    [ARROWS, "from cell to cell"],
    [["Home", "End"], "to the title, to the last user; with Ctrl to the first and the last cell of all"],
    [["Page Up", "Page Down"], "a screen up, down"],
    [["Enter"], "open the title for that user, or the user"],
  ]],
  ["title", "A title", [
    [["←", "→"], "the previous, the next title, with the same user and weights"],
    [["Enter"], "in the field of the user: show the title for them"],
  ]],
  ["user", "A user", [[["Ctrl", "Enter"], "in the edited taste: try it"]]],
  ["compare", "Compare", [[["Enter"], "in a field of weights: compare"]]],
  ["map", "Map", [
    [ARROWS, "move"],
    [["+", "−"], "zoom in, out"],
    [["0"], "show all"],
    [["Enter"], "open the artwork at the centre"],
  ]],
];
const TOGETHER = ["Alt", "Ctrl"]; // the first of two that are pressed together

export function Help({ view }) {
  const [open, setOpen] = useState(false);
  const dialog = useRef(null);
  useEffect(() => {
    if (open) dialog.current.showModal();
  }, [open]);
  useKeys({ "?": () => setOpen(true), f: focusFinding });
  const close = () => dialog.current.close();
  const beside = ({ target }) => target === dialog.current && close();
  return html`<button type="button" class="ask-keys" aria-haspopup="dialog" aria-label="Keys" title="Keys" onClick=${() => setOpen(true)}><kbd>?</kbd></button>
    <dialog class="help" ref=${dialog} aria-labelledby="keys" onClose=${() => setOpen(false)} onClick=${beside}>
      ${open && html`<${Keys} view=${view} close=${close} />`}
    </dialog>`;
}

// The field of the view that narrows what is seen; in a view without one nothing happens.
const focusFinding = () => document.querySelector("main input[type=search]")?.focus();

function Keys({ view, close }) {
  const [on, setOn] = useState(areKeysOn());
  const change = ({ target }) => {
    switchKeys(target.checked);
    setOn(target.checked);
  };
  const first = (name) => (name === "everywhere" ? 0 : name === view ? 1 : 2);
  const parts = [...HELP].sort(([one], [other]) => first(one) - first(other));
  return html`<div class="sheet-of-keys">
    <div class="heading"><h2 id="keys">Keys</h2><button type="button" onClick=${close}>Close <kbd>Esc</kbd></button></div>
    <div class="parts-of-keys">${parts.map(
      ([name, words, keys]) => html`<section key=${name} class=${name === view ? "here" : null}><h3>${words}${name === view && html` <small>where you are</small>`}</h3>
        <dl>${keys.map(([pressed, does]) => html`<div key=${does}><dt>${inKeys(pressed)}</dt><dd>${does}</dd></div>`)}</dl></section>`,
    )}</div>
    <p class="soft single"><label><input type="checkbox" checked=${on} onChange=${change} /> Single keys act</label>
      Never while one types. Where this is off, as is better with speech input, <kbd>?</kbd> <kbd>/</kbd> <kbd>f</kbd> and the arrows of a title do nothing.</p>
  </div>`;
}

const inKeys = (pressed) =>
  pressed.map((key, place) => html`${place > 0 && (TOGETHER.includes(pressed[0]) ? "+" : " ")}<kbd key=${key}>${key}</kbd>`);
