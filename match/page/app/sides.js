// A side of a comparison as a text, as match/comparing/sides.py has it: "snapshot=000003,people=0"; "" is what serves.
import { WEIGHTS } from "./route.js";

const SIDE_NAMED = /(?:^|,)\s*(store|snapshot|similarity|people|words|copy)=/g;

export function sideOf(text) {
  const found = [...text.matchAll(SIDE_NAMED)];
  const named = found.map((match, place) => [match[1], text.slice(match.index + match[0].length, found[place + 1]?.index ?? text.length)]);
  return Object.fromEntries(named);
}

export function sideText(side) {
  const named = ["store", "snapshot", ...WEIGHTS].filter((name) => side[name] !== undefined && side[name] !== "");
  return named.map((name) => `${name}=${side[name]}`).join(",");
}

// As a person reads it.
export function sideWords(text) {
  const words = Object.entries(sideOf(text)).map(([name, value]) => `${name} ${value}`);
  return words.join(", ") || "what serves";
}

// told: a side as a comparison has it. What sets it apart from what it is of comes last.
export function sideName(told) {
  const given = Object.entries(told.given).map(([name, weight]) => `${name} ${weight}`);
  return [told.store, `snapshot ${told.snapshot.name}`, ...given].filter(Boolean).join(", ");
}
