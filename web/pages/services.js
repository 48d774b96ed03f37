// What a customer has: a card each.
import { html, useEffect } from "../base/h.js";
import { get } from "../base/api.js";
import { t } from "../base/lang.js";
import { useLive } from "../base/live.js";
import { Empty, LinkButton, Loading, State, Trouble, useLoad } from "../base/ui.js";
import { brand } from "../base/brand.js";

export const short = (url) => url.replace(/^https?:\/\/|\/$/g, "");

export default function Services() {
  const { data, problem, again } = useLoad(() => get("/api/tenants", { limit: 100 }), []);
  useLive(["tenant"], again);
  useEffect(() => {
    document.title = `${t("front.portal")} · ${brand.value.name}`;
  }, []);
  if (!data) return problem ? html`<${Trouble} of=${problem} again=${again}/>` : html`<${Loading}/>`;
  return html`<h1 tabindex="-1">${t("front.portal")}</h1>
    ${
      data.data.length
        ? html`<div class="services">${data.data.map(
            (s) => html`<a key=${s.id} class="card service" href=${"/portal/" + s.id}>
      <h2>${s.name}</h2><span class="quiet">${s.url && short(s.url)}</span><span class="acts"><${State} of=${s.state}/>${s.state === "active" && html`<${State} of=${s.health} group="base.health"/>`}</span></a>`,
          )}</div>`
        : html`<${Empty} icon="package" title=${t("services.none")} act=${html`<${LinkButton} kind="primary" href="/">${t("services.order")}<//>`}>${t("services.none_help")}<//>`
    }`;
}
