// Numbers, times, sizes and money as people of the language write them.
import { html, signal } from "./h.js";
import { lang } from "./lang.js";

const tick = signal(Date.now());
setInterval(() => {
  if (!document.hidden) tick.value = Date.now();
}, 10000);

const made = new Map(); // formatters are costly to make
const format = (kind, options) => {
  const key = lang.value + kind.name + JSON.stringify(options);
  if (!made.has(key)) made.set(key, new kind(lang.value, options));
  return made.get(key);
};

export const number = (n, options = {}) =>
  n === null || n === undefined ? "–" : format(Intl.NumberFormat, options).format(n);
export const percent = (part) => number(part, { style: "percent", maximumFractionDigits: 1 });

/** money(1900, "eur"): minor units of Stripe's; currencies without them are known to Intl. */
export function money(minor, currency) {
  if (minor === null || minor === undefined || !currency) return "–";
  const f = format(Intl.NumberFormat, { style: "currency", currency: currency.toUpperCase() });
  return f.format(minor / 10 ** f.resolvedOptions().maximumFractionDigits);
}

/** bytes(n): 1.5 GiB. */
export function bytes(n) {
  if (n === null || n === undefined) return "–";
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let i = 0;
  for (; n >= 1024 && i < units.length - 1; i++) n /= 1024;
  return `${number(n, { maximumFractionDigits: n < 10 && i ? 1 : 0 })} ${units[i]}`;
}

const time = (at) => (typeof at === "number" ? at : Date.parse(at));
export const exact = (at) =>
  format(Intl.DateTimeFormat, { dateStyle: "medium", timeStyle: "medium" }).format(time(at));
export const day = (at) => format(Intl.DateTimeFormat, { dateStyle: "medium" }).format(time(at));
export const clock = (at) =>
  format(Intl.DateTimeFormat, { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(time(at));

const steps = [
  ["year", 31536000],
  ["month", 2592000],
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];
/** ago(at): "3 minutes ago", "in 2 days". */
export function ago(at, now = Date.now()) {
  const s = (time(at) - now) / 1000;
  const [unit, size] = steps.find(([, size]) => Math.abs(s) >= size) || steps.at(-1);
  return format(Intl.RelativeTimeFormat, { numeric: "auto" }).format(Math.round(s / size) || 0, unit);
}

/** took(ms): 12 ms, 3.4 s, 2 min. */
export function took(ms) {
  if (ms === null || ms === undefined || Number.isNaN(ms)) return "–";
  const unit = (n, name) =>
    number(n, { style: "unit", unit: name, unitDisplay: "short", maximumFractionDigits: n < 10 ? 1 : 0 });
  if (ms < 1000) return unit(Math.round(ms), "millisecond");
  if (ms < 120000) return unit(ms / 1000, "second");
  return ms < 7200000
    ? unit(ms / 60000, "minute")
    : ms < 172800000
      ? unit(ms / 3600000, "hour")
      : unit(ms / 86400000, "day");
}

/** <${Time} at=${…}/>: relative, the exact time on hover and for screen readers; goes on by itself. */
export function Time({ at, never = "–" }) {
  if (!at) return html`<span class="quiet">${never}</span>`;
  return html`<time datetime=${new Date(time(at)).toISOString()} title=${exact(at)}>${tick.value && ago(at)}</time>`;
}
