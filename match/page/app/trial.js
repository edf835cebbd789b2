// What a viewer tries out, in the served page: other weights of the blend, and what a view adds to it. All of it stands in the address.
import { html, useEffect, useRef, useState } from "./base.js";
import { useDocument } from "./ask.js";
import { signed } from "./numbers.js";
import { PART_WORDS } from "./parts.js";
import { Picture } from "./picture.js";
import { go, tried, WEIGHTS } from "./route.js";

const MOST_WEIGHT = 5; // as match/page/site.py has it
const FINE = 0.025; // of a slider
const QUIET = 120; // milliseconds after the last move before the page asks anew
const ABOUT = { ...PART_WORDS, copy: "how well a line of copy meets the taste" };
let trialOpen = null; // as the viewer left it

// Whether the address tries anything out; user: whose taste counts.
export const isTried = (parameters, user = parameters.user) =>
  WEIGHTS.some((name) => name in parameters) || ("taste" in parameters && user !== undefined && parameters.user === user);

// Nothing tried, for `go` and `href`.
export const UNTRIED = Object.fromEntries([...WEIGHTS, "taste"].map((name) => [name, ""]));

// view and parameters: where the viewer is; children: what the view adds, such as a taste to edit or what has changed.
export function Trial({ view, parameters, overview, label = "Try other weights", children }) {
  const [open, setOpen] = useState(trialOpen ?? isTried(parameters));
  const onToggle = ({ target }) => setOpen((trialOpen = target.open));
  const trying = triedWords(parameters, overview.weights);
  return html`<details class="trial" open=${open} onToggle=${onToggle}>
    <summary>${trying ? html`Trying <b><bdi>${trying}</bdi></b>` : label}</summary>
    ${overview.live
      ? html`<${Weights} view=${view} parameters=${parameters} published=${overview.weights} />${children}`
      : html`<p>This page is a file, and shows what it was written with. Served, it tries other weights and tastes:
          ${" "}<code>python scripts/inspect_matches.py --store STORE --serve</code></p>`}
    ${trying && html`<p><button type="button" onClick=${() => go(view, { ...parameters, ...UNTRIED })}>Back to what is published</button></p>`}
  </details>`;
}

function triedWords(parameters, published) {
  const words = WEIGHTS.filter((name) => name in parameters).map((name) => `${name} ${parameters[name]} for ${published[name]}`);
  if ("taste" in parameters) words.push(`a taste for ${parameters.user}`);
  return words.join(", ");
}

function Weights({ view, parameters, published }) {
  const move = (name, value) => go(view, { ...parameters, [name]: value === published[name] ? "" : value }, { replace: true });
  return html`<fieldset class="blend"><legend>What a unit of each part adds to a score</legend>
    ${WEIGHTS.map((name) => html`<${Weight} key=${name} name=${name} published=${published[name]} asked=${parameters[name]} onMove=${move} />`)}
  </fieldset>`;
}

function Weight({ name, published, asked, onMove }) {
  const [moved, setMoved] = useState(null);
  const timer = useRef(null), latest = useRef(onMove);
  latest.current = onMove;
  const given = Number(asked ?? published); // an address may say anything
  const value = moved ?? (Number.isFinite(given) ? given : published);
  useEffect(() => setMoved(null), [asked]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const onInput = ({ target }) => {
    const number = Number(target.value);
    if (target.value === "" || !(number >= 0 && number <= MOST_WEIGHT)) return;
    setMoved(number);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => latest.current(name, number), QUIET);
  };
  const reset = () => {
    clearTimeout(timer.current);
    setMoved(null);
    latest.current(name, published);
  };
  const shared = { min: 0, max: MOST_WEIGHT, value, onInput };
  return html`<div class=${`weight ${name}`}>
    <label for=${`weight-${name}`} title=${ABOUT[name]}>${name}</label>
    <input type="range" id=${`weight-${name}`} step=${FINE} ...${shared} aria-describedby=${`published-${name}`} />
    <input type="number" step="any" ...${shared} aria-label=${`${name}, exactly`} />
    <button type="button" id=${`published-${name}`} disabled=${value === published} onClick=${reset}
      aria-label=${`${name} as published: ${published}`} title="as published">↺ ${published}</button>
  </div>`;
}

// The choice that a title would have without what is tried, beside the one that it has now; nothing where nothing is tried.
export function Before({ title, user, parameters }) {
  return isTried(parameters, user) && html`<${Former} title=${title} user=${user} />`;
}

function Former({ title, user }) {
  const published = useDocument("choices", { title, user });
  const trial = useDocument("choices", { ...tried(user), title, user });
  const error = published.error ?? trial.error;
  if (error) return html`<p class="error">${error.message}</p>`;
  if (!published.document || !trial.document) return html`<p class="loading">Comparing …</p>`;
  const [before, now] = [published, trial].map(({ document }) => document.choices[0]);
  const same = before.artwork?.id === now.artwork?.id && before.copy.id === now.copy.id;
  if (same) return html`<p class="former" role="status">The choice is the same as published.</p>`;
  return html`<div class="former" role="status"><b>Changed.</b> <span class="soft">Published</span> <${Shown} choice=${before} />
    <span class="soft">Now</span> <${Shown} choice=${now} /></div>`;
}

// A choice in a small space.
export function Shown({ choice }) {
  if (!choice.artwork) return html`<span class="shown">no artwork</span>`;
  return html`<span class="shown"><${Picture} artwork=${choice.artwork} words="" sharp=${false} />
    <span><bdi>${choice.artwork.id}</bdi> ${signed(choice.artwork.score)}${choice.copy.id && html`<q><bdi>${choice.copy.text}</bdi></q>`}</span></span>`;
}
