// What guards set aside of a title where the page explores: of all of it, and of each artwork by which of them.
import { html } from "../base.js";
import { counted } from "../numbers.js";
import { Picture } from "../picture.js";
import { href } from "../route.js";
import { POLICY_NAMES } from "./title_beside.js";

const IN_TURN = ["exposure cap", "prominence", "look-alike", "variety"]; // as match/guards.py has them

// Guard by guard, in the order in which they speak: what one set aside, those after it never looked at.
export function GuardsSpoke({ artworks, about }) {
  const spoke = IN_TURN.map((guard) => [guard, artworks.filter((artwork) => Object.values(artwork.guards).includes(guard))]).filter(([, some]) => some.length);
  if (!spoke.length) return null;
  const known = new Map(about.artworks.map((artwork) => [artwork.id, artwork]));
  return html`<section class="told-panel spoke"><h3>Guards</h3>
    <p class="soft">Never drawn where the page explores today.${spoke.length > 1 && " The guard that speaks first stands first."}</p>
    <ul>${spoke.map(([guard, some]) => html`<li key=${guard}><b>${guard}</b> sets aside ${counted(some.length)} of ${counted(artworks.length)}
      <ul>${some.map((artwork) => html`<li key=${artwork.id}><${SetAside} artwork=${artwork} guard=${guard} known=${known} /></li>`)}</ul></li>`)}</ul>
  </section>`;
}

function SetAside({ artwork, guard, known }) {
  const address = href("artwork", { artwork: artwork.id });
  const policies = Object.keys(artwork.chances).filter((policy) => artwork.guards[policy] === guard);
  const some = policies.length < Object.keys(artwork.chances).length;
  return html`<a href=${address} tabindex="-1" aria-hidden="true"><${Picture} artwork=${{ ...known.get(artwork.id), id: artwork.id }} words="" sharp=${false} /></a>
    <span><a href=${address}><bdi>${artwork.id}</bdi></a>${some && html` <span class="soft">where ${policies.map((policy) => POLICY_NAMES[policy]).join(", ")} draws</span>`}</span>`;
}

// By which guards an artwork is set aside; null where it may be drawn.
export function guardsInWords({ guards, chances }, facts, least) {
  const policies = Object.keys(guards);
  if (!policies.length) return null;
  const words = (policy) => `by ${guardInWords(guards[policy], facts, least)}`;
  const isAlike = policies.length === Object.keys(chances).length && policies.every((policy) => guards[policy] === guards[policies[0]]);
  return isAlike ? words(policies[0]) : policies.map((policy) => `${words(policy)} where ${POLICY_NAMES[policy]} draws`).join(", ");
}

function guardInWords(guard, facts, least) {
  if (guard !== "prominence") return guard;
  return facts?.prominence !== null && facts?.prominence !== undefined ? `prominence (${facts.prominence.toFixed(2)}, at least ${least.toFixed(2)})` : "prominence (nobody on it leads)";
}
