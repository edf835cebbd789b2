// Choices under what is tried, each beside the one that is published.
import { isTried } from "./trial.js";
import { tried } from "./route.js";

// The lists of a user's choices that a view needs: those to be seen and, while anything is tried, the published ones; see lists.js.
export function listsOfChoices(user, parameters, find) {
  const asked = [{ id: `${user} now`, kind: "choices", name: "choices", parameters: { ...tried(user), user, find } }];
  if (isTried(parameters, user)) asked.push({ id: `${user} before`, kind: "choices", name: "choices", parameters: { user, find } });
  return asked;
}

// What is tried made another choice; false also while one of them is not there.
export function differs(now, before) {
  return Boolean(now && before && now.title === before.title) && (changedArtwork(now, before) || now.copy.id !== before.copy.id);
}

export const changedArtwork = (now, before) => (now.artwork?.id ?? null) !== (before.artwork?.id ?? null);
