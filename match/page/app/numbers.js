// Numbers as the page writes them.

export const signed = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;
export const percent = (value, digits = 1) => `${(100 * value).toFixed(digits)} %`;
export const counted = (value) => value.toLocaleString("en");
export const plural = (count, one, many = `${one}s`) => `${counted(count)} ${count === 1 ? one : many}`;

// A date and a time where the viewer is. iso: with its zone.
export function dated(iso) {
  const when = new Date(iso); // Swedes write the date as ISO has it
  return `${when.toLocaleDateString("sv")} ${when.toLocaleTimeString("sv", { hour: "2-digit", minute: "2-digit" })}`;
}

// The same, of today the time alone.
export function moment(iso) {
  const [date, time] = dated(iso).split(" ");
  return date === new Date().toLocaleDateString("sv") ? time : `${date} ${time}`;
}
