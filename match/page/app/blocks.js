// Long lists come in blocks. Those of a page in a file are filtered here, those of a server there, by the same documents.

export const BLOCK = 50; // items of a document; match/page/documents/blocks.py knows it, too
const LISTS = { titles: (title) => `${title.name} ${title.id}`, users: (user) => user.id };

// As embed/records.py: fold compares letters.
export function folded(text) {
  const lower = text.toUpperCase().toLowerCase().replaceAll("ς", "σ").normalize("NFC");
  return lower.split(/\s+/u).filter(Boolean).join(" ");
}

// What a server answers to `find`; null where that is not asked, or where the file does not hold the whole list.
// held(kind, parameters): a promise of a document of the file, of undefined where it has none.
export async function foundInFile(kind, { find, start = 0, ...others }, held) {
  const [of, letters] = kind === "choices" ? ["titles", LISTS.titles] : [kind, LISTS[kind]];
  const listed = find !== undefined && letters && (await wholeOf(of, {}, of, held));
  const items = listed && (of === kind ? listed : await wholeOf(kind, others, kind, held));
  if (!items) return null;
  const asked = folded(find);
  const found = items.filter((_, number) => folded(letters(listed[number])).includes(asked));
  return { total: found.length, [kind]: found.slice(Number(start), Number(start) + BLOCK) };
}

async function wholeOf(kind, parameters, name, held) {
  const items = [];
  for (let total = 1; items.length < total; ) {
    const block = await held(kind, { ...parameters, start: items.length });
    if (!block) return null;
    if (!block.total) break;
    total = block.total;
    items.push(...block[name]);
  }
  return items;
}
