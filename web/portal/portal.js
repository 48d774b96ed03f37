// The customer portal: who is signed in sees their own services, who is not the way in.
import { html, render, effect, signal, Fragment } from "../base/h.js";
import { placed } from "../base/place.js";
import { hooks, me, send, whoami } from "../base/api.js";
import { lang, needTexts, t } from "../base/lang.js";
import { go, path, start } from "../base/route.js";
import { startLive, stopLive } from "../base/live.js";
import { Outlet, signOut } from "../base/shell.js";
import { Button, LinkButton, toast, Trouble } from "../base/ui.js";
import { confirm } from "../base/dialog.js";
import { brand, Front, readBrand } from "../base/brand.js";
import { invoices } from "./invoices.js";

const open = [
  { name: "enter", file: "enter", path: "/portal/enter", role: "public" },
  { name: "enter", file: "enter", path: path.value, role: "public" }, // wherever nobody wants to go, the way in comes first
];
const pages = [
  { name: "services", file: "services", path: "/portal", role: "customer" },
  { name: "account", file: "account", path: "/portal/account", role: "customer" },
  { name: "service", file: "service", path: "/portal/{id}", role: "customer" },
];
const files = (name) => `../pages/${name}.js`;
const known = signal(false),
  trouble = signal(null);

// Who signs in by links has no password that could be asked for again.
const askPassword = hooks.fresh;
hooks.fresh = async () => {
  if (me.value?.has_password !== false || me.value.has_passkey) return askPassword ? askPassword() : false;
  const sent = await confirm({
    title: t("front.fresh"),
    body: t("front.fresh_help"),
    act: t("front.fresh_send"),
    kind: "primary",
    run: () => send("POST", "/api/portal/link", { email: me.value.user.email || me.value.user.name }),
  });
  if (sent) toast(t("front.fresh_sent"));
  return false;
};
const Acts = () => html`<${Fragment}>
  ${me.value.role === "customer" && html`<${Button} kind="quiet" icon="receipt-text" label=${t("front.invoices")} onClick=${invoices}><span class="wide-only">${t("front.invoices")}</span><//>`}
  <${LinkButton} kind="quiet" icon="user" href="/portal/account" aria-label=${t("base.page.account")} title=${me.value.user?.name}/>
  <${Button} kind="quiet" icon="log-out" label=${t("base.sign_out")} onClick=${signOut}/><//>`;

function App() {
  lang.value;
  if (!known.value) return html`<main class="narrow"><${Trouble} of=${trouble.value} again=${begin}/></main>`;
  const way = !me.value || me.value.second_factor === "enrol" || path.value === "/portal/enter";
  if (way) open[1].path = path.value;
  return html`<${Front} home=${way ? "/" : "/portal"} acts=${!way && html`<${Acts}/>`}>
    <${Outlet} pages=${way ? open : pages} files=${files} missing=${html`<p class="none">${t("base.not_found")}</p>`}/><//>`;
}

async function begin() {
  try {
    await Promise.all([needTexts("base", "front"), whoami(), readBrand()]);
    known.value = true;
  } catch (p) {
    await needTexts("base").catch(() => {});
    trouble.value = p;
  }
}
start((to) => to === "/portal" || to.startsWith("/portal/"));
effect(() => {
  if (!known.value) return;
  document.title = brand.value.name;
  if (me.value && me.value.role !== "customer" && path.value === "/portal") return location.replace(placed("/admin"));
  if (me.value && path.value === "/portal/enter" && !location.hash) go("/portal", { replace: true });
  if (me.value) startLive();
  else stopLive();
});
begin();
render(html`<${App}/>`, document.getElementById("app"));
