// Documents and pictures: from the blocks of a page in a file, else from the server. A document is known by its kind and parameters.
import { useEffect, useState } from "./base.js";
import { foundInFile } from "./blocks.js";
import { answered, beginAnew, servedRound } from "./served.js";

const REMEMBERED = 400; // documents
const remembered = new Map(); // key to a promise of the document
let written = null; // of a page in a file: { pictures, documents: key to the id of its block }
const unpacked = new Map(); // id of a block to a promise of its documents, or to its letters
const forgetting = [() => remembered.clear()]; // what forgets what is known of documents, wherever it is kept
const LOOK_AT = "published"; // the kind that is asked for to see what is served

// Unpack what a page in a file says of its contents; before anything is asked.
export async function begin() {
  if (!document.getElementById("contents")) return;
  const { documents, pictures } = await unpack("contents");
  written = { pictures, documents: new Map(Object.entries(documents).flatMap(([id, keys]) => keys.map((key) => [key, id]))) };
}

async function unpack(id) {
  const letters = atob(lettersOf(id));
  const bytes = new Uint8Array(letters.length);
  for (let at = 0; at < letters.length; at++) bytes[at] = letters.charCodeAt(at);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

const lettersOf = (id) => document.getElementById(id).textContent;

function once(id, make) {
  if (!unpacked.has(id)) unpacked.set(id, make(id));
  return unpacked.get(id);
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

async function held(key) {
  const block = written.documents.get(key);
  return block && (await once(block, unpack))[key];
}

async function fromFile(key, kind, parameters) {
  const answer = (await held(key)) ?? (await foundInFile(kind, parameters, (...asked) => held(keyOf(...asked))));
  if (answer) return answer;
  throw new Error("This page is a file and does not hold that. Serve it to ask anything: inspect_matches --store STORE --serve");
}

async function fromServer(kind, pairs) {
  const round = servedRound();
  const { told, head, isRefused } = await answerOf(kind, pairs);
  answered(head, round, kind === LOOK_AT);
  if (isRefused) throw new Error(told.error);
  return told;
}

// { told: the document, or why there is none where it isRefused, head: what is served, see served.js }
async function answerOf(kind, pairs) {
  const answer = await fetch(`documents/${kind}?${new URLSearchParams(pairs)}`).catch(() => {
    throw new Error("The server does not answer. Is inspect_matches --serve still running?");
  });
  return { told: await answer.json(), head: answer.headers.get("X-Published"), isRefused: !answer.ok };
}

// Who keeps something of documents is called when it no longer counts.
export const whenRenewed = (forgetIt) => forgetting.push(forgetIt);

// A promise of the overview of what is served now, with which the page begins anew: nothing is known of what was served before.
export async function renew() {
  const { told, head, isRefused } = await answerOf("overview", []);
  if (isRefused) throw new Error(told.error);
  beginAnew(head);
  forgetting.forEach((forgetIt) => forgetIt());
  remembered.set(keyOf("overview", {}), Promise.resolve(told));
  return told;
}

// Ask anew when it is asked next.
export const forget = (kind, parameters = {}) => remembered.delete(keyOf(kind, parameters));

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

// The address of a thumbnail; null where there is none. sharp: as a card shows it, "large" on its own, else for many on a page.
export function pictureUrl(sha256, sharp = true) {
  if (!sha256) return null;
  if (written) return pictureInFile(sha256);
  return `pictures/${sharp === "large" ? 960 : sharp ? 320 : 160}/${sha256}.webp`;
}

function pictureInFile(sha256) {
  const [block, start, length] = written.pictures[sha256] ?? [];
  return block ? `data:image/webp;base64,${once(block, lettersOf).slice(start, start + length)}` : null;
}

// A promise of why no picture came from an address, { said, why }; of null where nothing more is known, as in a file.
export async function whyNoPicture(url) {
  const answer = written ? null : await fetch(url).catch(() => null);
  if (!answer || answer.ok) return null;
  return { said: answer.status === 502 ? "picture out of reach" : "picture not there", why: await answer.text() };
}
