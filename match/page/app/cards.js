// What a user meets, as cards with a line of why; and what a trial changes of it.
import { html, useRef } from "./base.js";
import { useDocument } from "./ask.js";
import { changedArtwork, differs, listsOfChoices } from "./changes.js";
import { Letters } from "./letters.js";
import { useLists } from "./lists.js";
import { counted, plural, signed } from "./numbers.js";
import { PARTS } from "./parts.js";
import { Picture } from "./picture.js";
import { go, href, tried } from "./route.js";
import { useSize } from "./sheet.js";
import { Shown } from "./trial.js";
import { Rows } from "./window.js";

const CARD = 15; // rem, the least width of a card
const TEXT = 4.3; // rem below its picture: a name and two lines of why
const LINES = 2.6; // rem more, where titles have lines of copy
const GAP = 1; // rem

// The choices of all titles, or of those with the letters that `find` has. lines: whether there are lines of copy.
export function UsersChoices({ user, parameters, lines }) {
  const { find } = parameters;
  const asked = [{ id: "titles", kind: "titles", name: "titles", parameters: { find } }, ...listsOfChoices(user, parameters, find)];
  const [titles, now, before] = useLists(asked);
  const box = useRef(null);
  const { width } = useSize(box);
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const across = Math.max(1, Math.floor((width + GAP * rem) / ((CARD + GAP) * rem)));
  const card = (width - (across - 1) * GAP * rem) / across;
  const height = Math.ceil(card * (9 / 16) + (TEXT + (lines ? LINES : 0) + GAP) * rem);
  const total = titles.total ?? 0;
  const draw = (row) => html`<div class="across" style=${{ "--across": across }}>
    ${Array.from({ length: Math.min(across, total - row * across) }, (_, place) => row * across + place).map(
      (number) => html`<${ChoiceCard} key=${number} user=${user} title=${titles.item(number)} now=${now.item(number)} before=${before?.item(number)} />`,
    )}
  </div>`;
  const error = titles.error ?? now.error ?? before?.error;
  return html`<section class="meets" aria-label="Choices" ref=${box}>
    <div class="heading"><h3>What <bdi>${user}</bdi> meets</h3>
      <${Letters} label="Find titles" value=${find} onFind=${(letters) => go("user", { ...parameters, find: letters }, { replace: true })} />
      <span class="soft" role="status">${titles.total !== null && plural(total, "title")}</span></div>
    ${error && html`<p class="error">${error.message}</p>`}
    ${width > 0 && total > 0 && html`<${Rows} count=${Math.ceil(total / across)} height=${height} draw=${draw} label="Choices" />`}
  </section>`;
}

function ChoiceCard({ user, title, now, before }) {
  if (!title || now?.title !== title.id) {
    return html`<span class="meeting loading"><span class="picture"></span><b>${title && html`<bdi>${title.name}</bdi>`}</b></span>`;
  }
  const changed = differs(now, before);
  const former = changed && changedArtwork(now, before) ? before.artwork : null;
  return html`<a class=${changed ? "meeting changed" : "meeting"} href=${href("title", { title: title.id, user })}>
    <span class="pictured">
      ${now.artwork ? html`<${Picture} artwork=${now.artwork} words=${now.artwork.id} />` : html`<span class="picture gone">no artwork</span>`}
      ${former && html`<span class="was"><${Picture} artwork=${former} words=${`published: ${former.id}`} sharp=${false} /></span>`}
    </span>
    <b><bdi>${title.name}</bdi></b>
    <span class="because soft">${becauseOf(now)}</span>
    ${now.copy.id && html`<q class=${changed && now.copy.id !== before.copy.id ? "new" : ""}><bdi>${now.copy.text}</bdi></q>`}
  </a>`;
}

// Why, in one line: the part that set the artwork apart from the runner-up, and what it speaks of.
export function becauseOf({ artwork, second, reason }) {
  if (!artwork) return html`<bdi>${reason}</bdi>`;
  if (!second) return html`${reason}`;
  const ahead = (part) => artwork.parts[part] - second.parts[part];
  const part = PARTS.reduce((one, other) => (ahead(other) > ahead(one) ? other : one));
  const words = { similarity: artwork.phrase, people: artwork.people.join(", "), words: artwork.word }[part];
  return html`${signed(artwork.score - second.score)} ahead by ${part}${words && html`: <bdi>${words}</bdi>`}`;
}

// The titles whose choice is another under what is tried.
export function ChangedChoices({ user, parameters }) {
  const { document, error, loading } = useDocument("changed", { ...tried(user), user });
  if (error) return html`<p class="error">${error.message}</p>`;
  if (!document) return html`<p class="loading">Comparing …</p>`;
  const { total, of, changes } = document;
  const more = total - changes.length;
  return html`<section class="trialled" aria-label="What is changed" aria-busy=${loading}>
    <h3><span role="status">${total ? counted(total) : "None"} of ${plural(of, "choice")} changed</span></h3>
    <ul class="cards">${changes.map(
      ({ title, name, before, now }) => html`<li key=${title} class="card"><b><a href=${href("title", { title, user })}><bdi>${name}</bdi></a></b>
        <p><span class="soft">Published</span><${Shown} choice=${before} /></p><p><span class="soft">Now</span><${Shown} choice=${now} /></p></li>`,
    )}</ul>
    ${more > 0 && html`<p class="soft">And ${counted(more)} more: they are framed below.</p>`}
  </section>`;
}
