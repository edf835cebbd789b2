// Where the viewer is within a view, step by step of the browser's history: a new view begins at its top, and the way back leads to
// where one was, with the focus on the link that was followed. What is told of a view to those who do not see it is here, too.
import { html, useEffect, useErrorBoundary } from "./base.js";

const NAME = "Artwork matches";
const FRAMES = 90; // to wait for a view to be as long as it was
const QUIET = 150; // ms after the last movement
const FIELDS = "input, select, textarea, button, summary";

const note = (facts) => history.replaceState({ ...history.state, ...facts }, "");

// Once, by the app.
export function usePlace() {
  useEffect(() => {
    history.scrollRestoration = "manual"; // the browser would look for the place before the view is there
    let timer = 0;
    const scrolled = () => {
      clearTimeout(timer);
      timer = setTimeout(() => note({ top: scrollY }), QUIET);
    };
    const followed = (event) => {
      const link = event.target.closest?.("a[href^='#/']")?.getAttribute("href");
      if (link) note({ top: scrollY, link });
    };
    const arrived = (event) => {
      clearTimeout(timer);
      // What a slider changes is no new place, and who is in a field stays in it.
      if (event.isTrusted && !document.activeElement?.matches(FIELDS)) settle();
    };
    addEventListener("scroll", scrolled, { passive: true });
    addEventListener("click", followed, true);
    addEventListener("hashchange", arrived);
    returnTo(history.state?.top ?? 0, () => {});
    return () => {
      removeEventListener("scroll", scrolled);
      removeEventListener("click", followed, true);
      removeEventListener("hashchange", arrived);
    };
  }, []);
}

function settle() {
  const main = document.getElementById("main");
  const { top = 0, link } = history.state ?? {};
  main?.focus({ preventScroll: true });
  scrollTo(0, 0);
  returnTo(top, () => {
    if (document.activeElement !== main && document.activeElement !== document.body) return; // has moved on meanwhile
    const before = link && [...main.querySelectorAll("a")].find((one) => one.getAttribute("href") === link);
    (before || main).focus({ preventScroll: true });
  });
}

// While the view is made anew it is as long as it was, and the window stays where it is; call it before.
export function standStill() {
  const main = document.getElementById("main"), top = scrollY;
  main.style.minHeight = `${main.offsetHeight}px`;
  main.focus({ preventScroll: true });
  return () => requestAnimationFrame(() => returnTo(top, () => (main.style.minHeight = "")));
}

// Scroll down to where one was as soon as the view is that long.
function returnTo(top, then, frame = 0) {
  const loading = document.querySelector("main .loading");
  const short = document.documentElement.scrollHeight < top + innerHeight;
  if ((loading || short) && frame < FRAMES) return requestAnimationFrame(() => returnTo(top, then, frame + 1));
  if (top) scrollTo(0, top);
  requestAnimationFrame(() => requestAnimationFrame(then)); // rows that come into sight are there then
}

// The page's title, from the heading of the view; label: what it is called without one.
export function useTitle(label) {
  useEffect(() => {
    const told = () => {
      const heading = document.querySelector("main h2")?.textContent.replace(/\s+/g, " ").trim() || label;
      const title = heading ? `${heading} · ${NAME}` : NAME;
      if (document.title !== title) document.title = title;
    };
    told();
    const watching = new MutationObserver(told);
    watching.observe(document.getElementById("app"), { childList: true, characterData: true, subtree: true });
    return () => watching.disconnect();
  }, [label]);
}

// What goes wrong in a view is said in its place, and the rest of the page stays.
export function Guarded({ children }) {
  const [error] = useErrorBoundary((thrown) => console.error(thrown));
  return error ? html`<p class="error" role="alert">This view failed: ${error.message}</p>` : children;
}
