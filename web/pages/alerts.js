// Alerts: what is wrong and who answers for it; what is watched over, and from which figure.
import { html, useState } from "../base/h.js";
import { get, may, send, url } from "../base/api.js";
import { t, word } from "../base/lang.js";
import { Time, number, took } from "../base/say.js";
import { useLive } from "../base/live.js";
import {
  Button,
  Code,
  Empty,
  Facts,
  Icon,
  LinkButton,
  Menu,
  Page,
  State,
  Tabs,
  Trouble,
  Loading,
  toast,
  useLoad,
} from "../base/ui.js";
import { Dialog, show } from "../base/dialog.js";
import { Form, Says } from "../base/form.js";
import { Search, Table } from "../base/table.js";

const tabs = ["open", "acknowledged", "silenced", "holding", "cleared", "rules"];
const severities = ["info", "warning", "critical"],
  looks = { info: "", warning: "warn", critical: "bad" };
const Severity = ({ of }) => html`<${State} of=${of} group="alerts.severity" look=${looks[of]}/>`;
const fail = (p) => toast(p.message, { kind: "bad" });

/** What an alert is about has a page of its own. */
const places = {
  tenant: "tenants",
  tunnel: "tunnels",
  job: "jobs",
  domain: "domains",
  customer: "customers",
  snapshot: "backups",
  vault: "backups?tab=vaults",
  plan: "plans?",
};
const subject = (a) =>
  !a.subject_id
    ? t("alerts.box")
    : places[a.subject]
      ? html`<a href=${`/admin/${places[a.subject]}${places[a.subject].includes("?") ? "" : "/" + a.subject_id}`}>${a.subject_id}</a>`
      : a.subject_id;

/* ---- acts ---- */

const ack = (ids, clear) =>
  show(
    ({ close }) => html`<${Dialog} title=${t("alerts.ack")} close=${close}><p>${t("alerts.ack_help")}</p>
  <${Form} fields=${[{ name: "note", label: t("alerts.note"), maxlength: 190, placeholder: t("alerts.note_example"), autofocus: true, wide: true }]} op=${ids.length > 1 ? "alert.ackall" : "alert.ack"} id=${ids.length > 1 ? undefined : ids[0]}
    path=${ids.length > 1 ? "/api/alerts/ack" : `/api/alerts/${ids[0]}/ack`} body=${(v) => ({ ...(ids.length > 1 && { ids: ids.join(",") }), ...(v.note && { note: v.note }) })} submit=${t("alerts.ack")} cancel=${close} done=${() => {
      close();
      clear?.();
    }}/><//>`,
  );
const spans = [60, 480, 1440, 10080];
const silence = (a, minutes) =>
  send("POST", `/api/alerts/${a.id}/silence`, { minutes }).then(
    () =>
      toast(
        minutes ? t("alerts.silenced_for", { span: took(minutes * 60000) }) : t("alerts.silence_over"),
        minutes ? { undo: () => silence(a, 0) } : {},
      ),
    fail,
  );
const silenceItems = (a) => [
  ...spans.map((m) => ({ label: took(m * 60000), icon: "clock", act: () => silence(a, m) })),
  a.silenced_until && { label: t("alerts.unsilence"), icon: "bell", act: () => silence(a, 0) },
];
const live = (a) => a.state !== "cleared";

const detail = (id) =>
  show(({ close }) => {
    const { data: a, problem, again } = useLoad(() => get("/api/alerts/" + id), []);
    useLive(["alert"], again, [id]);
    if (!a)
      return html`<${Dialog} title=${t("base.page.alerts")} close=${close}>${problem ? html`<${Trouble} of=${problem}/>` : html`<${Loading}/>`}<//>`;
    const foot =
      may("operator") &&
      live(a) &&
      html`${["open", "holding"].includes(a.state) && html`<${Button} kind="primary" icon="check" onClick=${() => ack([a.id])}>${t("alerts.ack")}<//>`}<${Menu} kind="" icon="bell" label=${t("alerts.silence")} items=${silenceItems(a)}>${t("alerts.silence")}<//>
    <${Says} op="alert.ack" id=${a.id} path=${`/api/alerts/${a.id}/ack`} method="POST" body=${{}}/>`;
    return html`<${Dialog} kind="side" title=${a.text} close=${close} foot=${foot}><p class="row"><${Severity} of=${a.severity}/><${State} of=${a.state} group="alerts.state"/><code>${a.kind}</code></p>
    ${a.remedy && html`<div class="note"><p><${Icon} name="life-buoy"/> ${t("alerts.remedy")}</p><${Code} block>${a.remedy}<//></div>`}
    <${Facts} of=${[
      [t("alerts.about"), subject(a)],
      [t("alerts.raised"), html`<${Time} at=${a.raised_at}/>`],
      [t("alerts.told"), a.told ? html`${number(a.told)} × <${Time} at=${a.told_at}/>` : "–"],
      a.silenced_until && [t("alerts.silenced_until"), html`<${Time} at=${a.silenced_until}/>`],
      a.acknowledged_by && [t("alerts.who"), html`${a.acknowledged_by} <${Time} at=${a.acknowledged_at}/>`],
      [t("alerts.note"), a.note],
      a.cleared_at && [t("alerts.cleared"), html`<${Time} at=${a.cleared_at}/>`],
    ]}/><//>`;
  });

/* ---- lists ---- */

function Alerts({ at }) {
  const params =
    at === "silenced" ? { silenced: true } : { state: at, ...(at === "open" && { silenced: false }) };
  const columns = [
    {
      id: "text",
      label: t("alerts.text"),
      always: true,
      wide: true,
      show: (a) =>
        html`<button type="button" class="link row" onClick=${() => detail(a.id)}>${a.text}</button>`,
    },
    { id: "severity", label: t("alerts.grave"), show: (a) => html`<${Severity} of=${a.severity}/>` },
    { id: "kind", label: t("alerts.kind"), show: (a) => html`<code>${a.kind}</code>` },
    { id: "subject", label: t("alerts.about"), show: subject },
    { id: "raised_at", label: t("alerts.raised"), show: (a) => html`<${Time} at=${a.raised_at}/>` },
    { id: "note", label: t("alerts.note"), hidden: at !== "acknowledged", show: (a) => a.note },
    {
      id: "until",
      label: t("alerts.silenced_until"),
      hidden: at !== "silenced",
      show: (a) => html`<${Time} at=${a.silenced_until}/>`,
    },
    {
      id: "acts",
      label: t("alerts.acts"),
      show: (a) =>
        may("operator") &&
        live(a) &&
        html`<span class="row">${["open", "holding"].includes(a.state) && html`<${Button} kind="quiet" icon="check" label=${t("alerts.ack")} onClick=${() => ack([a.id])}/>`}<${Menu} icon="bell" label=${t("alerts.silence")} items=${silenceItems(a)}/></span>`,
    },
  ];
  const filters = [
    {
      id: "severity",
      label: t("alerts.grave"),
      options: severities.map((s) => [s, word("alerts.severity", s)]),
    },
    { id: "kind", label: t("alerts.kind"), type: "text" },
  ];
  const bar =
    may("operator") && at === "open"
      ? (ids, clear) => html`<${Button} icon="check" onClick=${() => ack(ids, clear)}>${t("alerts.ack")}<//>`
      : null;
  return html`<${Table} key=${at} name=${"alerts-" + at} list="/api/alerts" params=${params} search="text" columns=${columns} filters=${filters} live=${["alert"]} bar=${bar}
    empty=${html`<${Empty} icon=${at === "open" ? "circle-check" : "bell"} title=${t(at === "open" ? "alerts.none" : "alerts.none_so")} command="sett alert list">${t("alerts.none_help")}<//>`}/>`;
}

/* ---- rules ---- */

const setRule = (r, again) =>
  show(
    ({ close }) => html`<${Dialog} title=${r.kind} close=${close}><p>${r.help}</p>
  <${Form} op="alert.set" id=${r.kind} method="PATCH" path=${"/api/alert-rules/" + r.kind} submit=${t("base.save")} cancel=${close} done=${() => {
    close();
    again();
  }} start=${{ threshold: r.threshold, hold_s: r.hold_s, resend_s: r.resend_s, severity: r.severity, off: r.off }}
    fields=${[
      r.threshold !== null && {
        name: "threshold",
        label: `${t("alerts.r.threshold")} (${r.unit})`,
        type: "number",
        min: 1,
      },
      {
        name: "hold_s",
        label: t("alerts.r.hold"),
        type: "number",
        min: 0,
        max: 86400,
        help: t("alerts.r.hold_help"),
      },
      {
        name: "resend_s",
        label: t("alerts.r.resend"),
        type: "number",
        min: 0,
        help: t("alerts.r.resend_help"),
      },
      {
        name: "severity",
        label: t("alerts.grave"),
        type: "select",
        required: true,
        options: severities.map((s) => [s, word("alerts.severity", s)]),
      },
      { name: "off", label: t("alerts.r.off"), type: "checkbox" },
    ].filter(Boolean)}/>
  ${
    r.updated_at &&
    html`<div class="acts"><${Button} icon="undo-2" onClick=${() =>
      send("PATCH", "/api/alert-rules/" + r.kind, { reset: true }).then(() => {
        close();
        again();
      }, fail)}>${t("alerts.r.reset")}<//></div>`
  }<//>`,
  );

function Rules() {
  const { data, again } = useLoad(() => get("/api/alert-rules").then((a) => a.data), []),
    [text, find] = useState("");
  useLive(["alert_rule"], again);
  const rows = data?.filter((r) => (r.kind + " " + r.help).toLowerCase().includes(text.toLowerCase()));
  const columns = [
    {
      id: "kind",
      label: t("alerts.kind"),
      always: true,
      show: (r) =>
        may("admin")
          ? html`<button type="button" class="link row" onClick=${() => setRule(r, again)}><code>${r.kind}</code></button>`
          : html`<code>${r.kind}</code>`,
    },
    { id: "help", label: t("alerts.r.means"), wide: true },
    {
      id: "severity",
      label: t("alerts.grave"),
      show: (r) =>
        r.off
          ? html`<${State} of="off" group="alerts.state" look=""/>`
          : html`<${Severity} of=${r.severity}/>`,
    },
    {
      id: "threshold",
      label: t("alerts.r.threshold"),
      end: true,
      show: (r) => (r.threshold === null ? "–" : `${number(r.threshold)} ${r.unit}`),
    },
    {
      id: "hold_s",
      label: t("alerts.r.hold"),
      end: true,
      show: (r) => (r.hold_s ? took(r.hold_s * 1000) : "–"),
    },
    {
      id: "resend_s",
      label: t("alerts.r.resend"),
      end: true,
      show: (r) => (r.resend_s ? took(r.resend_s * 1000) : t("alerts.r.once")),
    },
    { id: "updated_at", label: t("alerts.r.set"), show: (r) => html`<${Time} at=${r.updated_at} never=""/>` },
  ];
  return data
    ? html`<${Table} name="alert-rules" data=${rows} rowKey=${(r) => r.kind} columns=${columns} acts=${html`<${Search} value=${text} change=${find}/>`}/>`
    : html`<${Loading}/>`;
}

export default function AlertsPage({ query: q }) {
  const at = tabs.includes(q.tab) ? q.tab : "open",
    body = at === "rules" ? Rules : Alerts;
  const acts = html`${may("admin") && html`<${LinkButton} icon="send" href="/admin/settings?tab=notify">${t("alerts.channels")}<//>`}<${LinkButton} icon="mail" href="/admin/mails?tab=operators">${t("alerts.log")}<//>`;
  return html`<${Page} title=${t("base.page.alerts")} lead=${t("alerts.lead")} acts=${acts}>
    <${Tabs} at=${at} href=${(id) => url("/admin/alerts", { tab: id === "open" ? null : id })} tabs=${tabs.map((id) => [id, t("alerts.tab." + id)])}/><${body} key=${at} at=${at}/><//>`;
}
