// Whose box it is: name, colour, logo and addresses, with what customers will see beside them.
import { html, useState } from "../base/h.js";
import { get, send } from "../base/api.js";
import { t } from "../base/lang.js";
import { bytes } from "../base/say.js";
import { Button, Card, Loading, toast, Trouble, useLoad } from "../base/ui.js";
import { confirm } from "../base/dialog.js";
import { Form } from "../base/form.js";

const MOST = 32768;
/** Black or white, whichever has more contrast with the colour (WCAG's relative luminance). */
const onColour = (hex) => {
  const l = [1, 3, 5]
    .map((i) => parseInt(hex.slice(i, i + 2), 16) / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  return (l + 0.05) / 0.05 > 1.05 / (l + 0.05) ? "#000000" : "#ffffff";
};
const Preview = ({ of: v, logo }) => {
  const colour = /^#[0-9a-f]{6}$/i.test(v.color) ? v.color : "#3056d3";
  const links = [
    ["support_url", "help"],
    ["imprint_url", "imprint"],
    ["privacy_url", "privacy"],
    ["terms_url", "terms"],
  ].filter(([k]) => v[k]);
  return html`<figure class="preview" style=${{ borderTopColor: colour }} aria-label=${t("base.preview")}><div class="row">${logo && html`<img src=${logo.url} alt="" height="32"/>`}<b>${v.name || "sett"}</b></div>
    <p>${t("settings.sample")}</p><p><span class="button" style=${{ background: colour, borderColor: colour, color: onColour(colour) }}>${t("settings.sample_button")}</span></p>
    <p class="quiet">${v.support_email}${links.map(([, l]) => html` · ${t("settings.link." + l)}`)}</p></figure>`;
};

const Colour = ({
  value = "",
  change,
  id,
  ...about
}) => html`<span class="row" style=${{ flexWrap: "nowrap" }}><input ...${about} type="color" id=${id} class="swatch" value=${/^#[0-9a-f]{6}$/i.test(value) ? value : "#3056d3"} onInput=${(e) => change(e.target.value)}/>
  <input aria-label=${t("settings.hex")} class="mono" size="8" value=${value} maxlength="7" onInput=${(e) => change(e.target.value)}/></span>`;

function Logo({ of: logo, again }) {
  const [problem, setProblem] = useState(null),
    [busy, setBusy] = useState(false);
  const take = async (e) => {
    const file = e.target.files[0];
    e.target.value = "";
    if (!file) return;
    setProblem(null);
    if (file.size > MOST) {
      setProblem({ message: t("settings.logo_large", { most: bytes(MOST) }) });
      return;
    }
    setBusy(true);
    try {
      await send("PUT", "/api/brand/logo", {
        data: btoa(String.fromCharCode(...new Uint8Array(await file.arrayBuffer()))),
      });
      again();
    } catch (p) {
      setProblem(p);
    }
    setBusy(false);
  };
  const drop = () =>
    confirm({
      title: t("settings.logo_drop"),
      kind: "danger",
      command: "sett brand clear",
      run: () => send("DELETE", "/api/brand/logo").then(again),
    });
  return html`<div class="stack tight"><label class="field" for="logo"><span>${t("settings.logo")}</span></label>
    <input id="logo" type="file" accept=".svg,.png,image/svg+xml,image/png" disabled=${busy} onChange=${take} aria-describedby="logo-help"/><small class="quiet" id="logo-help">${t("settings.logo_help", { most: bytes(MOST) })}</small>
    ${logo && html`<div class="row"><img src=${logo.url} alt=${t("settings.logo")} height="48"/><span class="quiet">${logo.width} × ${logo.height}, ${bytes(logo.size_bytes)}</span><${Button} kind="quiet" icon="trash-2" onClick=${drop}>${t("settings.logo_drop")}<//></div>`}
    <${Trouble} of=${problem}/></div>`;
}

export function Brand() {
  const { data: b, problem, again } = useLoad(() => get("/api/brand"), []);
  if (!b) return problem ? html`<${Trouble} of=${problem} again=${again}/>` : html`<${Loading}/>`;
  const url = (name) => ({
    name,
    label: t("settings.brand." + name),
    type: "url",
    keepEmpty: true,
    placeholder: "https://",
  });
  const fields = [
    {
      name: "name",
      label: t("settings.brand.name"),
      help: t("settings.brand_name_help"),
      maxlength: 120,
      keepEmpty: true,
    },
    { name: "color", label: t("settings.brand.color"), input: Colour },
    { name: "support_email", label: t("settings.brand.support_email"), type: "email", keepEmpty: true },
    url("support_url"),
    url("imprint_url"),
    url("privacy_url"),
    url("terms_url"),
  ];
  return html`<${Card} title=${t("settings.tab.brand")}><p class="quiet">${t("settings.brand_help")}</p><${Logo} of=${b.logo} again=${again}/>
    <${Form} key=${JSON.stringify(b)} op="brand.update" method="PATCH" path="/api/brand" submit=${t("base.save")} fields=${fields} start=${b} body=${(v) => Object.fromEntries(fields.filter((f) => v[f.name] !== b[f.name]).map((f) => [f.name, v[f.name]]))} done=${() => {
      toast(t("settings.brand_saved"), { kind: "good" });
      again();
    }}>
      ${(values) => html`<${Preview} of=${values} logo=${b.logo}/>`}<//><//>`;
}
