// Ctrl+K finds pages, acts and objects; single keys are shortcuts, which can be switched off (WCAG 2.1.4).
import { html, useEffect, useRef, useState } from "./h.js";
import { get, may } from "./api.js";
import { t, word, needTexts } from "./lang.js";
import { go } from "./route.js";
import { Icon } from "./ui.js";
import { Dialog, show } from "./dialog.js";
import { pages, acts } from "./pages.js";

const title = (p) => t("base.page." + p.name);
const flat = (s) => s.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "");

const having = (rows, text) => {
  const words = flat(text).split(/\s+/).filter(Boolean);
  return rows.filter((o) => words.every((w) => flat(o.label).includes(w)));
};
function found(text) {
  const own = [
    ...pages
      .filter((p) => p.group && may(p.role))
      .map((p) => ({ icon: p.icon, label: title(p), act: () => go(p.path) })),
    ...acts
      .filter((a) => may(a.role))
      .map((a) => ({ icon: a.icon || "zap", label: t(a.label), act: () => go(a.path) })),
  ];
  return having(own, text);
}

const icons = {
  tenant: "boxes",
  tunnel: "route",
  domain: "globe",
  customer: "users",
  job: "list-checks",
  snapshot: "archive",
  subscription: "receipt-text",
  plan: "credit-card",
  user: "shield-check",
};
/** What the box found: what it is called, what kind of thing it is, and what is known of it besides. */
const asRow = (o) => ({
  icon: icons[o.object] || "box",
  label: o.object === "job" ? word("base.saga", o.title.replace(".", "_")) : o.title,
  kind: word("base.kind", o.object),
  note: [
    o.detail !== o.title && o.detail,
    o.state &&
      word(o.object === "job" ? "base.job" : o.object === "user" ? "base.role" : "base.state", o.state),
  ]
    .filter(Boolean)
    .join(" · "),
  of: o.object === "tenant" && may("operator") ? o : null,
  act: () => {
    remember(o);
    go(o.page);
  },
});

/** What can be done with a tenant that was found: its acts, and the parts of its page. */
async function actsOf(o) {
  const [parts, r] = await Promise.all([
    import("../parts/tenant-acts.js"),
    get("/api/tenants/" + o.id),
    needTexts("tenants", "tenant"),
  ]);
  const running = r.state === "active" || r.state === "past_due";
  return [
    ...["logs", "health", "domains", "snapshots", "history"].map((tab) => ({
      icon: "arrow-right",
      label: t("tenant.tab." + tab),
      act: () => go(`${o.page}?tab=${tab}`),
    })),
    ...(r.state === "deleted"
      ? []
      : [
          running && { icon: "rotate-cw", label: t("tenants.act.restart"), act: () => parts.restart(r) },
          ...parts.menu(r),
        ]),
  ]
    .filter(Boolean)
    .map((a) => ({ ...a, kind: r.name }));
}
// What was opened last from here comes first while nothing is typed yet; kept by the browser.
const recent = () => {
  try {
    return JSON.parse(localStorage.getItem("sett.recent")) || [];
  } catch {
    return [];
  }
};
const remember = (o) =>
  localStorage.setItem(
    "sett.recent",
    JSON.stringify([{ ...o, state: "" }, ...recent().filter((r) => r.page !== o.page)].slice(0, 5)),
  );

let up = false;
export function openPalette() {
  if (up) return;
  up = true;
  show(({ close }) => {
    const [text, setText] = useState(""),
      [objects, setObjects] = useState([]),
      [at, setAt] = useState(0),
      [inside, setInside] = useState(null),
      list = useRef();
    useEffect(() => {
      setAt(0);
      if (inside || !/^#?\d|../.test(text.trim())) return setObjects([]);
      const stop = new AbortController();
      const wait = setTimeout(
        () =>
          get("/api/search", { q: text.trim() }, stop.signal).then(
            (a) => setObjects(a.data.map(asRow)),
            () => {},
          ),
        120,
      );
      return () => {
        clearTimeout(wait);
        stop.abort();
      };
    }, [text, inside]);
    const all = inside
      ? having(inside.acts, text)
      : [...(text.trim() ? [] : recent().map(asRow)), ...found(text), ...objects].slice(0, 40);
    const take = (o) => {
      close();
      o.act();
    };
    const enter = (o) =>
      actsOf(o).then(
        (acts) => {
          setInside({ of: o, acts });
          setText("");
        },
        () => {},
      );
    const keys = (e) => {
      if (e.key === "ArrowDown" || e.key === "ArrowUp") {
        const n = (at + (e.key === "ArrowDown" ? 1 : -1) + all.length) % (all.length || 1);
        setAt(n);
        list.current.children[n]?.scrollIntoView({ block: "nearest" });
      } else if (e.key === "Enter" && all[at]) take(all[at]);
      else if (e.key === "Tab" && !e.shiftKey && all[at]?.of) enter(all[at].of);
      else if (e.key === "Backspace" && inside && !text) setInside(null);
      else return;
      e.preventDefault();
    };
    return html`<${Dialog} title=${t("base.palette")} close=${close} kind="palette">
      <input class="palette-input" role="combobox" aria-expanded="true" aria-controls="palette-list" aria-activedescendant=${all[at] ? "pal-" + at : null} aria-label=${t("base.palette")}
        placeholder=${inside ? inside.of.title : t("base.palette_hint")} value=${text} onInput=${(e) => setText(e.target.value)} onKeyDown=${keys} autofocus autocomplete="off"/>
      <ul id="palette-list" role="listbox" aria-label=${t("base.palette")} ref=${list}>${all.map(
        (
          o,
          i,
        ) => html`<li id=${"pal-" + i} role="option" aria-selected=${i === at} onPointerMove=${() => setAt(i)} onPointerDown=${(
          e,
        ) => {
          e.preventDefault();
          take(o);
        }}>
        <${Icon} name=${o.icon}/><span>${o.label}</span>${o.note && html`<span class="quiet note-of">${o.note}</span>`}<span class="grow"></span>${o.of && i === at && html`<small class="quiet hint"><kbd>Tab</kbd> ${t("base.palette_acts")}</small>`}${o.kind && html`<small class="quiet">${o.kind}</small>`}</li>`,
      )}</ul>
      ${all.length === 0 && html`<p class="none">${t("base.no_match")}</p>`}<//>`;
  }).then(() => {
    up = false;
  });
}

const keysOff = () => localStorage.getItem("sett.keys") === "off";
const shortcuts = () => [
  ["Ctrl K", t("base.palette")],
  ["Ctrl K Tab", t("base.key_acts")],
  ["/", t("base.search")],
  ["?", t("base.shortcuts")],
  ["j k", t("base.key_rows")],
  ["Esc", t("base.close")],
  ...pages.filter((p) => p.key && may(p.role)).map((p) => ["g " + p.key, title(p)]),
];
export const openShortcuts = () =>
  show(({ close }) => {
    const [off, setOff] = useState(keysOff());
    return html`<${Dialog} title=${t("base.shortcuts")} close=${close}><dl class="keys">${shortcuts().map(([k, what]) => html`<div><dt>${k.split(" ").map((x) => html`<kbd>${x}</kbd> `)}</dt><dd>${what}</dd></div>`)}</dl>
    <label class="field check"><input type="checkbox" checked=${!off} onChange=${(e) => {
      localStorage.setItem("sett.keys", e.target.checked ? "on" : "off");
      setOff(!e.target.checked);
    }}/> <span>${t("base.keys_on")}</span></label><//>`;
  });

/** startKeys(): listen for shortcuts of the whole admin. */
export function startKeys() {
  let g = 0;
  addEventListener("keydown", (e) => {
    if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === "k") {
      e.preventDefault();
      return openPalette();
    }
    if (
      e.ctrlKey ||
      e.metaKey ||
      e.altKey ||
      keysOff() ||
      e.defaultPrevented ||
      e.target.closest?.("input,select,textarea,[contenteditable],dialog")
    )
      return;
    if (g && Date.now() - g < 1500) {
      g = 0;
      const p = pages.find((x) => x.key === e.key && may(x.role));
      if (p) {
        e.preventDefault();
        go(p.path);
      }
    } else if (e.key === "g") g = Date.now();
    else if (e.key === "/") {
      const s = document.querySelector("[data-search]");
      if (s) {
        e.preventDefault();
        s.focus();
      }
    } else if (e.key === "?") {
      e.preventDefault();
      openShortcuts();
    }
  });
}
