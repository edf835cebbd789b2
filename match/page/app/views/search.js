// Search: by phrases and a picture where the page is served, by letters in a file.
import { html, useEffect, useRef, useState } from "../base.js";
import { ask, isWritten, useDocument } from "../ask.js";
import { holds, useArtworks } from "../catalog.js";
import { useKeys } from "../keys.js";
import { counted, exact, percent, plural } from "../numbers.js";
import { go, href } from "../route.js";
import { Tile } from "./artworks.js";

const FIELD = "search-words";
const FIRST = 60; // artworks shown; as match/page/documents/search.py has it
const MOST = 500;
const NAMED = ["person", "tag", "title"];
let focusAsked = false;

// "/" anywhere, but where somebody types, leads to the field.
export function useSlash() {
  useKeys({
    "/": () => {
      focusAsked = true;
      if (document.getElementById(FIELD)) focusField();
      else go("search", {});
    },
  });
}

const isFocusLost = () => [document.body, document.getElementById("main")].includes(document.activeElement);

function focusField() {
  focusAsked = false;
  document.getElementById(FIELD)?.focus();
}

export function SearchView({ parameters, overview }) {
  useEffect(() => {
    if (focusAsked) setTimeout(focusField); // after the app has gone to the view itself
  }, []);
  return html`<h2>Search</h2>
    <${Form} key=${JSON.stringify(parameters)} parameters=${parameters} overview=${overview} />
    ${isWritten() ? html`<${InFile} words=${parameters.phrases ?? ""} />` : html`<${Served} parameters=${parameters} overview=${overview} />`}`;
}

function Form({ parameters, overview }) {
  const submit = (event) => {
    event.preventDefault();
    const given = Object.fromEntries([...new FormData(event.target)].map(([name, value]) => [name, value.trim()]));
    go("search", { ...given, like: parameters.like });
    setTimeout(() => isFocusLost() && focusField(), 50); // the form is made anew
  };
  const field = (name, hint) => html`<label key=${name}><span>${name}</span><input type="text" name=${name} placeholder=${hint} defaultValue=${parameters[name] ?? ""} /></label>`;
  return html`<form class="search-form" role="search" onSubmit=${submit}>
    <label class="words"><span class="unseen">${isWritten() ? "Letters" : "Phrases of what the artwork shows"}</span>
      <input type="search" id=${FIELD} name="phrases" defaultValue=${parameters.phrases ?? ""}
        placeholder=${isWritten() ? "letters of a title, caption, person, tag or taste" : "what the artwork shows: rain at night, two people"} /></label>
    <button type="submit" class="main">Search</button>
    ${!isWritten() && html`<fieldset><legend class="unseen">Among the artwork with</legend>
      ${field("person", "who is on it")}${field("tag", "what it is tagged")}${field("title", "id or name")}
      <label><span>shown to</span><select name="segment" value=${parameters.segment ?? ""}><option value="">anyone</option>
        ${overview.segments.map((segment) => html`<option key=${segment} value=${segment}>${segment}</option>`)}</select></label>
    </fieldset>`}
    ${parameters.like && html`<p class="like">Like <a href=${href("artwork", { artwork: parameters.like })}><bdi>${parameters.like}</bdi></a>
      ${" "}<a href=${href("search", { ...parameters, like: "" })} aria-label="No longer like ${parameters.like}">×</a></p>`}
    <p class="soft">${isWritten() ? html`This page is a file: it looks for letters. Phrases of what a picture shows are read by the encoder: serve the page with <code>inspect_matches --store STORE --serve</code>.` : html`Phrases are divided by commas, and all have their say. Names are met exactly, but for case. Press <kbd>/</kbd> anywhere to come here.`}</p>
  </form>`;
}

function Served({ parameters, overview }) {
  const asked = Object.fromEntries(["phrases", "like", "segment", ...NAMED].map((name) => [name, parameters[name]]).filter(([, value]) => value));
  if (!Object.keys(asked).length) return null;
  return html`<${Answered} asked=${asked} count=${Math.min(MOST, Number(parameters.count) || FIRST)} parameters=${parameters} overview=${overview} />`;
}

function Answered({ asked, count, parameters, overview }) {
  const { document: found, error, loading } = useDocument("search", { ...asked, count });
  if (error) return html`<p class="error" role="alert">${error.message}</p>`;
  if (!found) return html`<p class="loading">Searching …</p>`;
  const all = counted(overview.snapshot.artworks);
  const each = found.conditions.map(({ words, artworks }) => `${counted(artworks)} ${words}`).join("; ");
  if (!found.hits.length) return html`<p role="status">No artwork meets all of this together${each && html` (<bdi>${each}</bdi>)`}.</p>`;
  const exact = found.how === "exact" ? "all of them compared" : `${found.how}: ${percent(found.recall)} of the nearest are found`;
  const byClicks = found.hits[0].fit === null;
  return html`<p class="soft" role="status" aria-busy=${loading}>${found.conditions.length > 0 ? html`${counted(found.passing)} of ${all} artworks meet all conditions (<bdi>${each}</bdi>); ` : `${all} artworks; `}
      ${byClicks ? "the most played first" : `the best fit first, ${exact}`}.${!byClicks && " A number is the cosine of a picture with what is asked; behind it, how far that is above the catalog's usual, in units of its spread."}</p>
    <ol class="hits">${found.hits.map((hit) => html`<li key=${hit.id}><${Found} hit=${hit} parameters=${parameters} /></li>`)}</ol>
    ${found.hits.length === count && count < MOST && html`<p class="tools"><button type="button" onClick=${() => go("search", { ...parameters, count: Math.min(MOST, count + 2 * FIRST) }, { replace: true })}>Show more</button></p>`}`;
}

function Found({ hit, parameters }) {
  const named = [...hit.named.people.map((name) => `with ${name}`), ...hit.named.tags.map((tag) => `tagged ${tag}`)];
  const prior = hit.segment ?? hit.prior;
  return html`<${Tile} artwork=${hit}>
      ${hit.met.map(
        (met) => html`<small class="met" key=${met.question}><bdi>${met.question}</bdi><span>${exact(met.similarity)} <span class="soft">${met.fit < 0 ? "−" : "+"}${Math.abs(met.fit).toFixed(1)}</span></span></small>`,
      )}
      ${named.length > 0 && html`<small><bdi>${named.join(", ")}</bdi></small>`}
      ${(hit.segment || hit.fit === null) && html`<small>played ${percent(prior.mean)}, ${prior.impressions ? `${counted(prior.plays)} of ${counted(prior.impressions)}` : "never shown"}</small>`}
    <//>
    <a class="more" href=${href("search", { ...parameters, phrases: "", like: hit.id, count: "" })} aria-label="Search artwork like ${hit.id}">more like this</a>`;
}

function InFile({ words }) {
  const found = useArtworks(words);
  const others = useOthers(words);
  const [shown, setShown] = useState(FIRST);
  useEffect(() => setShown(FIRST), [words]);
  if (!words) return null;
  if (found.error) return html`<p class="error">${found.error.message}</p>`;
  if (found.total === null || !others) return html`<p class="loading">Searching …</p>`;
  const nothing = !found.total && !others.titles.length && !others.users.length;
  if (nothing) return html`<p role="status">No title, caption, person, tag or taste on this page has “<bdi>${words}</bdi>”. It holds ${plural(others.total, "title")}; the store may have more.</p>`;
  const numbers = Array.from({ length: Math.min(found.total, shown) }, (_, number) => number);
  return html`<p class="soft" role="status">${plural(found.total, "artwork")}, ${plural(others.titles.length, "title")} and ${plural(others.users.length, "user's taste", "users' tastes")} have “<bdi>${words}</bdi>”.</p>
    ${others.titles.length > 0 && html`<p>Titles: ${others.titles.slice(0, FIRST).map((title) => html`<a class="chip" key=${title.id} href=${href("title", { title: title.id, user: others.first })}><bdi>${title.name}</bdi></a> `)}</p>`}
    ${others.users.length > 0 && html`<ul class="tastes">${others.users.slice(0, FIRST).map((user) => html`<li key=${user.id}><a href=${href("user", { user: user.id })}><bdi>${user.id}</bdi></a> <span class="soft"><bdi>${user.taste}</bdi></span></li>`)}</ul>`}
    <ol class="hits">${numbers.map((number) => html`<li key=${number}><${Tile} artwork=${found.item(number)} /></li>`)}</ol>
    ${found.total > shown && html`<p class="tools"><button type="button" onClick=${() => setShown(shown + 2 * FIRST)}>Show more</button></p>`}`;
}

// In a file: the titles and the users whose taste has these letters; null until they are found.
function useOthers(words) {
  const [state, setState] = useState({ words: null });
  useEffect(() => {
    let wanted = true;
    if (words)
      Promise.all([allOf("titles"), allOf("users")]).then(([titles, users]) => {
        if (!wanted) return;
        setState({
          words,
          first: users[0]?.id,
          total: titles.length,
          titles: titles.filter((title) => holds([title.name, title.id], words)),
          users: users.filter((user) => holds([user.id, user.taste], words)),
        });
      });
    return () => (wanted = false);
  }, [words]);
  return state.words === words ? state : null;
}

async function allOf(kind) {
  const first = await ask(kind, { start: 0 });
  const found = [...first[kind]];
  while (found.length < first.total) found.push(...(await ask(kind, { start: found.length }))[kind]);
  return found;
}
