// Container engines: this box's own, as it says of itself, and those of other machines that tenants may live on.
import { html } from "../base/h.js";
import { all, get, may, send } from "../base/api.js";
import { t } from "../base/lang.js";
import { useLive } from "../base/live.js";
import { Button, Card, Code, Empty, Facts, Icon, State, toast, useLoad } from "../base/ui.js";
import { bytes, number, Time, took } from "../base/say.js";
import { confirm, Dialog, show } from "../base/dialog.js";
import { Form } from "../base/form.js";

const looks = { ready: "good", away: "bad", untried: "" };
const problems = (of) =>
  of.map((p) => html`<div class="note warn"><p>${p.what}</p><p>${p.remedy || p.fix}</p></div>`);
const Key = ({ of: e }) =>
  e.public_key &&
  html`<p>${t("system.engine.let_in", { file: "~/.ssh/authorized_keys" })}</p><${Code} block>restrict,port-forwarding ${e.public_key}<//>`;

/** Asked now: who it is, what it can, or what is wrong and what to do. */
const test = (e) =>
  show(({ close }) => {
    const { data, problem, busy, again } = useLoad(() => send("POST", `/api/engines/${e.id}/test`, {}), []);
    return html`<${Dialog} title=${t("system.engine.test_of", { name: e.name })} close=${close} foot=${html`<code>sett engine test ${e.name}</code>`}>
    ${
      busy
        ? html`<p role="status"><${Icon} name="loader-circle" spin/> ${t("system.engine.testing")}</p>`
        : problem
          ? html`<div class="note warn">${problem.message} ${problem.hint}</div>`
          : html`<p><${State} of=${data.ok ? "ready" : "away"} group="system.engine" look=${data.ok ? "good" : "bad"}/> ${data.version} ${data.ok && html`<span class="quiet">${took(data.took_ms)}</span>`}</p>
      ${problems(data.problems)}${!data.ok && html`<${Key} of=${e}/>`}
      ${
        data.ok &&
        html`<${Facts} of=${[
          [t("system.engine.system"), data.system],
          [t("system.engine.storage"), data.storage],
          [t("system.engine.cpus"), number(data.cpus)],
          [t("system.memory"), bytes(data.memory_bytes)],
        ]}/>`
      }`
    }${!busy && html`<div class="acts"><${Button} icon="refresh-cw" onClick=${again}>${t("base.again")}<//></div>`}<//>`;
  });

const label = (name) => t("system.engine." + name);
const byTcp = (v) => (v.url || "").startsWith("tcp:"),
  bySsh = (v) => !byTcp(v);
const pem = (name, made, secret) => ({
  name,
  label: label(name),
  type: "textarea",
  rows: 4,
  secret,
  wide: true,
  required: !made,
  placeholder: secret ? "-----BEGIN PRIVATE KEY-----" : "-----BEGIN CERTIFICATE-----",
  help: made && label("kept"),
  when: byTcp,
});
const fields = (made) =>
  [
    !made && { name: "name", label: label("name"), required: true, pattern: "[a-z][a-z0-9\\-]*" },
    { name: "url", label: label("url"), required: true, placeholder: "ssh://user@host", help: label("url_help"), wide: true },
    { name: "host_key", label: label("host_key"), placeholder: "SHA256:…", help: label("host_key_help"), wide: true, when: bySsh },
    { name: "publish", label: label("publish"), placeholder: "10.0.0.5", help: label("publish_help"), when: byTcp },
    pem("ca", made),
    pem("cert", made),
    pem("key", made, true),
  ].filter(Boolean);

const edit = (e, again) =>
  show(
    ({ close }) => html`<${Dialog} kind="wide" title=${e ? e.name : t("system.engine.add")} close=${close}>
  <${Form} fields=${fields(!!e)} start=${e ? { url: e.url, host_key: e.host_key, publish: e.publish } : { url: "ssh://" }} op=${e ? "engine.update" : "engine.add"} id=${e?.name}
    method=${e ? "PATCH" : "POST"} path=${"/api/engines" + (e ? "/" + e.id : "")} submit=${e ? t("base.save") : t("system.engine.add")} cancel=${close}
    done=${(made) => {
      close();
      again();
      toast(t("system.engine.saved", { name: made.name }), { kind: "good" });
      test(made);
    }}/><//>`,
  );
const remove = (e, again) =>
  confirm({
    title: t("system.engine.remove"),
    name: e.name,
    body: t("system.engine.remove_help"),
    command: `sett engine remove ${e.name} --confirm=${e.name}`,
    run: () => send("DELETE", "/api/engines/" + e.id).then(() => again()),
  });

const Engine = ({
  of: e,
  again,
}) => html`<${Card} title=${html`<${Icon} name="server"/> ${e.name}`} acts=${html`
  ${may("operator") && html`<${Button} icon="test-tube" onClick=${() => test(e)}>${t("system.engine.test")}<//>`}
  ${may("admin") && html`<${Button} icon="pencil" label=${t("base.edit") + " " + e.name} onClick=${() => edit(e, again)}/><${Button} kind="danger" icon="trash-2" label=${t("system.engine.remove") + " " + e.name} onClick=${() => remove(e, again)}/>`}`}>
  ${e.problem && html`<div class="note warn"><p>${e.problem}</p><p>${e.remedy}</p></div>`}
  <${Facts} of=${[
    [t("system.state"), html`<${State} of=${e.state} group="system.engine" look=${looks[e.state]}/> ${e.version}`],
    [t("system.engine.url"), html`<code>${e.url}</code>`],
    e.publish && [t("system.engine.publish"), html`<code>${e.publish}</code>`],
    e.host_key && [t("system.engine.host_key"), html`<code>${e.host_key}</code>`],
    [t("system.engine.answered"), html`<${Time} at=${e.ready_at} never="–"/>`],
  ]}/>${e.state !== "ready" && html`<${Key} of=${e}/>`}<//>`;

/** What this box's own engine is, when it is asked for. */
const local = () =>
  show(({ close }) => {
    const { data, problem, busy } = useLoad(() => get("/api/engines/local"), []);
    return html`<${Dialog} title=${t("system.engine.local")} close=${close} foot=${html`<code>sett engine local</code>`}>
    ${busy && html`<p role="status"><${Icon} name="loader-circle" spin/> ${t("system.engine.testing")}</p>`}${problem && html`<div class="note warn">${problem.message}</div>`}
    ${
      data &&
      html`<p><${State} of=${data.answers ? "ready" : "away"} group="system.engine" look=${data.answers ? "good" : ""}/> ${data.name} ${data.version} <code>${data.socket}</code></p>${problems(data.problems)}`
    }<//>`;
  });

export function Engines() {
  const { data, again } = useLoad(() => all("/api/engines"), []);
  useLive(["engine"], again);
  if (!data) return null;
  return html`<${Card} title=${t("system.engines")} acts=${html`<${Button} icon="box" onClick=${local}>${t("system.engine.local")}<//>
    ${may("admin") && html`<${Button} icon="plus" onClick=${() => edit(null, again)}>${t("system.engine.add")}<//>`}`}>
    ${
      data.length
        ? html`<div class="grid">${data.map((e) => html`<${Engine} key=${e.id} of=${e} again=${again}/>`)}</div>`
        : html`<${Empty} icon="server" title=${t("system.engine.none")} command="sett engine add build ssh://user@host">${t("system.engine.none_help")}<//>`
    }<//>`;
}
