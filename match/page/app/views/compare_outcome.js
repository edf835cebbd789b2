// What a comparison comes to: how much changed, why, in which segments, and by how much.
import { html } from "../base.js";
import { counted, dated, percent, plural } from "../numbers.js";
import { href } from "../route.js";
import { sideName } from "../sides.js";

export const CHANGE_REASONS = {
  retired: { label: "gone", why: "what was chosen may not be shown any more" },
  new: { label: "new artwork", why: "what is chosen now could not be shown before" },
  prior: { label: "prior", why: "what clicks say of the two moved most" },
  similarity: { label: "similarity", why: "how the pictures fit the user's taste moved most" },
  people: { label: "people", why: "what the people on them are worth moved most" },
  words: { label: "words", why: "what their tags and micro-copy are worth moved most" },
};

// A bar of the reasons, as wide as what changed of `choices`. label: what stands for it; none where text beside it says so already.
export function ReasonsBar({ reasons, choices, label }) {
  return html`<span class="stack" role=${label ? "img" : null} aria-label=${label} aria-hidden=${label ? null : "true"}>${Object.entries(reasons).map(
    ([reason, count]) => html`<i key=${reason} class=${reason} style=${{ width: `${(100 * count) / choices}%` }}></i>`,
  )}</span>`;
}

export function ComparisonOutcome({ told, parameters }) {
  const { changed } = told;
  return html`<section class="outcome" aria-label="Outcome">
    <div class="headline"><p><strong>${percent(changed.value)}</strong> of choices change</p>
      <p class="soft">${percent(changed.low)} to ${percent(changed.high)} for users like these, at 95 %.
        ${" "}${counted(changed.changed)} of ${plural(changed.choices, "choice")}; ${counted(changed.users_changed)} of
        ${" "}${plural(told.users.compared, "user")}, ${counted(told.titles.changed)} of ${plural(told.titles.compared, "title")}.</p></div>
    <div class="sides"><${SideCard} name="From" side=${told.from} other=${told.to} /><${SideCard} name="To" side=${told.to} other=${told.from} /></div>
    <${ComparisonNotes} told=${told} />
    ${changed.changed > 0 && html`<${ChangeReasons} told=${told} parameters=${parameters} />
      <div class="figures"><${ChangedSegments} told=${told} parameters=${parameters} /><${ByHowMuch} told=${told} /></div>`}
  </section>`;
}

function SideCard({ name, side, other }) {
  const differs = (one, two) => (JSON.stringify(one) === JSON.stringify(two) ? null : "differs");
  return html`<div class="side"><b>${name}</b> <bdi>${sideName(side)}</bdi>
    <dl>
      <div class=${differs(side.snapshot.name, other.snapshot.name)}><dt>published</dt><dd>${dated(side.snapshot.published_at)}, ${plural(side.snapshot.artworks, "artwork")}</dd></div>
      <div class=${differs(side.encoder.fingerprint, other.encoder.fingerprint)}><dt>encoder</dt><dd><bdi>${side.encoder.name}</bdi> <code>${side.encoder.fingerprint.slice(0, 12)}</code></dd></div>
      <div><dt>weights</dt><dd>${Object.entries(side.weights).map(
        ([part, weight], place) => html`${place ? ", " : ""}<span class=${differs(weight, other.weights[part])}>${part} ${+weight.toFixed(3)}</span>`,
      )}</dd></div>
    </dl></div>`;
}

function ComparisonNotes({ told }) {
  const { users, titles, differ, artwork, agreement, lines } = told;
  const notes = [
    users.known > users.compared && `A sample: ${plural(users.compared, "user")} of ${counted(users.known)}, evenly spread.`,
    users.apart[0] + users.apart[1] > 0 && `${counted(users.apart[0])} users are known to From alone, ${counted(users.apart[1])} to To alone; they are not compared.`,
    ...titles.apart.map(
      ({ count, first }, place) =>
        count > 0 &&
        html`${plural(count, "title")} ${count === 1 ? "is" : "are"} only in ${place ? "To" : "From"}, and not compared: <bdi>${first.join(", ")}</bdi>${count > first.length && ", …"}.`,
    ),
    artwork.repainted > 0 && `${plural(artwork.repainted, "artwork")} ${artwork.repainted === 1 ? "has" : "have"} another picture under the same id.`,
    lines > 0 && `${plural(lines, "choice")} ${lines === 1 ? "keeps its artwork and gets" : "keep their artwork and get"} another line of copy.`,
    agreement.tau !== null &&
      `Orders within titles agree with Kendall's tau ${agreement.tau.toFixed(2)} (1: the same order; mean of ${plural(agreement.pairs, "user and title", "users and titles")}).`,
    differ.snapshot && !differ.store && "Tastes and clicks are those of today on both sides, each in its own encoder: a snapshot keeps artwork alone.",
    differ.encoder && "Two encoders: scores of one do not compare with scores of the other. What a side's own choice leads by does, within that side.",
  ].filter(Boolean);
  return html`<ul class="notes soft">${notes.map((note, place) => html`<li key=${place}>${note}</li>`)}</ul>`;
}

function ChangeReasons({ told, parameters }) {
  const { changed } = told;
  const share = (count) => percent(count / changed.changed, 0);
  return html`<div class="reasons">
    <${ReasonsBar} reasons=${changed.reasons} choices=${changed.changed} label="Why choices changed; the list below says it in words" />
    <ul class="reason-list">${Object.entries(changed.reasons).map(
      ([reason, count]) => html`<li key=${reason}><a href=${href("compare", { ...pairOf(parameters, told), reason })}><i class="dot ${reason}"></i>
        <b>${CHANGE_REASONS[reason].label}</b> ${counted(count)} (${share(count)})</a> <span class="soft">${CHANGE_REASONS[reason].why}</span></li>`,
    )}</ul>
    <details class="soft"><summary>How a change is put down to a reason</summary>
      <p>Where the former choice may not be shown any more, it is gone; where the present one could not be shown before, it is new. Else both stood
        before both sides, and the present choice overtook the former: its lead grew from below 0 to above. A lead is made of the parts of the score,
        so its growth is, too; the part that grew most is the reason.</p></details>
  </div>`;
}

// The address of a comparison, without what the lists below it are narrowed to.
export const pairOf = (parameters, told) => ({ from: parameters.from ?? told.from.text, to: parameters.to ?? told.to.text });

function ChangedSegments({ told, parameters }) {
  const most = Math.max(...told.segments.map((segment) => segment.high), 0.01);
  return html`<div class="figure"><h3>For whom</h3><table class="counts">
    <thead><tr><th>segment</th><th class="number">users</th><th class="change-head">change</th><th class="number">of choices</th><th class="number">95 %</th></tr></thead>
    <tbody>${told.segments.map(
      (segment) => html`<tr key=${segment.name ?? ""}>
        <th scope="row">${
          segment.name === null
            ? html`<span class="soft">no segment</span>`
            : html`<a href=${href("compare", { ...pairOf(parameters, told), segment: segment.name })}><bdi>${segment.name}</bdi></a>`
        }</th><td class="number">${counted(segment.users)}</td>
        <td class="wide"><${ReasonsBar} reasons=${segment.reasons} choices=${segment.choices * most} /></td>
        <td class="number">${percent(segment.value)}</td><td class="number soft">${(100 * segment.low).toFixed(0)}–${percent(segment.high, 0)}</td></tr>`,
    )}</tbody></table></div>`;
}

function ByHowMuch({ told }) {
  const { edges, leads } = told;
  const names = [`below ${edges[0]}`, ...edges.slice(1).map((edge, place) => `${edges[place]} to ${edge}`), `${edges.at(-1)} or more`];
  const most = Math.max(...leads.flatMap((lead) => lead.bins), 1);
  const bar = (side, count) => html`<td><span class="count"><i class=${side} style=${{ width: `${(100 * count) / most}%` }}></i></span> ${counted(count)}</td>`;
  return html`<div class="figure"><h3>By how much</h3>
    <p class="soft">What a side would lose, in log-odds of its own scores, if it took the other side's choice: little is nearly a tie.</p>
    <table class="counts leads"><thead><tr><th>log-odds</th><th>From</th><th>To</th></tr></thead>
      <tbody>${names.map((name, place) => html`<tr key=${name}><th scope="row">${name}</th>${bar("from", leads[0].bins[place])}${bar("to", leads[1].bins[place])}</tr>`)}</tbody>
      <tfoot><tr><th scope="row">median</th>${leads.map((lead) => html`<td>${lead.median === null ? "–" : lead.median.toFixed(2)}</td>`)}</tr>
        <tr><th scope="row">nine in ten</th>${leads.map((lead) => html`<td>${lead.ninety === null ? "–" : `${lead.ninety.toFixed(2)} or less`}</td>`)}</tr></tfoot>
    </table></div>`;
}
