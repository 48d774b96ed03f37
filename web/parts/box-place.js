// A box that finds itself on a machine it does not know: what it may be, and the word that lets it go on.
import { html } from "../base/h.js";
import { get, may, send } from "../base/api.js";
import { t } from "../base/lang.js";
import { useLive } from "../base/live.js";
import { Button, Card, Code, useLoad } from "../base/ui.js";
import { confirm } from "../base/dialog.js";

const moved = (again) =>
  confirm({
    title: t("system.place_moved"),
    body: html`<p>${t("system.place_moved_sure")}</p>`,
    name: "moved",
    command: "sett box identify moved",
    run: () => send("POST", "/api/box/identify", { as: "moved" }).then(() => again()),
  });

export function BoxPlace() {
  const { data: box, again } = useLoad(() => get("/api/box"), []);
  useLive(["box"], again);
  if (box?.place !== "copied") return null;
  return html`<${Card} title=${t("system.place")}><p>${t("system.place_text", { host: box.host || "–" })}</p>
    <h3>${t("system.place_moved")}</h3><p>${t("system.place_moved_text")}</p>
    ${may("admin") && html`<div class="acts"><${Button} kind="danger" icon="log-in" onClick=${() => moved(again)}>${t("system.place_moved")}<//></div>`}
    <h3>${t("system.place_second")}</h3><p>${t("system.place_second_text")}</p><${Code} block>sett box identify second<//><//>`;
}
