// All artwork of the page by number, and the letters that are looked for in it: the server looks, in a file the browser does.
import { useEffect, useState } from "./base.js";
import { ask, isWritten, whenRenewed } from "./ask.js";
import { useBlocks } from "./window.js";

const AT_ONCE = 50; // items of a block, and numbers asked for together
const readable = new Map(); // in a file: an artwork's number to its letters
let everything = null; // in a file: a promise of all artwork

// As embed/records.py: fold, nearly.
export const folded = (text) => text.normalize("NFC").toLowerCase().split(/\s+/).join(" ").trim();

// Whether each word stands somewhere in the texts.
export function holds(texts, find) {
  const all = folded(texts.filter(Boolean).join(" \n "));
  return folded(find).split(" ").every((word) => all.includes(word));
}

export const textsOf = (artwork) => [artwork.name, artwork.id, artwork.caption, ...artwork.people, ...artwork.tags];

export function allWritten() {
  everything ??= ask("artworks", { start: 0 }).then(async ({ total, artworks }) => {
    const starts = Array.from({ length: Math.max(0, Math.ceil(total / AT_ONCE) - 1) }, (_, block) => (block + 1) * AT_ONCE);
    const rest = await Promise.all(starts.map((start) => ask("artworks", { start })));
    return [artworks, ...rest.map((document) => document.artworks)].flat();
  });
  return everything;
}

// The artwork with these letters, as useBlocks gives it: { item, total, error }.
export function useArtworks(find) {
  const inFile = isWritten() && find;
  const blocks = useBlocks("artworks", inFile ? {} : { find }, "artworks");
  const [local, setLocal] = useState({ find: null, found: [] });
  useEffect(() => {
    if (!inFile) return;
    let wanted = true;
    const keep = (artworks) => wanted && setLocal({ find, found: artworks.filter((artwork, number) => lettersHold(artwork, number, find)) });
    allWritten().then(keep, (error) => wanted && setLocal({ find, found: [], error }));
    return () => (wanted = false);
  }, [inFile, find]);
  if (!inFile) return blocks;
  return { item: (number) => local.found[number], total: local.find === null ? null : local.found.length, error: local.error ?? null };
}

function lettersHold(artwork, number, find) {
  if (!readable.has(number)) readable.set(number, folded(textsOf(artwork).filter(Boolean).join(" \n ")));
  return folded(find).split(" ").every((word) => readable.get(number).includes(word));
}

const known = new Map(); // number to a promise of the artwork
let waiting = null; // { numbers, promise } of what is asked for together
whenRenewed(() => {
  known.clear();
  waiting = null;
});

// A promise of the artwork with this number.
export function artworkAt(number) {
  if (!known.has(number)) {
    const found = isWritten() ? ask("artworks", { start: number - (number % AT_ONCE) }).then(({ artworks }) => artworks[number % AT_ONCE]) : together(number);
    known.set(number, found);
    found.catch(() => known.delete(number));
  }
  return known.get(number);
}

function together(number) {
  if (!waiting || waiting.numbers.length >= AT_ONCE) {
    const numbers = [];
    const sent = new Promise((done) => setTimeout(done, 20)).then(() => {
      if (waiting?.numbers === numbers) waiting = null;
      return ask("artworks", { at: numbers.join(",") });
    });
    waiting = { numbers, sent };
  }
  const place = waiting.numbers.push(number) - 1;
  return waiting.sent.then(({ artworks }) => artworks[place]);
}
