// All artwork of the catalog, as a wall of pictures; letters narrow it.
import { html, useEffect, useLayoutEffect, useRef, useState } from "../base.js";
import { useArtworks } from "../catalog.js";
import { plural } from "../numbers.js";
import { Picture } from "../picture.js";
import { go, href } from "../route.js";
import { Rows } from "../window.js";

const NARROWEST = 210; // CSS pixels of a card
const GAP = 14;
const TEXT = 68; // CSS pixels below a picture
const PATIENCE = 150; // ms after the last letter

export function ArtworksView({ parameters, overview }) {
  const find = parameters.find ?? "";
  const found = useArtworks(find);
  return html`<div class="bar-of-tools">
      <h2>Artwork</h2>
      <${Letters} value=${find} label="Find by letters" hint="title, caption, person or tag" onInput=${(value) => go("artworks", { find: value }, { replace: true })} />
      <p class="soft" role="status">${found.total !== null && (find ? `${plural(found.total, "artwork")} of ${overview.snapshot.artworks.toLocaleString("en")}` : plural(found.total, "artwork"))}</p>
    </div>
    ${found.error && html`<p class="error">${found.error.message}</p>`}
    ${found.total === 0 && html`<p>${find ? html`No title, caption, person or tag has “<bdi>${find}</bdi>”. What a picture shows, beyond its texts, is found by a phrase: see <a href=${href("search", { phrases: find })}>Search</a>.` : "There is no artwork: run scripts/embed_artwork.py first."}</p>`}
    ${found.total === null && !found.error ? html`<p class="loading">Loading …</p>` : html`<${Wall} count=${found.total ?? 0} item=${found.item} />`}`;
}

// A field whose letters are taken up a moment after the last one.
export function Letters({ value, label, hint, onInput, id }) {
  const [text, setText] = useState(value);
  const timer = useRef(0);
  useEffect(() => setText(value), [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const typed = (event) => {
    const now = event.target.value;
    setText(now);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => onInput(now), PATIENCE);
  };
  return html`<label class="letters"><span>${label}</span><input type="search" id=${id} value=${text} placeholder=${hint} onInput=${typed} /></label>`;
}

// count cards, of which item(number) is an artwork or undefined, in as many columns as there is room for.
function Wall({ count, item }) {
  const box = useRef(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const look = () => setWidth(box.current.clientWidth);
    look();
    const watching = new ResizeObserver(look);
    watching.observe(box.current);
    return () => watching.disconnect();
  }, []);
  const columns = Math.max(1, Math.floor((width + GAP) / (Math.min(NARROWEST, width / 2 - GAP) + GAP)));
  const side = (width - (columns - 1) * GAP) / columns;
  const height = Math.round((side * 9) / 16 + TEXT + GAP);
  const draw = (row) => {
    const numbers = Array.from({ length: Math.min(columns, count - row * columns) }, (_, column) => row * columns + column);
    return numbers.map((number) => html`<${Tile} key=${number} artwork=${item(number)} />`);
  };
  return html`<div class="wall" ref=${box} style=${{ "--columns": columns, "--gap": `${GAP}px` }}>
    ${width > 0 && html`<${Rows} count=${Math.ceil(count / columns)} height=${height} draw=${draw} label="Rows of artwork" />`}
  </div>`;
}

// An artwork with its texts, as a link to it.
export function Tile({ artwork, children }) {
  if (!artwork) return html`<span class="tile waiting"></span>`;
  const about = [...artwork.people, ...artwork.tags].join(", ");
  return html`<a class="tile" href=${href("artwork", { artwork: artwork.id })}>
    <${Picture} artwork=${artwork} words="" />
    <b><bdi>${artwork.name}</bdi></b>
    <small title=${artwork.caption}><bdi>${artwork.caption || artwork.id}</bdi></small>
    <small class="soft"><bdi>${about}</bdi></small>${children}
  </a>`;
}
