// Rates with how sure they are, as bars on a common scale.
import { html } from "./base.js";
import { counted, percent, plural } from "./numbers.js";

// A scale for several intervals ([low, high]), with a little room at both ends: from a rate to 0..100 % of the width.
export function scaleOf(intervals) {
  const low = Math.min(...intervals.map((interval) => interval[0]));
  const high = Math.max(...intervals.map((interval) => interval[1]));
  const room = 0.06 * (high - low) || 0.01;
  return { low: Math.max(0, low - room), high: Math.min(1, high + room) };
}

const onScale = (rate, scale) => `${(100 * (rate - scale.low)) / (scale.high - scale.low || 1)}%`;

// mark: a rate to compare with, such as everyone's.
export function Interval({ mean, interval, scale, mark = null, tone = "" }) {
  const [low, high] = interval;
  const width = `${(100 * (high - low)) / (scale.high - scale.low || 1)}%`;
  return html`<div class="interval ${tone}" aria-hidden="true">
    <i class="range" style=${{ left: onScale(low, scale), width }}></i>
    ${mark !== null && html`<i class="mark" style=${{ left: onScale(mark, scale) }}></i>`}
    <i class="mean" style=${{ left: onScale(mean, scale) }}></i>
  </div>`;
}

export function ScaleEnds({ scale }) {
  return html`<div class="ends" aria-hidden="true"><span>${percent(scale.low)}</span><span>${percent(scale.high)}</span></div>`;
}

export const inPercent = ([low, high]) => `${(100 * low).toFixed(1)}–${(100 * high).toFixed(1)} %`;

export function Counts({ impressions, plays }) {
  return impressions ? html`${counted(plays)} of ${plural(impressions, "impression")} played` : html`never shown`;
}
