// The app: a bar of views, and the one that the address names.
import { html, render, useEffect, useState } from "./base.js";
import { ask, begin, renew } from "./ask.js";
import { Help } from "./help.js";
import { Newer } from "./newer.js";
import { counted, dated, plural } from "./numbers.js";
import { Guarded, standStill, usePlace, useTitle } from "./place.js";
import { href, useRoute } from "./route.js";
import { ArtworksView } from "./views/artworks.js";
import { ArtworkView } from "./views/artwork.js";
import { CompareView } from "./views/compare.js";
import { GridView } from "./views/grid.js";
import { TitlesView, UsersView } from "./views/lists.js";
import { RejectedView } from "./views/rejected.js";
import { DuplicatesView } from "./views/duplicates.js";
import { MapView } from "./views/map.js";
import { SearchView, useSlash } from "./views/search.js";
import { TitleView } from "./views/title.js";
import { UserView } from "./views/user.js";

// In the order of the menu; what has no label is reached by links.
const VIEWS = {
  grid: { label: "Choices", View: GridView },
  users: { label: "Users", View: UsersView },
  titles: { label: "Titles", View: TitlesView },
  title: { within: "titles", View: TitleView },
  user: { within: "users", View: UserView },
  artworks: { label: "Artwork", View: ArtworksView },
  artwork: { within: "artworks", View: ArtworkView },
  rejected: { label: "Rejected", count: (overview) => overview.rejected, View: RejectedView },
  compare: { label: "Compare", View: CompareView },
  map: { label: "Map", View: MapView },
  search: { label: "Search", View: SearchView },
  duplicates: { label: "Duplicates", View: DuplicatesView },
};

function App() {
  const { view, parameters } = useRoute();
  const { overview, error, round, showNewest } = useOverview();
  const known = Object.hasOwn(VIEWS, view) ? VIEWS[view] : null;
  const label = known?.label ?? view;
  usePlace();
  useTitle(label);
  useSlash();
  if (error) return html`<p class="error">${error.message}</p>`;
  if (!overview) return html`<p class="loading">Loading …</p>`;
  const { View } = known ?? {};
  return html`<a class="skip" href="#main" onClick=${skip}>Skip to the content</a>
    <${Header} overview=${overview} view=${view} />
    <${Newer} show=${showNewest} />
    <main id="main" tabindex="-1" class=${known ? view : null} data-view=${view} aria-label=${label}>
      ${known
        ? html`<${Guarded} key=${`${view} ${round}`}><${View} parameters=${parameters} overview=${overview} /><//>`
        : html`<p class="error">There is no view “<bdi>${view}</bdi>”.</p>`}
    </main>`;
}

// Of what the page shows. showNewest(): a promise of the one that is served now, of which all is then made anew, in another round.
function useOverview() {
  const [state, setState] = useState({ overview: null, error: null, round: 0 });
  useEffect(() => {
    ask("overview").then((overview) => setState({ overview, error: null, round: 0 }), (error) => setState({ overview: null, error, round: 0 }));
  }, []);
  const showNewest = async () => {
    const overview = await renew();
    const settle = standStill();
    setState(({ round }) => ({ overview, error: null, round: round + 1 }));
    settle();
    return overview;
  };
  return { ...state, showNewest };
}

function skip(event) {
  event.preventDefault(); // the address names a view, not a place on the page
  document.getElementById("main").focus();
}

function Header({ overview, view }) {
  const { snapshot, encoder } = overview;
  return html`<header>
    <h1><a href=${href("grid")}>Artwork matches</a></h1>
    <nav aria-label="Views"><ul>
      ${Object.entries(VIEWS).map(
        ([name, { label, count }]) => label && html`<li key=${name}><a href=${href(name)} aria-current=${name === view ? "page" : VIEWS[view]?.within === name ? "true" : null}>${label}${count && html` <small>${counted(count(overview))}</small>`}</a></li>`,
      )}
    </ul></nav>
    <${Help} view=${view} />
    <p class="soft">Snapshot ${snapshot.name}, <time datetime=${snapshot.published_at}>${dated(snapshot.published_at)}</time>: ${plural(snapshot.artworks, "artwork")},
      ${" "}${plural(overview.titles, "title")}, ${plural(overview.users, "user")}. Encoder <bdi>${encoder.name}</bdi>${encoder.bundled && ", for a first try"}.</p>
  </header>`;
}

begin().then(
  () => render(html`<${App} />`, document.getElementById("app")),
  (error) => render(html`<p class="error">The page cannot be unpacked: ${error.message}</p>`, document.getElementById("app")),
);
