// An open page learns of what is published meanwhile: it says so, and shows it when it is asked to, never before.
import { html, useEffect, useState } from "./base.js";
import { ask, forget, isWritten } from "./ask.js";
import { moment } from "./numbers.js";
import { useServed } from "./served.js";

const LOOK = 15000; // ms between two looks at what is served, while the page is seen
const TABLES = { users: "profiles", priors: "priors", weights: "weights" };

// show(): a promise of the page with what is served; where it fails, the page is as it was.
export function Newer({ show }) {
  const { shown, newest, isMixed } = useServed();
  const [putOff, setPutOff] = useState(null);
  const [said, setSaid] = useState({ words: "", error: "", busy: false });
  useEffect(lookAgainAndAgain, []);
  const news = JSON.stringify([newest, isMixed]);
  const isNews = (newest !== shown || isMixed) && putOff !== news;
  const showIt = () => {
    setSaid({ words: "", error: "", busy: true });
    show().then(
      ({ snapshot }) => setSaid({ words: `Snapshot ${snapshot.name} is shown.`, error: "", busy: false }),
      (error) => setSaid({ words: "", error: error.message, busy: false }),
    );
  };
  return html`<div class="newer" role="status">
    ${isNews ? html`<div class="news"><p>${newsInWords(JSON.parse(shown), JSON.parse(newest))}.${isMixed && " Some of what you see is of it already."}
        ${said.error && html` <span class="error">${said.error}</span>`}</p>
      <p><button type="button" class="main" disabled=${said.busy} onClick=${showIt}>${said.busy ? "Loading …" : "Show it"}</button>
        <button type="button" onClick=${() => setPutOff(news)}>Not now</button></p></div>` : html`<span class="unseen">${said.words}</span>`}
  </div>`;
}

// While the page is seen, and at once when it is seen again. The function that is returned ends it.
function lookAgainAndAgain() {
  if (isWritten()) return undefined;
  const look = () => {
    if (document.visibilityState !== "visible") return;
    forget("published");
    ask("published").catch(() => {}); // where the server is gone, the view says it
  };
  const timer = setInterval(look, LOOK);
  document.addEventListener("visibilitychange", look);
  return () => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", look);
  };
}

// As match/page/documents/published.py has both.
function newsInWords(shown, newest) {
  if (newest.snapshot !== shown.snapshot || newest.published_at !== shown.published_at) {
    const which = newest.published_at < shown.published_at ? "An earlier" : "A newer";
    return html`${which} snapshot is served: <b>${newest.snapshot}</b>, published ${moment(newest.published_at)}`;
  }
  const tables = Object.keys(TABLES).filter((name) => newest[name] !== shown[name]);
  return `Newer ${tables.map((name) => TABLES[name]).join(" and ")} are served`;
}
