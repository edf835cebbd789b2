// A thumbnail, or a box that says that the picture is not there, and why.
import { html, useEffect, useState } from "./base.js";
import { pictureUrl, whyNoPicture } from "./ask.js";

// artwork: { id, path, picture }; words: what stands for it where it cannot be seen, "" where text beside it says so already.
export function Picture({ artwork, words = artwork.id, sharp = true }) {
  const url = pictureUrl(artwork.picture, sharp);
  const [gone, setGone] = useState(null); // the address at which there is none
  if (!url || gone === url) return html`<${NoPicture} url=${url} path=${artwork.path} words=${words} />`;
  return html`<img class="picture" src=${url} alt=${words} title=${artwork.path} loading="lazy" decoding="async" onError=${() => setGone(url)} />`;
}

function NoPicture({ url, path, words }) {
  const [{ said, why }, setWhy] = useState({ said: "picture not there", why: "" });
  useEffect(() => {
    let wanted = true;
    if (url) whyNoPicture(url).then((told) => wanted && told && setWhy(told));
    return () => (wanted = false);
  }, [url]);
  return html`<span class="picture gone" role="img" aria-label=${words ? [words, why && said, why].filter(Boolean).join(": ") : null} title=${why ? `${path}: ${why}` : path}>
    <span>${said}${why && html`<span class="why">${why}</span>`}</span></span>`;
}
