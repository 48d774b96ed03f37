// Settings: what can be set, what holds and who said so; providers with a try of each; secrets that go in and
// never come out.
import { html, useEffect, useState } from "../base/h.js";
import { get, send } from "../base/api.js";
import { needTexts, t, word } from "../base/lang.js";
import { number, Time, took } from "../base/say.js";
import { setQuery } from "../base/route.js";
import {
  Button,
  Card,
  Code,
  Facts,
  Icon,
  Loading,
  Page,
  State,
  Tabs,
  toast,
  Trouble,
  useLoad,
} from "../base/ui.js";
import { confirm, Dialog, show } from "../base/dialog.js";
import { asCommand, Form } from "../base/form.js";
import { Search } from "../base/table.js";
import { useLive } from "../base/live.js";
import { Brand } from "./settings-brand.js";
import { Channels } from "./settings-channels.js";

const tabs = {
  box: ["box", "other"],
  brand: [],
  providers: ["stripe", "cloudflare", "turn", "proxmox", "database"],
  mail: ["mail"],
  notify: ["alerts"],
  tenants: ["tenants", "ingress"],
  snapshots: ["snapshots"],
  health: ["health"],
  limits: ["limits", "sign_in", "engine"],
};
const help = (s) => {
  const key = "settings-help." + s.name,
    said = t(key);
  return said === key ? s.help : said;
};
const tests = {
  stripe: ["POST", "/api/stripe/test"],
  cloudflare: ["POST", "/api/cloudflare/test"],
  database: ["POST", "/api/database/test"],
  proxmox: ["GET", "/api/proxmox"],
};

/** One setting: saved at once where it is a choice, else with its button; what it was can be had back. */
function Setting({ of: s, again }) {
  const [value, set] = useState(s.value),
    [problem, setProblem] = useState(null),
    [busy, setBusy] = useState(false);
  useEffect(() => set(s.value), [s.value]);
  const path = "/api/settings/" + s.name,
    id = "s-" + s.name,
    former = s.origin === "store" ? s.value : "";
  const put = (v) => send("PUT", path, { value: v }).then(again);
  const save = async (v) => {
    setBusy(true);
    setProblem(null);
    try {
      await put(String(v));
      toast(t("settings.saved", { name: s.name }), {
        kind: "good",
        undo: () => put(former).catch((p) => toast(p.message, { kind: "bad" })),
      });
    } catch (p) {
      setProblem(p);
    }
    setBusy(false);
  };
  const about = {
    id,
    disabled: s.fixed || busy,
    "aria-describedby": id + "-help",
    "aria-invalid": problem ? "true" : null,
  };
  const input =
    s.type === "flag"
      ? html`<input type="checkbox" ...${about} checked=${value === "true"} onChange=${(e) => save(e.target.checked)}/>`
      : s.type === "choice"
        ? html`<select ...${about} onChange=${(e) => save(e.target.value)}>${s.choices.map((c) => html`<option value=${c} selected=${c === value}>${c}</option>`)}</select>`
        : html`<input ...${about} type=${s.type === "number" ? "number" : "text"} min=${s.min} max=${s.max} value=${value} placeholder=${s.default} spellcheck=${false} autocomplete="off" onInput=${(e) => set(e.target.value)}/>`;
  const changed = (s.type === "text" || s.type === "number") && value !== s.value;
  return html`<li class="setting"><div class="grow"><label for=${id}><code>${s.name}</code></label><small class="quiet" id=${id + "-help"}>${help(s)}</small></div>
    <form class="row" onSubmit=${(e) => {
      e.preventDefault();
      if (changed) save(value);
    }}>${input}${s.unit && html`<span class="quiet">${word("settings.unit", s.unit)}</span>`}
      ${changed && html`<${Button} type="submit" kind="primary" busy=${busy}>${t("base.save")}<//>`}</form>
    <div class="setting-from"><span class="quiet">${s.fixed ? t("settings.fixed") : s.origin === "store" ? html`${t("settings.from_store", { actor: s.actor })} <${Time} at=${s.updated_at}/>` : t("settings.from_" + s.origin)}</span>
      ${s.origin === "store" && !s.fixed && html`<${Button} kind="quiet" icon="undo-2" label=${t("settings.reset", { name: s.name, value: s.default || "–" })} onClick=${() => save("")}/>`}</div>
    ${problem && html`<p class="bad" role="alert">${problem.of("value") || problem.message}</p>`}
    ${changed && html`<p><${Code}>${asCommand("setting.set", { value }, { id: s.name })}<//>${s.type === "number" && html` <span class="quiet">${t("settings.range", { min: s.min, max: s.max })}</span>`}</p>`}</li>`;
}

const setSecret = (s, again) =>
  show(
    ({
      close,
    }) => html`<${Dialog} title=${s.name} close=${close}><p class="quiet">${help(s)}</p><p>${t("settings.write_only")}</p>
  <${Form} op="secret.set" id=${s.name} method="PUT" path=${"/api/secrets/" + s.name} submit=${t("base.save")} cancel=${close}
    fields=${[{ name: "value", label: t("settings.secret"), type: "password", required: true, autocomplete: "off", autofocus: true, wide: true }]} done=${() => {
      close();
      again();
    }}/><//>`,
  );
const dropSecret = (s, again) =>
  confirm({
    title: t("settings.remove", { name: s.name }),
    name: s.name,
    command: `sett secret set ${s.name}`,
    run: () => send("PUT", "/api/secrets/" + s.name, { value: "" }).then(again),
  });
const Secret = ({
  of: s,
  again,
}) => html`<li class="setting"><div class="grow"><b><code>${s.name}</code></b><small class="quiet">${help(s)}</small></div>
  <div class="row"><${State} of=${s.set ? "set" : "unset"} look=${s.set ? "good" : ""} group="settings.secret_is"/>${s.set && html`<span class="quiet"><${Time} at=${s.updated_at}/></span>`}</div>
  <div class="acts"><${Button} icon="key-round" onClick=${() => setSecret(s, again)}>${t(s.set ? "settings.replace" : "settings.set")}<//>
    ${s.set && html`<${Button} kind="quiet" icon="trash-2" label=${t("settings.remove", { name: s.name })} onClick=${() => dropSecret(s, again)}/>`}</div></li>`;

/** What a provider lets us do, found by reading alone. */
function Trial({ of: name }) {
  const [said, set] = useState(null),
    [problem, setProblem] = useState(null),
    [busy, setBusy] = useState(false),
    [method, path] = tests[name];
  const run = async () => {
    setBusy(true);
    setProblem(null);
    try {
      set(await send(method, path, method === "GET" ? undefined : {}));
    } catch (p) {
      set(null);
      setProblem(p);
    }
    setBusy(false);
  };
  const checks =
    said?.checks ||
    said?.problems?.map((p) => ({ ok: false, needed: true, what: p.what, fix: p.remedy })) ||
    [];
  const facts =
    said?.facts ||
    (said
      ? ["version", "token", "storage", "containers"].map((n) => ({ name: n, value: String(said[n]) }))
      : []);
  const fine = said && (said.fine ?? said.ok);
  return html`<div class="stack tight"><div class="row"><${Button} icon="test-tube" busy=${busy} onClick=${run}>${t("settings.test")}<//><${Code}>${method === "GET" ? "sett proxmox check" : `sett ${name} test`}<//></div>
    <div aria-live="polite" class="stack trial">${problem && html`<${Trouble} of=${problem}/>`}
      ${
        said &&
        html`<p><${State} of=${fine ? "fine" : "missing"} look=${fine ? "good" : "bad"} group="settings.trial"/> <span class="quiet">${said.took_ms !== undefined && took(said.took_ms)}</span></p>
        <${Facts} of=${facts.map((f) => [word("settings.fact", f.name), f.value])}/>
        <ul class="rows">${checks.map(
          (
            c,
          ) => html`<li class="finding"><${State} of=${c.ok ? "ok" : c.needed ? "bad" : "of_use"} look=${c.ok ? "good" : c.needed ? "bad" : "warn"} group="settings.trial"/>
          <div class="grow">${c.what}${c.fix && html`<p class="quiet"><${Icon} name="wrench"/> ${c.fix}</p>`}</div></li>`,
        )}</ul>`
      }</div></div>`;
}

const TestMail =
  () => html`<${Card} title=${t("settings.test_mail")}><p class="quiet">${t("settings.test_mail_help")}</p>
  <${Form} op="mail.test" path="/api/mails/test" submit=${t("settings.send")} fields=${[{ name: "to", label: t("settings.to"), type: "email", required: true }]}
    done=${(a) => toast(t("settings.sent", { to: a.target, answer: a.answer }), { kind: "good" })}/><//>`;

/** Everything of one group: its settings, its secrets, its test. */
const Group = ({ of: g, settings, secrets, again }) =>
  (settings.length > 0 || secrets.length > 0) &&
  html`<${Card} title=${t("settings.group." + g)} id=${g}>
  ${tests[g] && html`<${Trial} of=${g}/>`}
  <ul class="rows">${secrets.map((s) => html`<${Secret} key=${s.name} of=${s} again=${again}/>`)}${settings.map((s) => html`<${Setting} key=${s.name} of=${s} again=${again}/>`)}</ul><//>`;

export default function Settings({ query }) {
  const { data, problem, again } = useLoad(
    () =>
      Promise.all([get("/api/settings"), get("/api/secrets"), needTexts("settings-help")]).then(([a, b]) => ({
        settings: a.data,
        secrets: b.data,
      })),
    [],
  );
  useLive(["setting", "secret"], again);
  const q = (query.q || "").toLowerCase(),
    tab = tabs[query.tab] ? query.tab : "box",
    found = (s) => !q || `${s.name} ${help(s)}`.toLowerCase().includes(q);
  const groups = q ? [...new Set(Object.values(tabs).flat()), "brand"] : tabs[tab];
  const of = (list, g) => list.filter((s) => s.group === g && found(s));
  const set = data?.settings.filter((s) => s.origin === "store" && !s.fixed).length;
  return html`<${Page} title=${t("base.page.settings")} lead=${data && t("settings.lead", { n: data.settings.length, set: number(set) })}>
    <div class="tools"><${Search} value=${query.q} change=${(v) => setQuery({ q: v })} label=${t("settings.search")}/></div>
    ${!q && html`<${Tabs} tabs=${Object.keys(tabs).map((id) => [id, t("settings.tab." + id)])} at=${tab} href=${(id) => "/admin/settings" + (id === "box" ? "" : "?tab=" + id)}/>`}
    <${Trouble} of=${problem} again=${again}/>
    ${!q && tab === "brand" && html`<${Brand}/>`}${!q && tab === "mail" && html`<${TestMail}/>`}${!q && tab === "notify" && html`<${Channels}/>`}
    ${data ? groups.map((g) => html`<${Group} key=${g} of=${g} settings=${of(data.settings, g)} secrets=${of(data.secrets, g)} again=${again}/>`) : !problem && html`<${Loading}/>`}
    ${data && q && !data.settings.some(found) && !data.secrets.some(found) && html`<p class="none">${t("base.no_match")}</p>`}<//>`;
}
