// Where the viewer is, as the part of the address behind "#": "#/title?title=sintel&user=ada". Every view can be linked to.
import { useEffect, useState } from "./base.js";

// What a viewer tries out, and keeps from view to view: weights of the blend. A taste is kept as long as its user is.
export const WEIGHTS = ["similarity", "people", "words", "copy"];

function parse(hash) {
  const [view, query = ""] = hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  return { view: view || "grid", parameters: Object.fromEntries(new URLSearchParams(query)) };
}

let read = { hash: null }; // the address that was read last: every link of a view asks for it

function here() {
  const { hash } = location;
  if (read.hash !== hash) read = { hash, ...parse(hash) };
  return read;
}

// The parameters of the blend and the taste that hold now; user: the taste of another one is left behind.
export function tried(user) {
  const { parameters } = here();
  const kept = WEIGHTS.filter((name) => name in parameters).map((name) => [name, parameters[name]]);
  if (parameters.taste && parameters.user === user) kept.push(["taste", parameters.taste]);
  return Object.fromEntries(kept);
}

export function href(view, parameters = {}) {
  const all = Object.entries({ ...tried(parameters.user), ...parameters });
  const given = all.filter(([, value]) => value !== undefined && value !== null && value !== "");
  const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return `#/${view}${query ? `?${query}` : ""}`;
}

// replace: without a new step in the browser's history, as while a slider moves.
export function go(view, parameters, { replace = false } = {}) {
  const address = href(view, parameters);
  if (replace) {
    history.replaceState(history.state, "", address);
    dispatchEvent(new HashChangeEvent("hashchange"));
  } else location.hash = address;
}

export function useRoute() {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const changed = () => setHash(location.hash);
    addEventListener("hashchange", changed);
    changed(); // what came between the first drawing and now
    return () => removeEventListener("hashchange", changed);
  }, []);
  return parse(hash);
}
