// A title with all its artwork, the best for a user first.
import { html } from "../base.js";
import { useDocument } from "../ask.js";
import { Parts } from "../parts.js";
import { Picture } from "../picture.js";
import { tried } from "../route.js";
import { Before, Trial } from "../trial.js";

export function TitleView({ parameters, overview }) {
  const { title, user } = parameters;
  const { document, error } = useDocument("title", { ...tried(user), title, user });
  if (error) return html`<p class="error">${error.message}</p>`;
  if (!document) return html`<p class="loading">Loading …</p>`;
  return html`<h2><bdi>${document.name}</bdi> for <bdi>${document.user}</bdi></h2>
    <p class="soft"><bdi>${document.choice.reason}</bdi>; taste: <bdi>${document.taste}</bdi></p>
    <${Trial} view="title" parameters=${parameters} overview=${overview} />
    <${Before} title=${title} user=${user} parameters=${parameters} now=${document.choice} />
    <ol class="cards">
      ${document.artworks.map(
        (artwork, place) => html`<li key=${artwork.id} class=${place ? "card" : "card chosen"}>
          <${Picture} artwork=${artwork} /><p><b><bdi>${artwork.id}</bdi></b></p><${Parts} artwork=${artwork} />
        </li>`,
      )}
    </ol>`;
}
