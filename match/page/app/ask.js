// Documents and pictures: from the blocks of a page in a file, else from the server. A document is known by its kind and parameters.
import { useEffect, useState } from "./base.js";
import { foundInFile } from "./blocks.js";

const REMEMBERED = 400; // documents
const remembered = new Map(); // key to a promise of the document
let written = null; // { documents, pictures } of a page in a file

// Unpack what a page in a file brings; before anything is asked.
export async function begin() {
  if (!document.getElementById("documents")) return;
  const [documents, pictures] = await Promise.all(["documents", "pictures"].map(unpacked));
  written = { documents, pictures };
}

async function unpacked(id) {
  const letters = atob(document.getElementById(id).textContent);
  const bytes = new Uint8Array(letters.length);
  for (let at = 0; at < letters.length; at++) bytes[at] = letters.charCodeAt(at);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

export const isWritten = () => written !== null;

// The same as match/page/parameters.py: key_of.
function keyOf(kind, parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return JSON.stringify([kind, ...given.map(([name, value]) => [name, String(value)]).sort((a, b) => (a[0] < b[0] ? -1 : 1))]);
}

// A promise of a document; it fails with an Error whose message a person can read.
export function ask(kind, parameters = {}) {
  const key = keyOf(kind, parameters);
  let answer = remembered.get(key);
  remembered.delete(key);
  if (!answer) {
    const pairs = JSON.parse(key).slice(1);
    answer = written ? fromFile(key, kind, Object.fromEntries(pairs)) : fromServer(kind, pairs);
    answer.catch(() => remembered.delete(key));
  }
  remembered.set(key, answer); // the last to go
  if (remembered.size > REMEMBERED) remembered.delete(remembered.keys().next().value);
  return answer;
}

async function fromFile(key, kind, parameters) {
  const held = (...asked) => written.documents[keyOf(...asked)];
  const answer = written.documents[key] ?? foundInFile(kind, parameters, held);
  if (answer) return answer;
  throw new Error("This page is a file and does not hold that. Serve it to ask anything: inspect_matches --store STORE --serve");
}

async function fromServer(kind, pairs) {
  const answer = await fetch(`documents/${kind}?${new URLSearchParams(pairs)}`).catch(() => {
    throw new Error("The server does not answer. Is inspect_matches --serve still running?");
  });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.error);
  return told;
}

// { document, error, loading }: while another one is loading, the document before stays.
export function useDocument(kind, parameters = {}) {
  const key = keyOf(kind, parameters);
  const [state, setState] = useState({ key: null, document: null, error: null });
  useEffect(() => {
    let wanted = true;
    ask(kind, parameters).then(
      (document) => wanted && setState({ key, document, error: null }),
      (error) => wanted && setState({ key, document: null, error }),
    );
    return () => (wanted = false);
  }, [key]);
  return { ...state, loading: state.key !== key };
}

// The address of a thumbnail; null where there is none. sharp: as a card shows it, else for many on a page.
export function pictureUrl(sha256, sharp = true) {
  if (!sha256) return null;
  return written ? (written.pictures[sha256] ?? null) : `pictures/${sharp ? 320 : 160}/${sha256}.webp`;
}
