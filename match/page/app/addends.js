// Numbers that add up as they are shown.

// Whole hundredths of the parts, in their order, that add up to the rounded total: each is rounded down, and those that lose most by it
// are rounded up as often as it takes. So each is less than a hundredth off, and a part that is 0 stays 0.
export function addends(parts) {
  const exact = parts.map((part) => Number((100 * part).toFixed(4))); // 0.29 times 100 is no whole number, else
  const shown = exact.map(Math.floor);
  const total = Math.round(exact.reduce((sum, part) => sum + part, 0));
  const byLoss = exact.map((_, place) => place).sort((a, b) => exact[b] - shown[b] - (exact[a] - shown[a]));
  const missing = total - shown.reduce((sum, part) => sum + part, 0);
  for (const place of byLoss.slice(0, missing)) shown[place] += 1;
  return { parts: shown.map((part) => part / 100), total: total / 100 };
}
