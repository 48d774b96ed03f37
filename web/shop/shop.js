// What a buyer sees without an account: the order page, an order as it goes, first credentials.
import { html, render, signal } from "../base/h.js";
import { lang, needTexts, t } from "../base/lang.js";
import { start } from "../base/route.js";
import { Outlet } from "../base/shell.js";
import { LinkButton, Trouble } from "../base/ui.js";
import { Front, readBrand } from "../base/brand.js";

const pages = [
  { name: "order", file: "order", path: "/", role: "public" },
  { name: "followed", file: "followed", path: "/order/{id}", role: "public" },
  { name: "reveal", file: "reveal", path: "/reveal.html", role: "public" },
];
const ready = signal(false),
  trouble = signal(null);

function App() {
  lang.value;
  if (!ready.value) return html`<main class="narrow"><${Trouble} of=${trouble.value}/></main>`;
  return html`<${Front} acts=${html`<${LinkButton} kind="quiet" icon="log-in" href="/portal">${t("front.portal")}<//>`}>
    <${Outlet} pages=${pages} files=${(name) => `../pages/${name}.js`} missing=${html`<p class="none">${t("base.not_found")}</p>`}/><//>`;
}

start((to) => pages.some((p) => p.path === to) || to.startsWith("/order/"));
Promise.all([needTexts("base", "front"), readBrand()]).then(
  () => {
    ready.value = true;
  },
  (p) => {
    trouble.value = p;
  },
);
render(html`<${App}/>`, document.getElementById("app"));
