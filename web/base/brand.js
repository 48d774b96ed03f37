// Whose box it is, on the pages that customers see: name, logo, colour, addresses; and the frame of those pages.
import { html, signal, effect } from "./h.js";
import { get } from "./api.js";
import { t } from "./lang.js";
import { Choices, theme } from "./shell.js";
import { Dialogs } from "./dialog.js";
import { Toasts } from "./ui.js";

export const brand = signal({ name: "" });
const night = matchMedia("(prefers-color-scheme: dark)"),
  dark = signal(night.matches);
night.addEventListener("change", (e) => {
  dark.value = e.matches;
});

const parts = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
const light = (rgb) =>
  rgb
    .map((c) => ((c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
const contrast = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
/** The colour itself where it reads on the ground, else a lighter or darker one that does. */
function readable(rgb, ground, towards) {
  for (let i = 0; i < 20 && contrast(light(rgb), light(ground)) < 5.2; i++)
    rgb = rgb.map((c) => Math.round(c + (towards - c) * 0.12));
  return rgb;
}
effect(() => {
  const { color, on_color: on } = brand.value,
    style = document.documentElement.style;
  if (!/^#[0-9a-f]{6}$/i.test(color || "")) return;
  const isDark = theme.value === "dark" || (theme.value === "system" && dark.value);
  const rgb = readable(parts(color), isDark ? [33, 35, 39] : [247, 247, 246], isDark ? 255 : 0);
  style.setProperty("--accent", `rgb(${rgb})`);
  style.setProperty("--brand", color);
  style.setProperty("--on-brand", on || "#fff");
  style.setProperty("--busy", `rgb(${rgb})`);
  style.setProperty("--accent-soft", `rgb(${rgb} / .12)`);
  style.setProperty("--on-accent", contrast(light(rgb), 1) >= 4.5 ? "#fff" : "#10131c");
});

export const readBrand = () =>
  get("/api/brand").then(
    (b) => {
      brand.value = b;
    },
    () => {},
  );

const Sign = ({ home }) =>
  html`<a class="brand" href=${home}>${
    brand.value.logo
      ? html`<img src=${brand.value.logo.url} alt=${brand.value.name} height="32"/>`
      : brand.value.name
  }</a>`;

/** <Front home acts>…</Front>: the frame of a page that customers see. */
export function Front({ home = "/", acts, kind = "", children }) {
  const b = brand.value;
  const links = [
    ["front.help", b.support_url],
    ["front.write", b.support_email && "mailto:" + b.support_email],
    ["front.imprint", b.imprint_url],
    ["front.privacy", b.privacy_url],
    ["front.terms", b.terms_url],
  ].filter(([, to]) => to);
  return html`<a class="skip" href="#main">${t("base.skip")}</a>
    <header class="top"><${Sign} home=${home}/><span class="grow"></span>${acts}<${Choices}/></header>
    <main id="main" tabindex="-1" class=${"front " + kind}>${children}</main>
    ${links.length > 0 && html`<footer class="foot">${links.map(([key, to]) => html`<a href=${to} rel="noreferrer">${t(key)}</a>`)}</footer>`}
    <${Toasts}/><${Dialogs}/>`;
}
