// Numbers as the page writes them.

export const signed = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;
export const exact = (value, digits = 3) => value.toFixed(digits).replace("-", "−");
export const percent = (value, digits = 1) => `${(100 * value).toFixed(digits)} %`;
const COUNTS = new Intl.NumberFormat("en"); // made once: a number's own toLocaleString makes one each time

export const counted = (value) => COUNTS.format(value);
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
