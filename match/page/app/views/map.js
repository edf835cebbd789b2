// The catalog as a map: what looks alike lies close together.
import { html, useEffect, useMemo, useRef, useState } from "../base.js";
import { allWritten, artworkAt, holds, textsOf } from "../catalog.js";
import { ask, isWritten, pictureUrl } from "../ask.js";
import { counted, percent, plural } from "../numbers.js";
import { Picture } from "../picture.js";
import { Plane } from "../plane.js";
import { go, href } from "../route.js";
import { Working, useWork } from "../working.js";
import { Letters, Tile } from "./artworks.js";

const FINE = 65535; // as match/page/documents/map.py has it
const HUES = ["#4477aa", "#e07b39", "#3a9d6a", "#c2476b", "#8a63c4", "#b8952b", "#2fa3b5", "#a3623a", "#d67fb4", "#7d8f2f"];
const NEUTRAL = "#8e8c88";
const RATES = ["#5b3a8c", "#3f6fb0", "#2a9d8f", "#8fbf4d", "#f0c330"]; // from the least played to the most
const LISTED = 12; // titles of a legend, and artworks near the centre
const STEP = 80; // CSS pixels of an arrow key

export function MapView({ parameters }) {
  const { document, error } = useWork("map");
  if (error) return html`<p class="error">${error.message}</p>`;
  if (document?.state !== "there") return html`<h2>Map</h2><${Working} document=${document} words="The map is being laid out." />`;
  if (!document.x.length) return html`<h2>Map</h2><p>There is no artwork: run scripts/embed_artwork.py first.</p>`;
  return html`<${Shown} map=${document} parameters=${parameters} />`;
}

function Shown({ map, parameters }) {
  const points = useMemo(() => pointsOf(map), [map]);
  const by = parameters.colour ?? (map.genres.length > 1 ? "genre" : "title");
  const [seen, setSeen] = useState([]); // numbers of titles in view, those with the most points first
  const legend = useMemo(() => legendOf(map, points, by, seen), [map, by, by === "title" ? seen.join() : ""]);
  const [picked, setPicked] = useState(null); // of the legend
  const found = useFound(map, parameters.find ?? "");
  const [near, setNear] = useState([]); // points near the centre
  const [here, setHere] = useState({ point: -1, left: 0, top: 0 });
  const plane = useRef(null);
  const canvas = useRef(null);
  const change = (changes, replace = true) => go("map", { ...parameters, ...changes }, { replace });
  useEffect(() => setPicked(null), [by]);
  const latest = useRef(change);
  latest.current = change;
  useEffect(() => {
    const rested = (still) => {
      if (!still) return;
      setNear(made.nearest(made.width / 2, made.height / 2, LISTED));
      setSeen(titlesIn(points, made.visible(), map.titles));
      const at = (value) => Number(value.toFixed(4));
      latest.current({ x: at(made.at.x), y: at(made.at.y), zoom: at(made.at.zoom) });
    };
    const made = new Plane(canvas.current, points, (point) => artworkAt(numberOf(map, point)).then((artwork) => pictureUrl(artwork.picture, false)), rested);
    plane.current = made;
    const start = (name, otherwise) => (Number.isFinite(parseFloat(parameters[name])) ? parseFloat(parameters[name]) : otherwise);
    made.at = { x: start("x", 0.5), y: start("y", 0.5), zoom: start("zoom", 1) };
    const watching = new ResizeObserver(() => made.resize());
    watching.observe(canvas.current);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const redraw = () => made.draw();
    dark.addEventListener("change", redraw);
    const leave = handles(canvas.current, made, { hover: setHere, open: (point) => open(map, point) });
    return () => {
      watching.disconnect();
      dark.removeEventListener("change", redraw);
      leave();
      made.end();
    };
  }, [points]);
  useEffect(() => {
    const bright = found ?? (picked === null ? null : legend.of.map((group) => (group === picked ? 1 : 0)));
    Object.assign(plane.current.colours, { of: legend.of, palette: legend.entries.map(({ colour }) => colour), bright });
    plane.current.moved();
  }, [legend, picked, found]);
  useEffect(() => {
    plane.current.here = here.point;
    plane.current.draw();
  }, [here.point]);
  const lit = found ? found.reduce((sum, one) => sum + one, 0) : null;
  return html`<div class="bar-of-tools">
      <h2>Map</h2>
      <label class="choose">Colour <select value=${by} onChange=${(event) => change({ colour: event.target.value })}>
        <option value="genre">by genre</option><option value="title">by title</option><option value="played">by how often played</option></select></label>
      <${Letters} value=${parameters.find ?? ""} label="Light up" hint="title, caption, person or tag" onInput=${(find) => change({ find })} />
      <p class="soft" role="status">${found ? `${plural(lit, "artwork")} lit up` : plural(map.x.length, "artwork")}${map.numbers && ` of ${counted(map.total)}, evenly taken`}</p>
    </div>
    <div class="map-and-list">
      <div class="map-box"><div class="map-plane">
        <canvas ref=${canvas} tabindex="0" role="application" aria-roledescription="map" aria-describedby="map-keys"
          aria-label="Map of ${plural(map.x.length, "artwork")}: what looks alike lies close together"></canvas>
        <div class="tools zoom" role="group" aria-label="Zoom">
          <button type="button" aria-label="Zoom in" onClick=${() => plane.current.zoom(1.6)}>+</button>
          <button type="button" aria-label="Zoom out" onClick=${() => plane.current.zoom(1 / 1.6)}>−</button>
          <button type="button" aria-label="Show all" onClick=${() => plane.current.look({ x: 0.5, y: 0.5, zoom: 1 })}>⤢</button>
        </div>
        <${Hover} map=${map} here=${here} box=${canvas} /></div>
        <${Legend} legend=${legend} picked=${picked} pick=${setPicked} />
      </div>
      <aside aria-label="Artwork near the centre"><h3>Near the centre</h3>
        <p class="soft">What the map lies around; the same as a list.</p>
        <ol class="near">${near.map((point) => html`<li key=${point}><${Near} map=${map} point=${point} show=${() => setHere({ point, left: -1, top: -1 })} /></li>`)}</ol>
      </aside>
    </div>
    <p class="soft" id="map-keys">Drag or arrow keys to move, wheel, pinch or + and − to zoom, 0 for all; Enter or a click opens the artwork.
      ${" "}Of an artwork's ten nearest by its vector, ${percent(map.kept, 0)} are among its ten nearest here: a map in two dimensions is a guide, and the artwork's own page has the neighbours themselves.</p>`;
}

const numberOf = (map, point) => (map.numbers ? map.numbers[point] : point);

function open(map, point) {
  artworkAt(numberOf(map, point)).then((artwork) => go("artwork", { artwork: artwork.id }), () => {});
}

// Coordinates from 0 to 1; rank: by which pictures are preferred, the same at every look.
function pointsOf(map) {
  const [x, y] = [map.x, map.y].map((steps) => Float32Array.from(steps, (step) => step / FINE));
  const rank = Uint32Array.from(map.x, (_, point) => Math.imul(point + 1, 2654435761) >>> 0);
  const titles = new Uint32Array(x.length);
  let start = 0;
  map.titles.forEach((title, number) => titles.fill(number, start, (start += title.points)));
  return { x, y, rank, titles };
}

function titlesIn(points, numbers, titles) {
  const counts = new Map();
  for (const number of numbers) counts.set(points.titles[number], (counts.get(points.titles[number]) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, HUES.length).map(([title]) => title);
}

// { entries: { name, colour, count }, of: per point the number of its entry }.
function legendOf(map, points, by, seen) {
  if (by === "played") return byRate(map);
  if (by === "title") return grouped(points.titles, seen.map((title) => map.titles[title].name), new Map(seen.map((title, place) => [title, place])), "other titles");
  const of = Array.from(points.titles, (title) => map.titles[title].genre ?? -1);
  return grouped(of, map.genres, new Map(map.genres.map((_, place) => [place, place])), "other or none");
}

function grouped(keys, names, places, others) {
  const of = Uint8Array.from(keys, (key) => places.get(key) ?? names.length);
  const entries = names.map((name, place) => ({ name, colour: HUES[place % HUES.length] }));
  return withCounts([...entries, { name: others, colour: NEUTRAL }], of);
}

// Five parts of those that were shown, as many artworks in each.
function byRate(map) {
  const shown = map.rates.filter((rate) => rate >= 0).sort((a, b) => a - b);
  const edges = [1, 2, 3, 4].map((fifth) => shown[Math.floor((shown.length * fifth) / 5)] ?? Infinity);
  const of = Uint8Array.from(map.rates, (rate) => (rate < 0 ? 5 : edges.filter((edge) => rate >= edge).length));
  const words = (rate) => percent(rate / 10000);
  const names = RATES.map((_, fifth) => (fifth === 0 ? `below ${words(edges[0])}` : fifth === 4 ? `${words(edges[3])} and more` : `${words(edges[fifth - 1])} to ${words(edges[fifth])}`));
  const entries = shown.length ? names.map((name, fifth) => ({ name, colour: RATES[fifth] })) : RATES.map((colour) => ({ name: "", colour }));
  return withCounts([...entries, { name: "never shown", colour: NEUTRAL }], of);
}

function withCounts(entries, of) {
  const counts = entries.map(() => 0);
  for (const group of of) counts[group] += 1;
  return { entries: entries.map((entry, group) => ({ ...entry, count: counts[group] })), of };
}

// Per point whether it has these letters; null where none are looked for, or until they are found.
function useFound(map, find) {
  const [state, setState] = useState({ find: "", found: null });
  useEffect(() => {
    let wanted = true;
    if (!find.trim()) setState({ find, found: null });
    else
      numbersWith(find).then((numbers) => {
        if (!wanted) return;
        const all = new Set(numbers);
        setState({ find, found: Uint8Array.from(map.x, (_, point) => (all.has(numberOf(map, point)) ? 1 : 0)) });
      }, () => wanted && setState({ find, found: null }));
    return () => (wanted = false);
  }, [find, map]);
  return state.found;
}

async function numbersWith(find) {
  if (!isWritten()) return (await ask("numbers", { find })).numbers;
  const artworks = await allWritten();
  return artworks.flatMap((artwork, number) => (holds(textsOf(artwork), find) ? [number] : []));
}

function Legend({ legend, picked, pick }) {
  return html`<ul class="map-legend" aria-label="Colours; each lights up its artwork">
    ${legend.entries.map(
      ({ name, colour, count }, group) =>
        count > 0 && html`<li key=${group}><button type="button" aria-pressed=${picked === group} onClick=${() => pick(picked === group ? null : group)}>
          <i style=${{ background: colour }}></i><bdi>${name}</bdi> <span class="soft">${counted(count)}</span></button></li>`,
    )}
  </ul>`;
}

function useArtworkAt(number) {
  const [artwork, setArtwork] = useState(null);
  useEffect(() => {
    let wanted = true;
    setArtwork(null);
    if (number >= 0) artworkAt(number).then((found) => wanted && setArtwork(found), () => {});
    return () => (wanted = false);
  }, [number]);
  return artwork;
}

function Near({ map, point, show }) {
  const artwork = useArtworkAt(numberOf(map, point));
  return html`<div onMouseEnter=${show} onFocusIn=${show}><${Tile} artwork=${artwork} /></div>`;
}

// What the pointer or the keyboard is at; read out where it is the keyboard.
function Hover({ map, here, box }) {
  const artwork = useArtworkAt(here.point < 0 ? -1 : numberOf(map, here.point));
  const silent = here.left < 0;
  const words = artwork && !silent && here.spoken ? `${artwork.name}: ${artwork.caption || artwork.id}` : "";
  const width = box.current?.clientWidth ?? 0;
  const right = here.left > width / 2;
  const style = { top: `${here.top}px`, [right ? "right" : "left"]: `${(right ? width - here.left : here.left) + 18}px` };
  return html`<p class="unseen" role="status">${words}</p>
    ${artwork && !silent && html`<div class="hover" style=${style} aria-hidden="true"><${Picture} artwork=${artwork} words="" />
      <b><bdi>${artwork.name}</bdi></b><small><bdi>${artwork.caption || artwork.id}</bdi></small>
      <small class="soft"><bdi>${[...artwork.people, ...artwork.tags].join(", ")}</bdi></small></div>`}`;
}

// Mouse, touch and keys of the canvas; the function that is returned lets go of them.
function handles(canvas, plane, { hover, open }) {
  const fingers = new Map();
  let moved = 0;
  let last = null; // of two fingers: their middle and how far apart they are
  const spot = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const point = (at, spoken = false) => hover({ point: plane.under(...at), left: at[0], top: at[1], spoken });
  const middle = () => {
    const [a, b] = [...fingers.values()];
    return { left: (a[0] + b[0]) / 2, top: (a[1] + b[1]) / 2, apart: Math.hypot(a[0] - b[0], a[1] - b[1]) };
  };
  const down = (event) => {
    canvas.setPointerCapture(event.pointerId);
    if (!fingers.size) moved = 0;
    fingers.set(event.pointerId, spot(event));
    last = fingers.size === 2 ? middle() : null;
  };
  const move = (event) => {
    const now = spot(event);
    const before = fingers.get(event.pointerId);
    if (!before) return point(now);
    fingers.set(event.pointerId, now);
    moved += Math.hypot(now[0] - before[0], now[1] - before[1]);
    if (moved > 4) hover({ point: -1, left: 0, top: 0 });
    if (fingers.size === 2 && last) {
      const pinch = middle();
      plane.zoom(pinch.apart / Math.max(last.apart, 1), pinch.left, pinch.top);
      plane.pan(pinch.left - last.left, pinch.top - last.top);
      last = pinch;
    } else if (fingers.size === 1) plane.pan(now[0] - before[0], now[1] - before[1]);
  };
  const up = (event) => {
    if (!fingers.delete(event.pointerId)) return;
    last = null;
    if (event.type === "pointerup" && moved <= 4) {
      const number = plane.under(...spot(event));
      if (number >= 0) open(number);
    }
  };
  const leave = () => hover({ point: -1, left: 0, top: 0 });
  const wheel = (event) => {
    event.preventDefault();
    plane.zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0015)), ...spot(event));
  };
  const centre = () => [plane.width / 2, plane.height / 2];
  const atCentre = () => hover({ point: plane.nearest(...centre(), 1)[0] ?? -1, left: centre()[0], top: centre()[1], spoken: true });
  const keys = {
    ArrowLeft: () => plane.pan(STEP, 0),
    ArrowRight: () => plane.pan(-STEP, 0),
    ArrowUp: () => plane.pan(0, STEP),
    ArrowDown: () => plane.pan(0, -STEP),
    "+": () => plane.zoom(1.4),
    "=": () => plane.zoom(1.4),
    "-": () => plane.zoom(1 / 1.4),
    0: () => plane.look({ x: 0.5, y: 0.5, zoom: 1 }),
    Enter: () => open(plane.nearest(...centre(), 1)[0]),
  };
  const key = (event) => {
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keys[event.key]();
    if (event.key !== "Enter") atCentre();
  };
  const focus = () => canvas.matches(":focus-visible") && atCentre();
  const all = { pointerdown: down, pointermove: move, pointerup: up, pointercancel: up, pointerleave: leave, keydown: key, focus, blur: leave };
  for (const [name, does] of Object.entries(all)) canvas.addEventListener(name, does);
  canvas.addEventListener("wheel", wheel, { passive: false });
  return () => {
    for (const [name, does] of Object.entries(all)) canvas.removeEventListener(name, does);
    canvas.removeEventListener("wheel", wheel);
  };
}
