// The first page: what needs a person now, then how the business and the box are. Live.
import { html, useEffect, useRef, useState } from "../base/h.js";
import { get, may } from "../base/api.js";
import { t, word } from "../base/lang.js";
import { bytes, money, number, percent, Time } from "../base/say.js";
import { useLive } from "../base/live.js";
import {
  Button,
  Card,
  Code,
  Empty,
  Icon,
  LinkButton,
  Loading,
  Meter,
  Page,
  State,
  Tile,
  Trouble,
  useLoad,
} from "../base/ui.js";
import { Chart } from "../base/chart.js";

const FIRST = 6;
const marks = { critical: ["circle-alert", "bad"], warning: ["triangle-alert", "warn"], info: ["info", ""] };

/** One thing that needs a person: what, since when, until when, what to do. */
function Need({ of: n }) {
  const [icon, kind] = marks[n.severity] || marks.info;
  const key = "dashboard.need." + n.kind.replace(".", "_"),
    said = t(key, { name: n.name || "", saga: n.saga ? word("base.saga", n.saga.replace(".", "_")) : "" });
  const title = said === key ? n.text || n.kind : said;
  return html`<li class=${"need " + kind}><${Icon} name=${icon} label=${word("dashboard.severity", n.severity)}/>
    <div><a href=${n.page}><b>${title}</b></a> ${n.since && html`<span class="quiet nowrap"><${Time} at=${n.since}/></span>`}
      ${n.text && title !== n.text && html`<p>${n.step && word("base.step", n.step) + ": "}${n.text}</p>`}${n.hint && html`<p class="quiet">${n.hint}</p>`}
      ${n.until && html`<p class="quiet">${t("dashboard.until")} <${Time} at=${n.until}/></p>`}</div>
    <${Code}>${n.command}<//></li>`;
}
function Needs({ of }) {
  const [all, setAll] = useState(false);
  if (!of) return null;
  const rows = all ? of.data : of.data.slice(0, FIRST),
    rest = of.data.length - FIRST;
  if (!of.data.length)
    return html`<p class="note good row"><${Icon} name="circle-check"/>${t("dashboard.all_well")}</p>`;
  return html`<${Card} title=${html`${t("dashboard.needs")} <span class="count">${number(of.data.length + of.more)}</span>`} kind="flush">
    <ul class="needs">${rows.map((n) => html`<${Need} key=${n.kind + n.id} of=${n}/>`)}</ul>
    ${rest > 0 && html`<p class="acts foot"><${Button} kind="quiet" icon=${all ? "chevron-up" : "chevron-down"} aria-expanded=${all} onClick=${() => setAll(!all)}>${all ? t("dashboard.fewer") : t("dashboard.all_needs", { n: of.data.length })}<//></p>`}<//>`;
}

function Business({ of: d }) {
  const n = d.tenants,
    halted = n.suspended + n.past_due,
    orders = d.orders.open + d.orders.paid + d.orders.flagged;
  const revenue = d.revenue.length ? d.revenue.map((r) => money(r.amount, r.currency)).join(" + ") : "–";
  const moving = d.jobs.running + d.jobs.queued + d.jobs.waiting + d.jobs.undoing;
  return html`<section class="tiles" aria-label=${t("dashboard.business")}>
    <${Tile} name=${t("dashboard.active")} value=${number(n.active)} href="/admin/tenants?state=active" note=${t("dashboard.of_all", { n: n.total - n.deleted })}/>
    <${Tile} name=${t("dashboard.halted")} value=${number(halted)} kind=${halted ? "warn" : ""} href=${"/admin/tenants?state=" + (n.past_due ? "past_due" : "suspended")} note=${t("dashboard.halted_note", { a: n.past_due, b: n.suspended })}/>
    <${Tile} name=${t("dashboard.revenue")} value=${revenue} href="/admin/plans" note=${t("dashboard.paying", { n: d.subscriptions.active + d.subscriptions.past_due })}/>
    <${Tile} name=${t("dashboard.orders")} value=${number(orders)} kind=${d.orders.flagged ? "warn" : ""} href="/admin/customers" note=${t("dashboard.orders_note", { a: d.orders.open, b: d.orders.paid })}/>
    ${
      d.jobs.stuck
        ? html`<${Tile} name=${t("dashboard.stuck")} value=${number(d.jobs.stuck)} href="/admin/jobs?state=stuck" kind="bad" note=${t("dashboard.moving_note", { n: moving })}/>`
        : html`<${Tile} name=${t("dashboard.moving")} value=${number(moving)} href="/admin/jobs" note=${t("dashboard.none_stuck")}/>`
    }
    <${Tile} name=${t("base.page.customers")} value=${number(d.customers)} href="/admin/customers" note=${t("dashboard.tunnels", { n: d.tunnels })}/></section>`;
}

/** What is used of the box, by how much was promised to tenants. */
const Used = ({
  name,
  icon,
  of: r,
  say,
}) => html`<div class="used"><span class="row"><${Icon} name=${icon}/><b>${name}</b><span class="grow"></span><span>${say(r.used)} <span class="quiet">/ ${say(r.total)}</span></span></span>
  <${Meter} of=${r.used} most=${r.total} label=${name} text=${`${say(r.used)} / ${say(r.total)}`}/>
  <small class="quiet">${t("dashboard.promised", { used: say(r.tenants), promised: say(r.promised) })}</small></div>`;
const cores = (millis) => number(millis / 1000, { maximumFractionDigits: 1 });

function Resources({ minute }) {
  const [range, setRange] = useState("2h");
  const past = useLoad(() => get("/api/system/stats", { range }), [range, minute]);
  const p = past.data,
    at = (name) => p.columns.indexOf(name);
  const share = (part, whole, factor = 1) =>
    p?.points.map((row) => (row[at(whole)] ? row[at(part)] / (row[at(whole)] * factor) : null));
  const series = p?.points?.length
    ? [
        { label: t("dashboard.cpu"), values: share("cpu_millis", "cores", 1000), say: percent },
        {
          label: t("dashboard.memory"),
          values: share("memory_bytes", "memory_total_bytes"),
          say: percent,
          colour: "--good",
        },
        {
          label: t("dashboard.disk"),
          values: share("disk_bytes", "disk_total_bytes"),
          say: percent,
          colour: "--warn",
        },
      ]
    : [];
  const l = p?.last,
    part = (used, total, tenants, promised) => ({
      used: l[used],
      total,
      tenants: l[tenants],
      promised: l[promised],
    });
  return html`<${Card} title=${t("dashboard.box")} acts=${html`<a href="/admin/system">${t("base.page.system")}</a>`}>
    ${
      l
        ? html`<div class="grid"><${Used} name=${t("dashboard.cpu")} icon="cpu" say=${cores} of=${part("cpu_millis", l.cores * 1000, "tenants_cpu_millis", "promised_cpu_millis")}/>
      <${Used} name=${t("dashboard.memory")} icon="memory-stick" say=${bytes} of=${part("memory_bytes", l.memory_total_bytes, "tenants_memory_bytes", "promised_memory_bytes")}/>
      <${Used} name=${t("dashboard.disk")} icon="hard-drive" say=${bytes} of=${part("disk_bytes", l.disk_total_bytes, "tenants_storage_bytes", "promised_storage_bytes")}/></div>`
        : p && html`<p class="quiet">${t("dashboard.no_figures")}</p>`
    }
    <${Trouble} of=${past.problem} again=${past.again}/>
    <${Chart} title=${t("dashboard.history")} times=${p?.points.map((row) => Date.parse(row[0]) / 1000)} series=${series} max=${1} ranges=${["2h", "2d", "60d"]} range=${range} setRange=${setRange}/><//>`;
}

function Backups({ of: d }) {
  const row = (name, at) =>
    html`<div><dt>${t("dashboard." + name)}</dt><dd><${Time} at=${at} never=${t("dashboard.never")}/></dd></div>`;
  return html`<${Card} title=${t("base.page.backups")} acts=${html`<a href="/admin/backups">${t("dashboard.all")}</a>`}>
    <dl class="facts">${row("backup_last", d.last_backup_at)}${row("backup_verified", d.last_verified_at)}${row("backup_proven", d.last_proven_at)}</dl>
    ${may("operator") && html`<div class="acts"><${LinkButton} icon="archive" href="/admin/backups?run=1">${t("base.act.snapshot")}<//></div>`}<//>`;
}

function Latest() {
  const { data, again } = useLoad(() => get("/api/jobs", { limit: 8 }), []);
  useLive(["job"], again);
  return html`<${Card} title=${t("dashboard.latest")} acts=${html`<a href="/admin/jobs">${t("dashboard.all")}</a>`}>
    ${
      data?.data.length === 0
        ? html`<p class="quiet">${t("dashboard.no_jobs")}</p>`
        : html`<ul class="latest">${(data?.data || []).map(
            (
              j,
            ) => html`<li key=${j.id}><a class="row" href=${"/admin/jobs/" + j.id}><span>${word("base.saga", j.saga.replace(".", "_"))}</span>
      <span class="quiet grow">${j.about?.name}</span></a><${State} of=${j.state} group="base.job"/><span class="quiet nowrap"><${Time} at=${j.ended_at || j.created_at}/></span></li>`,
          )}</ul>`
    }<//>`;
}

const kinds = [
  "tenant",
  "job",
  "subscription",
  "order",
  "alert",
  "snapshot",
  "vault",
  "drift",
  "domain",
  "tunnel",
  "customer",
];
export default function Dashboard() {
  const needs = useLoad(() => get("/api/attention"), []),
    counts = useLoad(() => get("/api/dashboard/metrics"), []);
  const [minute, tick] = useState(0),
    late = useRef(0);
  const again = () => {
    needs.again();
    counts.again();
  };
  // Counts may be some seconds old: what changed last is counted once more; and time passes without changes, too.
  useLive(kinds, () => {
    again();
    clearTimeout(late.current);
    late.current = setTimeout(again, 6000);
  });
  useEffect(() => {
    const each = setInterval(() => {
      if (!document.hidden) {
        again();
        tick((n) => n + 1);
      }
    }, 60000);
    return () => {
      clearInterval(each);
      clearTimeout(late.current);
    };
  }, []);
  const d = counts.data,
    fresh = d && d.tenants.total === 0;
  return html`<${Page} title=${t("base.page.dashboard")} acts=${may("operator") && html`<${LinkButton} kind="primary" icon="plus" href="/admin/tenants?new=1">${t("base.act.create_tenant")}<//>`}>
    <${Trouble} of=${counts.problem} again=${counts.again}/>
    <${Needs} of=${needs.data}/>
    ${
      !d
        ? !counts.problem && html`<${Loading}/>`
        : html`${fresh && html`<${Empty} icon="boxes" title=${t("dashboard.fresh")} command="sett demo">${t("dashboard.fresh_help")}<//>`}
      <${Business} of=${d}/>
      <${Resources} minute=${minute}/>
      <div class="grid"><${Latest}/><${Backups} of=${d}/></div>`
    }<//>`;
}
