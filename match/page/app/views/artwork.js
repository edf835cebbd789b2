// An artwork: what is known of it, who gets it, how it does in every segment, and what looks like it.
import { html } from "../base.js";
import { useDocument } from "../ask.js";
import { Interval, ScaleEnds, inPercent, scaleOf } from "../intervals.js";
import { counted, exact, percent, plural } from "../numbers.js";
import { Picture } from "../picture.js";
import { href, tried } from "../route.js";

export function ArtworkView({ parameters }) {
  const { artwork, user } = parameters;
  const { document, error } = useDocument("artwork", { ...tried(), taste: null, artwork });
  if (error) return html`<p class="error"><bdi>${error.message}</bdi></p>`;
  if (!document || document.id !== artwork) return html`<p class="loading">Loading …</p>`;
  return html`<h2><bdi>${document.id}</bdi></h2>
    <p class="of-title">one of ${plural(document.artworks, "artwork")} of <a href=${href("title", { title: document.title, user })}><bdi>${document.name}</bdi></a></p>
    <div class="portrait">
      <div class="large" style=${shapeOf(document.facts)}><${Picture} key=${document.id} artwork=${document} words=${document.facts.caption ?? document.id} sharp="large" /><${Facts} document=${document} /></div>
      <div class="reached"><div class="panels"><${Reach} document=${document} /><${Performance} document=${document} /></div>
        <${Lookalikes} document=${document} /></div>
    </div>`;
}

// The picture keeps its room while it loads.
const shapeOf = ({ width, height }) => (width && height ? { "--shape": `${width} / ${height}` } : null);

function Facts({ document }) {
  const { facts } = document;
  const listed = (names) => names?.length > 0 && names.map((name, place) => html`${place > 0 && ", "}<bdi key=${place}>${name}</bdi>`);
  const window = [facts.shown_from && `from ${minuteOf(facts.shown_from)}`, facts.shown_until && `until ${minuteOf(facts.shown_until)}`].filter(Boolean).join(" ");
  const told = [
    ["people", listed(facts.people)],
    ["tags", listed(facts.tags)],
    ["caption", facts.caption && html`<bdi>${facts.caption}</bdi>`],
    ["copy", facts.copy && html`“<bdi>${facts.copy}</bdi>”`],
    ["locale", facts.locale && html`<bdi>${facts.locale}</bdi>`],
    ["prominence", facts.prominence !== null && facts.prominence.toFixed(2)],
    ["maturity", facts.maturity !== null && `from ${facts.maturity} years`],
    ["spoiler", facts.spoiler && "gives the story away"],
    ["campaign", window],
    ["size", facts.width && `${facts.width} × ${facts.height} pixels`],
    ["path", html`<bdi>${document.path}</bdi>`],
    ["sha256", html`<code title=${facts.sha256}>${facts.sha256.slice(0, 16)}…</code>`],
  ];
  return html`<dl class="facts-list">${told.filter(([, value]) => value).map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

const minuteOf = (time) => `${time.slice(0, 16).replace("T", " ")} UTC`;

function Reach({ document }) {
  const { users, total, count, segments, examples } = document.reach;
  const share = (part, whole) => (whole ? part / whole : 0);
  const bar = (value) => html`<div class="share" aria-hidden="true"><i style=${{ width: `${100 * value}%` }}></i></div>`;
  return html`<section class="told-panel"><h3>Who gets it</h3>
    <p><b class="big">${percent(share(count, users))}</b> ${counted(count)} of ${plural(users, "user")}${total > users && html` <span class="soft">(a sample of ${counted(total)})</span>`}</p>
    ${bar(share(count, users))}
    ${segments.length > 0 && html`<table><caption class="soft">by the segment that users are in</caption><tbody>${segments.map(
      (one) => html`<tr key=${one.segment}><th scope="row"><bdi>${one.segment}</bdi></th><td class="bar-column">${bar(share(one.count, one.users))}</td>
        <td class="number">${percent(share(one.count, one.users))}</td><td class="number soft">${counted(one.count)} of ${counted(one.users)}</td></tr>`,
    )}</tbody></table>`}
    ${examples.length > 0 && html`<p>such as ${examples.map(
      (user, place) => html`${place > 0 && ", "}<a key=${user} href=${href("title", { title: document.title, user })}><bdi>${user}</bdi></a>`,
    )}</p>`}
  </section>`;
}

function Performance({ document }) {
  const scale = scaleOf(document.segments.map((one) => one.interval));
  const [everyone] = document.segments;
  return html`<section class="told-panel"><h3>How it does</h3>
    <p class="soft">How many of its impressions lead to a quality play, with 95 % intervals; the thin line is everyone’s rate.</p>
    <table class="performance"><thead><tr><th scope="col"><span class="soft">segment</span></th><td class="bar-column"></td><th scope="col" class="number soft">rate</th><th scope="col" class="number soft">plays</th></tr></thead>
    <tbody>${document.segments.map(
      (one) => html`<tr key=${one.segment ?? ""}><th scope="row">${one.segment === null ? "everyone" : html`<bdi>${one.segment}</bdi>`}</th>
        <td class="bar-column"><${Interval} mean=${one.mean} interval=${one.interval} scale=${scale} mark=${everyone.mean} tone=${toneOf(one, everyone)} /></td>
        <td class="number"><b>${percent(one.mean)}</b> <span class="soft">${inPercent(one.interval)}</span></td>
        <td class="number soft">${one.impressions ? html`${counted(one.plays)} of ${counted(one.impressions)}` : "never shown"}</td></tr>`,
    )}<tr aria-hidden="true"><td></td><td class="bar-column"><${ScaleEnds} scale=${scale} /></td></tr></tbody></table>
    ${document.more_segments > 0 && html`<p class="soft">and ${plural(document.more_segments, "segment")} more</p>`}
    ${document.segments.length === 1 && html`<p class="soft">No segment has priors of its own: neither clicks nor tastes name one.</p>`}
  </section>`;
}

// Whether an interval leaves out what everyone's mean is.
function toneOf(one, everyone) {
  if (one.segment === null) return "";
  return one.interval[0] > everyone.mean ? "above" : one.interval[1] < everyone.mean ? "below" : "";
}

function Lookalikes({ document }) {
  const { duplicates, nearest, threshold, among } = document;
  return html`<section class="lookalikes"><h3>Duplicates</h3>
      ${duplicates.length ? html`<${Neighbours} artworks=${duplicates} />` : html`<p class="soft">None: no other has the same file or a cosine from ${threshold} on.</p>`}
    </section>
    <section class="lookalikes"><h3>Nearest of the rest <span class="soft">among ${plural(among, "artwork")}</span></h3>
      ${nearest.length ? html`<${Neighbours} artworks=${nearest} />` : html`<p class="soft">There is none.</p>`}
    </section>`;
}

function Neighbours({ artworks }) {
  return html`<ul class="neighbours">${artworks.map(
    (one) => html`<li key=${one.id}><a href=${href("artwork", { artwork: one.id })}><${Picture} artwork=${one} words="" sharp=${false} /><bdi>${one.id}</bdi></a>
      <small class="soft">${one.same_file ? "the same file" : `cosine ${exact(one.cosine)}`}, <bdi>${one.title}</bdi></small></li>`,
  )}</ul>`;
}
