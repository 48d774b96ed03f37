// What stands around every page: navigation, search, language, theme, who is signed in, and whether the
// box answers. shell(pages, …) is also the portal's.
import { html, signal, useEffect, useErrorBoundary, useState } from "./h.js";
import { get, me, may, online, send } from "./api.js";
import { lang, languages, needTexts, setLang, t, word } from "./lang.js";
import { path, query, match } from "./route.js";
import { stream, stopLive } from "./live.js";
import { Icon, Loading, Menu, Toasts, Trouble } from "./ui.js";
import { Dialogs } from "./dialog.js";
import { openPalette, openShortcuts } from "./palette.js";

export const theme = signal(localStorage.getItem("sett.theme") || "system");
function setTheme(to) {
  theme.value = to;
  if (to === "system") {
    localStorage.removeItem("sett.theme");
    delete document.documentElement.dataset.theme;
  } else {
    localStorage.setItem("sett.theme", to);
    document.documentElement.dataset.theme = to;
  }
}
export async function signOut() {
  await send("POST", "/api/auth/logout").catch(() => {});
  stopLive();
  me.value = null;
}

const groups = ["sell", "ways", "work", "box"];
function Navigation({ pages, close }) {
  const at = path.value;
  const here = (p) => at === p.path || (p.path !== "/admin" && at.startsWith(p.path + "/"));
  return html`<nav id="nav" aria-label=${t("base.navigation")} onClick=${(e) => e.target.closest("a") && close()}>${groups.map(
    (g) => {
      const own = pages.filter((p) => p.group === g && may(p.role));
      return (
        own.length > 0 &&
        html`<div key=${g}><h2>${t("base.group." + g)}</h2><ul>${own.map(
          (p) => html`
      <li key=${p.name}><a href=${p.path} aria-current=${here(p) ? "page" : null}><${Icon} name=${p.icon}/>${t("base.page." + p.name)}</a></li>`,
        )}</ul></div>`
      );
    },
  )}</nav>`;
}

export const Choices = () => html`
  <${Menu} icon="languages" label=${t("base.language")} items=${Object.entries(languages).map(([id, label]) => ({ label, checked: lang.value === id, act: () => setLang(id) }))}/>
  <${Menu} icon=${{ light: "sun", dark: "moon", system: "monitor" }[theme.value]} label=${t("base.theme")}
    items=${[
      ["light", "sun"],
      ["dark", "moon"],
      ["system", "monitor"],
    ].map(([id, icon]) => ({
      label: t("base.theme_" + id),
      icon,
      checked: theme.value === id,
      act: () => setTheme(id),
    }))}/>`;

function Connection() {
  const off = !online.value,
    polling = stream.value === "polling";
  return html`<span role="status" class="connection">${
    off
      ? html`<span class="state bad"><${Icon} name="wifi-off"/>${t("base.offline")}</span>`
      : polling
        ? html`<span class="state warn" title=${t("base.polling_help")}><${Icon} name="refresh-cw"/>${t("base.polling")}</span>`
        : ""
  }</span>`;
}

/** The page for where we are: its module and its texts are loaded when it is first shown. */
const shown = new Map(); // a page and its texts, once loaded
let first = true; // the first page takes no focus: its Tab begins at the top
export function Outlet({ pages, files, missing }) {
  const at = path.value;
  const page = pages.find((p) => match(p.path, at)),
    [, again] = useState(0),
    [failed, setFailed] = useState(null);
  const [problem, forget] = useErrorBoundary();
  useEffect(() => {
    forget();
    setFailed(null);
  }, [at]);
  useEffect(() => {
    if (!page || !may(page.role) || shown.has(page.file)) return;
    Promise.all([import(files(page.file)), needTexts(page.file)]).then(
      ([m]) => {
        shown.set(page.file, m);
        sessionStorage.removeItem("sett.anew");
        again((n) => n + 1);
      },
      (e) => {
        // The box may have been upgraded meanwhile, and its other files be called anew: then once more, from its entry.
        if (sessionStorage.getItem("sett.anew") === at) return setFailed(e);
        get("/health").then(
          () => {
            sessionStorage.setItem("sett.anew", at);
            location.reload();
          },
          () => setFailed(e),
        );
      },
    );
  }, [page?.file]);
  useEffect(() => {
    if (!page || !shown.has(page.file)) return;
    if (!first) document.querySelector("main h1")?.focus({ preventScroll: true });
    first = false;
  }, [page?.name, shown.has(page?.file)]);
  if (page && !may(page.role))
    return html`<p class="none">${t("base.not_allowed", { role: word("base.role", page.role) })}</p>`;
  if (problem || failed) return html`<${Trouble} of=${problem || failed} again=${() => location.reload()}/>`;
  if (!page) return missing;
  const m = shown.get(page.file);
  if (!m) return html`<${Loading}/>`;
  const View = m[page.name] || m.default; // a file may show more than one page: export const tenant = …
  return html`<${View} key=${page.name + JSON.stringify(match(page.path, at))} params=${match(page.path, at)} query=${query.value}/>`;
}

export function Shell({ pages, files, home = "/admin", account = "/admin/account", note, children }) {
  const [open, setOpen] = useState(false);
  return html`<a class="skip" href="#main">${t("base.skip")}</a>
    <header class="top">
      <button type="button" class="button quiet burger" aria-expanded=${open} aria-controls="nav" aria-label=${t("base.navigation")} onClick=${() => setOpen(!open)}><${Icon} name="menu"/></button>
      <a class="brand" href=${home}>sett</a>
      <button type="button" class="find" aria-label=${t("base.find") + " Ctrl K"} onClick=${openPalette}><${Icon} name="search"/><span>${t("base.find")}</span><kbd>Ctrl K</kbd></button>
      <span class="grow"></span><${Connection}/><${Choices}/>
      <${Menu} icon="user" label=${t("base.signed_in_as", { name: me.value?.user?.name || me.value?.id })} items=${[
        { label: me.value?.user?.name || me.value?.id, icon: "user", href: account },
        { label: t("base.shortcuts"), icon: "keyboard", act: openShortcuts },
        { label: t("base.api_reference"), icon: "book-open", href: "/docs" },
        { label: t("base.sign_out"), icon: "log-out", act: signOut },
      ]}/>
    </header>
    <div class=${"frame" + (open ? " open" : "")}><div class="side"><${Navigation} pages=${pages} close=${() => setOpen(false)}/></div>
      <main id="main" tabindex="-1">${note}${children || html`<${Outlet} pages=${pages} files=${files} missing=${html`<p class="none">${t("base.not_found")}</p>`}/>`}</main></div>
    <${Toasts}/><${Dialogs}/>`;
}
