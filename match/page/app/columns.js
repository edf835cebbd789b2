// Which users stand side by side, and from whose choices the others' are marked.

export const MOST_COLUMNS = 12;

// "a,b" and back; a comma or backslash in an id stands behind a backslash.
export const joinedIds = (ids) => ids.map((id) => id.replace(/[\\,]/g, "\\$&")).join(",");
export const dividedIds = (text) => (text.match(/(?:\\.|[^\\,])+/gsu) ?? []).map((id) => id.replace(/\\(.)/gsu, "$1"));

// The artwork that most of a row see, of those that as many see the one that stands first; undefined until all choices are there.
export function mostSeen(choices) {
  const counts = new Map();
  for (const choice of choices) {
    if (!choice) return undefined;
    const id = choice.artwork?.id ?? null;
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  const most = Math.max(...counts.values());
  return [...counts].find(([, count]) => count === most)?.[0];
}

// Of a row, what the others are marked against. mark: "most", "@" and a user's id, or nothing.
export function markedAgainst(mark, users, choices) {
  if (mark === "most") return mostSeen(choices);
  const choice = mark?.startsWith("@") ? choices[users.indexOf(mark.slice(1))] : null;
  return choice ? (choice.artwork?.id ?? null) : undefined;
}
