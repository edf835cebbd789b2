// Users x titles: the artwork that each user meets.
import { html } from "../base.js";
import { useDocument } from "../ask.js";
import { UserPicker } from "../beside.js";
import { changedArtwork, differs, listsOfChoices } from "../changes.js";
import { dividedIds, markedAgainst, MOST_COLUMNS } from "../columns.js";
import { Letters } from "../letters.js";
import { useLists } from "../lists.js";
import { plural, signed } from "../numbers.js";
import { Picture } from "../picture.js";
import { go, href } from "../route.js";
import { Sheet } from "../sheet.js";
import { isTried, Trial } from "../trial.js";

const NARROW = 40; // rem, below which the names of titles stand above their rows
const [SIDE, COLUMN, WIDEST_COLUMN, NAME, LINES] = [11, 9.5, 15, 1.9, 2.3]; // rem: of a row's head, a column, a name above, copy
const AROUND = 0.7; // rem between rows

export function GridView({ parameters, overview }) {
  const first = useDocument("users", { start: 0 });
  if (first.error) return html`<p class="error">${first.error.message}</p>`;
  if (!first.document) return html`<p class="loading">Loading …</p>`;
  const users = parameters.users ? dividedIds(parameters.users) : first.document.users.slice(0, MOST_COLUMNS).map((user) => user.id);
  if (!users.length) return html`<p>There are no users: run scripts/embed_users.py first.</p>`;
  return html`<${Tools} users=${users} parameters=${parameters} overview=${overview} />
    <${Choices} users=${users} parameters=${parameters} overview=${overview} />`;
}

function Tools({ users, parameters, overview }) {
  const change = (some) => go("grid", { ...parameters, ...some }, { replace: true });
  return html`<div class="grid-tools">
    <${UserPicker} users=${users} onUsers=${(ids) => change({ users: ids })} />
    <${Letters} label="Find titles" value=${parameters.find} onFind=${(find) => change({ find })} />
    <label><span>Mark what differs from</span> <select value=${parameters.mark ?? ""} onChange=${({ target }) => change({ mark: target.value })}>
      <option value="">nothing</option>
      <option value="most">what most of these see</option>
      ${users.map((user) => html`<option key=${user} value=${`@${user}`}>what ${user} sees</option>`)}
    </select></label>
    <${Trial} view="grid" parameters=${parameters} overview=${overview} />
  </div>`;
}

function Choices({ users, parameters, overview }) {
  const { find, mark } = parameters;
  const asked = [{ id: "titles", kind: "titles", name: "titles", parameters: { find } }];
  for (const user of users) asked.push(...listsOfChoices(user, parameters, find));
  const lists = useLists(asked);
  const of = new Map(asked.map(({ id }, place) => [id, lists[place]]));
  const titles = of.get("titles");
  const error = lists.find((list) => list.error)?.error;
  if (titles.total === null) return error ? html`<p class="error">${error.message}</p>` : html`<p class="loading">Loading …</p>`;
  if (!titles.total && !find) return html`<p>No titles were asked for.</p>`;
  const choiceOf = (title, user, number, when = "now") => {
    const choice = of.get(`${user} ${when}`)?.item(number);
    return choice?.title === title.id ? choice : undefined;
  };
  const cell = (row, column) => {
    const title = titles.item(row);
    if (!title) return html`<span class="choice loading"><span class="picture"></span></span>`;
    const against = mark && markedAgainst(mark, users, users.map((user) => choiceOf(title, user, row)));
    const [now, before] = ["now", "before"].map((when) => choiceOf(title, users[column], row, when));
    return html`<${Chosen} user=${users[column]} title=${title} now=${now} before=${before} against=${against} mark=${mark} />`;
  };
  const rowHead = (row) => html`<${TitleHead} title=${titles.item(row)} user=${users[0]} />`;
  const columnHead = (column) => html`<a href=${href("user", { user: users[column] })} tabindex="-1"><bdi>${users[column]}</bdi></a>`;
  const isWhole = (row) => {
    const title = titles.item(row);
    const there = asked.filter(({ kind }) => kind === "choices").map(({ id }) => of.get(id).item(row)?.title === title?.id);
    return Boolean(title) && there.every(Boolean);
  };
  const layout = (width) => layoutOf(width, users.length, overview.lines > 0);
  return html`${error && html`<p class="error" role="alert">${error.message}</p>`}
    <p class="soft found" role="status">${foundWords(titles.total, find, mark, isTried(parameters, users.find((user) => user === parameters.user)))}</p>
    ${titles.total > 0 && html`<${Sheet} name=${`grid ${find ?? ""}`} label="The artwork chosen for each title and user" rows=${titles.total}
      columns=${users.length} layout=${layout} corner="Title" columnHead=${columnHead} rowHead=${rowHead} cell=${cell} isWhole=${isWhole}
      busy=${lists.some((list) => list.waiting)} />`}`;
}

function foundWords(total, find, mark, trying) {
  const words = [plural(total, "title")];
  if (find) words[0] += ` with “${find}”`;
  if (mark) words.push("≠ marks what differs");
  if (trying) words.push("what is tried changes the choices that are framed: the published one stands in the corner");
  return words.map((word, place) => html`${place > 0 && "; "}<bdi>${word}</bdi>`);
}

function layoutOf(width, columns, lines) {
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const stacked = width < NARROW * rem;
  const head = stacked ? 0 : SIDE * rem;
  const fair = Math.floor((width - head) / columns);
  const column = Math.max(COLUMN * rem, Math.min(WIDEST_COLUMN * rem, fair));
  const picture = ((column - AROUND * rem) * 9) / 16;
  const row = Math.ceil(picture + (AROUND + (lines ? LINES : 0) + (stacked ? NAME : 0)) * rem);
  return { head, column, row };
}

function TitleHead({ title, user }) {
  if (!title) return html`<span class="loading">…</span>`;
  return html`<a href=${href("title", { title: title.id, user })} tabindex="-1"><bdi>${title.name}</bdi>
    <small>${plural(title.artworks, "artwork")}</small></a>`;
}

function Chosen({ user, title, now, before, against, mark }) {
  const to = href("title", { title: title.id, user });
  const label = `${title.name} for ${user}: `;
  if (!now) return html`<a class="choice loading" href=${to} tabindex="-1" aria-label=${`${label}loading`}><span class="picture"></span></a>`;
  const { artwork, copy } = now;
  const changed = differs(now, before);
  const former = changed && changedArtwork(now, before) ? before.artwork : null;
  const marked = against !== undefined && mark ? ((artwork?.id ?? null) === against ? "alike" : "unlike") : "";
  const told = [artwork ? `${artwork.id}, score ${signed(artwork.score)}` : now.reason];
  if (copy.id) told.push(`“${copy.text}”`);
  if (marked === "unlike") told.push("differs");
  if (changed) told.push(`changed, published: ${before.artwork?.id ?? "no artwork"}`);
  return html`<a class=${`choice ${marked}${changed ? " changed" : ""}`} href=${to} tabindex="-1" aria-label=${label + told.join(", ")}>
    ${artwork ? html`<${Picture} artwork=${artwork} words="" sharp=${false} />` : html`<span class="picture gone">no artwork</span>`}
    ${artwork && html`<span class="score">${signed(artwork.score)}${artwork.phrase && html` <bdi>${artwork.phrase}</bdi>`}</span>`}
    ${marked === "unlike" && html`<span class="unlike-mark">≠</span>`}
    ${former && html`<span class="was"><${Picture} artwork=${former} words="" sharp=${false} /></span>`}
    ${copy.id && html`<span class=${changed && copy.id !== before.copy.id ? "copy new" : "copy"}><bdi>${copy.text}</bdi></span>`}
  </a>`;
}
