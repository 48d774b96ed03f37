// Texts in English, Spanish and German. web/lang/LANG/AREA.js holds those of one area: t("area.key", {n: 3}).
// A text is a string with {names}, or {one, other} chosen by the plural rules of n.
import { signal } from "./h.js";

export const languages = { en: "English", es: "Español", de: "Deutsch" };
const first = () => {
  const wanted = [localStorage.getItem("sett.lang"), ...navigator.languages.map((l) => l.slice(0, 2)), "en"];
  return wanted.find((l) => languages[l]);
};
export const lang = signal(first());
document.documentElement.lang = lang.value;

const texts = {}; // area → texts, in the language that is shown
const read = signal(0);

/** texts of areas, to be awaited before what uses them is shown. */
export async function needTexts(...areas) {
  const missing = areas.filter((a) => !texts[a]);
  const got = await Promise.all(missing.map((a) => import(`../lang/${lang.value}/${a}.js`)));
  missing.forEach((a, i) => (texts[a] = got[i].default));
  if (missing.length) read.value++;
}

/** Another language: all that was loaded is loaded again. */
export async function setLang(to) {
  localStorage.setItem("sett.lang", to);
  const areas = Object.keys(texts);
  const got = await Promise.all(areas.map((a) => import(`../lang/${to}/${a}.js`)));
  areas.forEach((a, i) => (texts[a] = got[i].default));
  document.documentElement.lang = to;
  lang.value = to;
  read.value++;
}

const find = (key) => {
  const dot = key.indexOf(".");
  return texts[key.slice(0, dot)]?.[key.slice(dot + 1)];
};

/** t(key, values): the text; the key itself if there is none, which a test of the languages finds. */
export function t(key, values) {
  read.value;
  let text = find(key);
  if (text && typeof text === "object")
    text = text[new Intl.PluralRules(lang.value).select(values?.n ?? 0)] ?? text.other;
  if (text === undefined) return key;
  return values
    ? text.replace(/\{(\w+)\}/g, (all, name) => {
        const v = values[name];
        return v === undefined || v === null ? all : typeof v === "number" ? v.toLocaleString(lang.value) : v;
      })
    : text;
}

/** word(group, value): the text of an API's word, as "base.state.active"; the word itself if it has none. */
export const word = (group, value) => {
  if (!value) return "–";
  const key = `${group}.${value}`,
    said = t(key);
  return said === key ? String(value).replaceAll("_", " ") : said;
};
