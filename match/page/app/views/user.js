// A user: the taste in words.
import { html } from "../base.js";
import { useDocument } from "../ask.js";
import { tried } from "../route.js";

export function UserView({ parameters }) {
  const { user } = parameters;
  const { document, error } = useDocument("user", { user, taste: tried(user).taste });
  if (error) return html`<p class="error">${error.message}</p>`;
  if (!document) return html`<p class="loading">Loading …</p>`;
  return html`<h2><bdi>${document.id}</bdi></h2><p class="soft">Taste: <bdi>${document.taste}</bdi></p>
    <pre>${document.text}</pre>`;
}
