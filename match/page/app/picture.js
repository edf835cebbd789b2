// A thumbnail, or a box that says that the picture is not there.
import { html, useEffect, useState } from "./base.js";
import { pictureUrl } from "./ask.js";

// artwork: { id, path, picture }; words: what stands for it where it cannot be seen, "" where text beside it says so already.
export function Picture({ artwork, words = artwork.id, sharp = true }) {
  const url = pictureUrl(artwork.picture, sharp);
  const [gone, setGone] = useState(false);
  useEffect(() => setGone(false), [url]);
  if (!url || gone) {
    return html`<span class="picture gone" role="img" aria-label=${words || null} title=${artwork.path}>picture not there</span>`;
  }
  return html`<img class="picture" src=${url} alt=${words} title=${artwork.path} loading="lazy" decoding="async"
    onError=${() => setGone(true)} />`;
}
