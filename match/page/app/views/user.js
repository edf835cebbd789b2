// A user: the taste in words, where each phrase came from, and what the user meets.
import { html } from "../base.js";
import { useDocument } from "../ask.js";
import { ChangedChoices, UsersChoices } from "../cards.js";
import { TasteEditor } from "../editor.js";
import { percent, signed } from "../numbers.js";
import { Picture } from "../picture.js";
import { href, tried } from "../route.js";
import { isTried, Trial } from "../trial.js";

const MANY = 4; // phrases, from which on a card has two columns of them

export function UserView({ parameters, overview }) {
  const { user } = parameters;
  const { document: published, error } = useDocument("user", { user });
  const { taste } = tried(user);
  const trial = useDocument("user", { user, taste });
  if (!user) return html`<p class="error">Which user? Choose one from <a href=${href("users")}>Users</a>.</p>`;
  if (error) return html`<p class="error">${error.message}</p>`;
  if (!published || published.id !== user) return html`<p class="loading">Loading …</p>`;
  const wrong = taste && !trial.loading ? trial.error : null;
  const document = taste && trial.document?.id === user && !trial.error ? trial.document : published;
  return html`<${UserHead} document=${document} overview=${overview} />
    <${Trial} view="user" parameters=${parameters} overview=${overview} label="Try other weights or another taste">
      <${TasteEditor} key=${user} view="user" parameters=${parameters} user=${user} text=${published.text} tried=${taste} error=${wrong}
      reading=${Boolean(taste) && trial.loading} />
    <//>
    <div class="profile">
      <section class="taste" aria-label="Taste"><${Interests} document=${document} /></section>
      <div>${isTried(parameters, user) && !wrong && html`<${ChangedChoices} user=${user} parameters=${parameters} />`}
        ${!wrong && html`<${UsersChoices} user=${user} parameters=${parameters} lines=${overview.lines > 0} />`}</div>
    </div>`;
}

function UserHead({ document, overview }) {
  const { id, taste, segment, locale, speaking } = document;
  const about = [
    segment && html`segment <bdi>${segment}</bdi>`,
    locale && html`locale <bdi>${locale}</bdi>`,
    overview.segments.length > 0 && (speaking ? html`priors of <bdi>${speaking}</bdi>` : "everyone's priors"),
  ].filter(Boolean);
  return html`<div class="heading"><h2><bdi>${id}</bdi></h2>
    <a class="button" href=${href("grid", { user: id, users: id })}>Show in Choices</a></div>
    <p class="soft source">Taste: <bdi>${taste}</bdi>${about.map((words) => html`<span> · ${words}</span>`)}</p>`;
}

function Interests({ document }) {
  const { interests, phrases } = document;
  const most = Math.max(...phrases.map((phrase) => Math.abs(phrase.weight)), 0);
  const dislikes = phrases.filter((phrase) => phrase.interest === null);
  if (!phrases.length && !interests.some((interest) => interest.pictures)) {
    return html`<p>No phrases: this user gets the average taste named above, until there is a history or a word of their own (scripts/embed_users.py).</p>`;
  }
  const of = (number) => phrases.filter((phrase) => phrase.interest === number);
  return html`<ul class="interests">
    ${interests.map((interest, number) => {
      if (interest.pictures) return html`<${PlayedPictures} key="pictures" interest=${interest} />`;
      const wide = of(number).length > MANY ? " wide" : "";
      return of(number).length > 0 && html`<li key=${number} class=${`card interest${wide}`}>
        <h3>Interest ${number + 1} <span class="soft" title="its share of the taste">${percent(interest.share, 0)}</span></h3>
        <${Phrases} phrases=${of(number)} most=${most} user=${document.id} /></li>`;
    })}
    ${dislikes.length > 0 && html`<li key="dislikes" class="card interest dislikes"><h3>Dislikes <span class="soft">speak against every interest</span></h3>
      <${Phrases} phrases=${dislikes} most=${most} user=${document.id} /></li>`}
  </ul>`;
}

function Phrases({ phrases, most, user }) {
  return html`<ul class="phrases">${phrases.map(
    (phrase) => html`<li key=${`${phrase.kind} ${phrase.text}`}>
      <div class="phrase"><b><bdi>${phrase.text}</bdi></b><span class="kind">${phrase.kind}</span><span class="number">${weightOf(phrase)}</span></div>
      <div class=${phrase.weight < 0 ? "weighs against" : "weighs"} aria-hidden="true"><i style=${{ width: `${(100 * Math.abs(phrase.weight)) / most}%` }}></i></div>
      ${phrase.titles.length > 0 && html`<small>from ${phrase.titles.map((title, place) => html`${place > 0 && ", "}<a key=${title.id}
        href=${href("title", { title: title.id, user })}><bdi>${title.name}</bdi></a>`)}</small>`}
    </li>`,
  )}</ul>`;
}

const weightOf = ({ weight }) => (weight < 0 ? signed(weight) : weight.toFixed(2));

function PlayedPictures({ interest }) {
  return html`<li class="card interest"><h3>Pictures played <span class="soft">${percent(interest.share, 0)}</span></h3>
    <p class="soft">An interest made of the artwork that this user played, not of words. Nearest to it in the catalog:</p>
    <ul class="nearest">${interest.pictures.map((artwork) => html`<li key=${artwork.id}><${Picture} artwork=${artwork} sharp=${false} /></li>`)}</ul></li>`;
}
