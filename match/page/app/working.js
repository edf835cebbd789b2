// Documents that the server is at work on: asked for again until they are there.
import { html, useEffect, useState } from "./base.js";
import { ask, forget } from "./ask.js";
import { counted } from "./numbers.js";

const AGAIN = 1000; // ms

// { document, error }; the document's state is "working", with done and total, or "there".
export function useWork(kind, parameters = {}) {
  const [state, setState] = useState({ document: null, error: null });
  useEffect(() => {
    let timer = 0;
    let wanted = true;
    const look = () =>
      ask(kind, parameters).then(
        (document) => {
          if (document.state === "working") {
            forget(kind, parameters);
            if (wanted) timer = setTimeout(look, AGAIN);
          }
          if (wanted) setState({ document, error: null });
        },
        (error) => wanted && setState({ document: null, error }),
      );
    look();
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [kind, JSON.stringify(parameters)]);
  return state;
}

export function Working({ document, words }) {
  const far = document?.total ? ` ${counted(document.done)} of ${counted(document.total)} so far.` : "";
  return html`<div class="working" role="status"><p>${document ? `${words}${far} This happens once for what is published, and is kept.` : "Loading …"}</p>
    ${document?.total > 0 && html`<progress max=${document.total} value=${document.done} aria-label="Progress"></progress>`}</div>`;
}
