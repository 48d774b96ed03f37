// The admin: who is signed in sees its pages, who is not the way in.
import { html, render, effect, signal } from "../base/h.js";
import { bare, placed } from "../base/place.js";
import { get, may, me, whoami } from "../base/api.js";
import { lang, needTexts, t } from "../base/lang.js";
import { start, path, go, query } from "../base/route.js";
import { startLive, stopLive } from "../base/live.js";
import { startKeys } from "../base/palette.js";
import { Outlet, Shell } from "../base/shell.js";
import { Dialogs } from "../base/dialog.js";
import { Toasts, Trouble } from "../base/ui.js";
import { pages } from "../base/pages.js";

// Pages for those who are not signed in.
const open = [
  { name: "sign_in", file: "sign-in", path: "/admin/sign-in", role: "public" },
  ...["accept", "reset", "forgotten"].map((name) => ({
    name,
    file: "way-in",
    path: "/admin/" + name,
    role: "public",
  })),
];
const files = (name) => `../pages/${name}.js`;
const known = signal(false),
  trouble = signal(null);
// Who must choose a password or set up a second factor first stays at the way in, which asks for it.
const inside = () => me.value && !me.value.user?.password_once && me.value.second_factor !== "enrol";

// A new box says so to its admin, until it is set up: asked once, and again only while it is new.
const fresh = signal(null),
  copied = signal(false); // and one on a machine that it does not know says so to everybody, until it has a word
let came = false; // just signed in, with no page in mind: a new box begins with its setup
const askFresh = () =>
  get("/api/setup").then(
    (a) => {
      fresh.value = a.needed;
      copied.value = a.copied;
      if (a.needed && came && path.value === "/admin") go("/admin/setup", { replace: true });
      came = false;
    },
    () => {},
  );
const Note = () =>
  copied.value
    ? html`<p class="note warn row">${t("base.copied_note")} <a href="/admin/system">${t("base.copied_do")}</a></p>`
    : fresh.value &&
  may("admin") &&
  path.value !== "/admin/setup" &&
  html`<p class="note row new-box">${t("base.set_up_note")} <a href="/admin/setup">${t("base.set_up")}</a></p>`;

function App() {
  lang.value;
  if (!known.value) return html`<main class="narrow"><${Trouble} of=${trouble.value} again=${begin}/></main>`;
  if (open.some((p) => p.path === path.value) || !inside())
    return html`<${Outlet} pages=${open} files=${files}/><${Toasts}/><${Dialogs}/>`;
  return html`<${Shell} pages=${pages} files=${files} note=${html`<${Note}/>`}/>`;
}

async function begin() {
  try {
    await Promise.all([needTexts("base"), whoami()]);
    known.value = true;
  } catch (p) {
    await needTexts("base").catch(() => {});
    trouble.value = p;
  }
}

start((to) => to === "/admin" || to.startsWith("/admin/"));
effect(() => {
  // in comes who is nobody, and back to where they wanted to go
  if (!known.value) return;
  if (me.value?.role === "customer") return location.replace(placed("/portal"));
  const way = path.value === "/admin/sign-in";
  if (!inside() && !open.some((p) => p.path === path.value))
    go("/admin/sign-in?to=" + encodeURIComponent(bare(location.pathname) + location.search), { replace: true });
  else if (inside() && way) {
    came = true;
    go(/^\/admin(\/|$|\?)/.test(query.value.to || "") ? query.value.to : "/admin", { replace: true });
  }
  if (inside()) startLive();
  else stopLive();
  if (inside() && path.value && (fresh.peek() !== false || copied.peek())) askFresh();
});
startKeys();
begin();
render(html`<${App}/>`, document.getElementById("app"));
