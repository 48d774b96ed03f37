// A tenant: how it is, what it uses, what happens to it now, its log, its domains, its snapshots, what is paid.
import { html, useEffect, useState } from "../base/h.js";
import { get, may } from "../base/api.js";
import { t, word } from "../base/lang.js";
import { bytes, exact, number, Time } from "../base/say.js";
import { path } from "../base/route.js";
import { useLive } from "../base/live.js";
import {
  Button,
  Card,
  Code,
  Copy,
  Empty,
  Facts,
  Icon,
  Loading,
  Menu,
  Meter,
  Page,
  State,
  Tabs,
  Trouble,
  useLoad,
} from "../base/ui.js";
import { Table } from "../base/table.js";
import { JobView } from "../base/job.js";
import { LogView } from "../base/logs.js";
import { Health } from "../parts/tenant-health.js";
import { Guards } from "../parts/guards.js";
import * as acts from "../parts/tenant-acts.js";

const gone = (r) => r.state === "deleted";
const when = (at) => html`<${Time} at=${at}/>`;
const jobLink = (id) => html`<a href=${"/admin/jobs/" + id}>${t("tenants.job")}</a>`;

/** What it uses now, asked every ten seconds while it is looked at. */
function Usage({ r, limits }) {
  const { data, problem, again } = useLoad(() => get(`/api/tenants/${r.id}/stats`), [r.id]);
  useEffect(() => {
    const each = setInterval(() => document.hidden || again(), 10000);
    return () => clearInterval(each);
  }, [r.id]);
  if (!data) return problem ? html`<${Trouble} of=${problem}/>` : html`<${Loading}/>`;
  const memory = data.memory_limit_bytes || limits.memory_bytes;
  const row = (
    name,
    of,
    most,
    say,
  ) => html`<div class="stack" style=${{ gap: ".25rem" }}><div class="row"><span>${name}</span><span class="grow"></span><b>${say(of)}</b>${most > 0 && html`<span class="quiet">/ ${say(most)}</span>`}</div>
    ${most > 0 && html`<${Meter} of=${of} most=${most} label=${name} text=${`${say(of)} / ${say(most)}`}/>`}</div>`;
  return html`<div class="stack">${row(t("tenant.memory"), data.memory_bytes, memory, bytes)}${row(t("tenant.storage"), data.storage_bytes, limits.storage_bytes, bytes)}${row(t("tenants.pids"), data.pids, limits.pids, number)}</div>`;
}

/** What is about to happen to it by itself, and how to stop that. */
function Notices({ r, sub }) {
  const ends = sub?.delete_at && r.state !== "deleting" && !gone(r);
  return html`${
    ends &&
    html`<div class="note warn row"><${Icon} name="triangle-alert"/><span>${t("tenant.will_be_deleted", { when: exact(sub.delete_at) })} (${when(sub.delete_at)})</span>
      ${may("operator") && sub.ended_at && html`<${Button} icon="undo-2" onClick=${() => acts.keep(r)}>${t("tenant.keep")}<//>`}</div>`
  }
    ${sub?.suspend_at && r.state !== "suspended" && html`<p class="note warn">${t("tenant.will_be_suspended", { when: exact(sub.suspend_at) })}</p>`}
    ${r.state_reason && html`<p class="note warn">${r.state_reason}</p>`}
    ${r.maintenance && !gone(r) && html`<div class="note warn row"><${Icon} name="wrench"/><span>${t("tenant.in_maintenance")}</span>${may("operator") && html`<${Button} onClick=${() => acts.maintain(r)}>${t("tenants.act.maintenance_off")}<//>`}</div>`}`;
}

function Overview({ r, sub }) {
  const limits = r.limits,
    busy = useLoad(
      () => (r.job_id ? get("/api/jobs/" + r.job_id) : null),
      [r.job_id, r.state, r.updated_at],
    ).data;
  const [kept, keep] = useState(null); // a job is shown until it is left, though it has ended
  const live = busy && (busy.live || busy.state === "stuck");
  useEffect(() => {
    if (busy && (live || (kept && kept !== busy.id))) keep(busy.id);
  }, [live, busy?.id]);
  const tunnel = useLoad(() => (r.tunnel_id ? get("/api/tunnels/" + r.tunnel_id) : null), [r.tunnel_id]).data;
  const own = (n, say) => (n > 0 ? say(n) : t("tenant.as_plan"));
  return html`
    ${kept && html`<${Card} title=${t(live ? "tenant.now" : "tenant.latest")} acts=${jobLink(kept)}><${JobView} id=${kept}/><//>`}
    <div class="halves">
      <${Card} title=${t("tenant.what")}><${Facts} of=${[
        [
          t("tenants.address"),
          r.url && html`<a href=${r.url} target="_blank" rel="noopener">${r.url}</a><${Copy} text=${r.url}/>`,
        ],
        [
          t("tenants.customer"),
          r.customer_id && html`<a href=${"/admin/customers/" + r.customer_id}>${r.customer}</a>`,
        ],
        [t("tenants.plan"), r.plan],
        [t("tenants.number"), r.number],
        ["Id", html`<code>${r.id}</code><${Copy} text=${r.id}/>`],
        [t("tenants.created"), when(r.created_at)],
        [t("tenants.updated"), when(r.updated_at)],
        [t("tenant.deleted_at"), r.deleted_at ? when(r.deleted_at) : null],
      ]}/><//>
      ${!gone(r) && html`<${Card} title=${t("tenant.usage")}><${Usage} r=${r} limits=${limits}/><//>`}
      <${Card} title=${t("tenant.runs")}><${Facts} of=${[
        [t("tenants.runtime"), `${r.runtime}${r.node ? " · " + r.node : ""}`],
        [t("tenant.blueprint"), r.blueprint],
        [t("tenant.container"), html`<code>${r.container_id}</code><${Copy} text=${r.container_id}/>`],
        [t("tenants.port"), r.port > 0 ? html`<a href="/admin/ports">${String(r.port)}</a>` : null],
        [t("tenant.inside"), r.address],
        [
          t("base.page.tunnels"),
          tunnel &&
            html`<a href=${"/admin/tunnels/" + tunnel.id}>${tunnel.hostname || tunnel.name}</a> <${State} of=${tunnel.state}/>`,
        ],
        [
          t("tenant.ingress"),
          r.ingress === "cloudflare"
            ? `Cloudflare · ${t("tenant.ingress_" + (r.ingress_mode === "shared" ? "shared" : "own"))}`
            : t("tenant.ingress_local"),
        ],
        [
          t("tenant.status_page"),
          r.status_page ? html`<a href=${`/status/${r.subdomain}/`}>/status/${r.subdomain}/</a>` : null,
        ],
        [t("tenant.backup_at"), r.backup_at],
      ]}/><//>
      <${Card} title=${t("tenant.limits")} acts=${may("operator") && !gone(r) && html`<${Button} kind="quiet" icon="pencil" label=${t("base.edit")} onClick=${() => acts.limit(r)}/>`}><${Facts} of=${[
        [t("tenant.memory"), own(limits.memory_bytes, bytes)],
        [t("tenants.cpu"), own(limits.cpu_millis, (n) => number(n / 1000))],
        [t("tenant.storage"), own(limits.storage_bytes, bytes)],
        [t("tenants.pids"), own(limits.pids, number)],
        [t("tenants.nofile"), own(limits.nofile, number)],
        [t("tenants.max_users"), own(limits.max_users, number)],
      ]}/><//>
    </div>`;
}

const Log = ({ r }) =>
  html`<${LogView} path=${`/api/tenants/${r.id}/logs`} source=${"tenant:" + r.id} name=${r.subdomain || r.name}/>`;

function Domains({ r }) {
  const [turn, setTurn] = useState(0);
  const columns = [
    { id: "unicode", label: t("tenant.domain"), always: true },
    {
      id: "state",
      label: t("tenants.state"),
      show: (d) => html`<${State} of=${d.state} group="tenant.domain_state" title=${d.state_reason}/>`,
    },
    { id: "state_reason", label: t("tenant.reason"), wide: true },
    { id: "deadline_at", label: t("tenant.deadline"), show: (d) => when(d.deadline_at) },
  ];
  return html`<${Table} name="tenant-domains" list="/api/domains" params=${{ tenant_id: r.id }} live=${["domain"]} refresh=${turn} columns=${columns} href=${(d) => "/admin/domains/" + d.id}
    acts=${may("operator") && !gone(r) && html`<${Button} icon="plus" onClick=${() => acts.addDomain(r, () => setTurn(turn + 1))}>${t("tenant.domain_add")}<//>`}
    empty=${html`<${Empty} icon="globe" title=${t("tenant.no_domains")} command=${`sett domain add example.com --tenant ${r.number}`}>${t("tenant.domain_help")}<//>`}/>`;
}

function Snapshots({ r }) {
  const { data, problem, again } = useLoad(() => get(`/api/tenants/${r.id}/snapshots`), [r.id]);
  useLive(["snapshot", "restore"], again);
  const columns = [
    { id: "number", label: t("tenants.number"), always: true },
    {
      id: "created_at",
      label: t("base.time"),
      show: (s) => html`${when(s.created_at)} <span class="quiet">${exact(s.created_at)}</span>`,
    },
    { id: "alone", label: t("tenant.of"), show: (s) => t(s.alone ? "tenant.of_tenant" : "tenant.of_box") },
    {
      id: "verified",
      label: t("tenant.verified"),
      show: (s) => html`<${State} of=${s.verified ? "verified" : "open"}/>`,
    },
    {
      id: "acts",
      label: "",
      end: true,
      show: (s) =>
        s.restorable &&
        may("operator") &&
        html`<${Button} icon="archive-restore" onClick=${() => acts.recover(r, s, again)}>${t("tenant.recover_do")}<//>`,
    },
  ];
  return html`<div class="stack"><${Trouble} of=${problem} again=${again}/>
    ${r.database_kept > 0 && html`<div class="note row"><span>${t("tenant.kept")}</span><${Button} onClick=${() => acts.decide(r, "commit")}>${t("tenant.commit")}<//><${Button} icon="undo-2" onClick=${() => acts.decide(r, "rollback")}>${t("tenant.rollback")}<//></div>`}
    ${
      data &&
      html`<${Table} name="tenant-snapshots" data=${data.data} columns=${columns} rowKey=${(s) => s.snapshot_id}
      acts=${may("operator") && !gone(r) && html`<${Button} icon="archive" onClick=${() => acts.backUp(r)}>${t("tenant.back_up")}<//><${Button} kind="quiet" icon="calendar-clock" onClick=${() => acts.schedule(r)}>${t("tenant.backup_at")}<//>`}
      empty=${html`<${Empty} icon="archive" title=${t("tenant.no_snapshots")} command=${`sett snapshot create --tenant ${r.number}`}>${t("tenant.no_snapshots_help")}<//>`}/>`
    }</div>`;
}

const Billing = ({ r, sub }) =>
  sub
    ? html`<${Card} title=${t("tenant.tab.billing")}><${Facts} of=${[
        [t("tenants.state"), html`<${State} of=${sub.status}/>`],
        [t("tenants.plan"), sub.plan],
        [t("tenant.period_end"), sub.period_end && when(sub.period_end)],
        [t("tenant.paid_at"), sub.paid_at && when(sub.paid_at)],
        [t("tenant.payment_failed"), sub.failed_at && when(sub.failed_at)],
        [t("tenant.past_due"), sub.past_due_at && when(sub.past_due_at)],
        [t("tenant.cancel_at"), sub.cancel_at && when(sub.cancel_at)],
        [t("tenant.ended"), sub.ended_at && when(sub.ended_at)],
        [t("tenant.suspend_at"), sub.suspend_at && when(sub.suspend_at)],
        [t("tenant.delete_at"), sub.delete_at && when(sub.delete_at)],
        [
          "Stripe",
          sub.stripe_subscription &&
            html`<code>${sub.stripe_subscription}</code><${Copy} text=${sub.stripe_subscription}/>`,
        ],
        [t("tenant.flag"), sub.flag],
      ]}/><//>`
    : html`<${Empty} icon="receipt-text" title=${t("tenant.no_subscription")}>${t("tenant.no_subscription_help")}<//>`;

function History({ r }) {
  const jobs = [
    {
      id: "saga",
      label: t("tenant.what_was"),
      always: true,
      show: (j) => word("tenant.saga", j.saga.split(".")[1]),
    },
    { id: "state", label: t("tenants.state"), show: (j) => html`<${State} of=${j.state} group="base.job"/>` },
    {
      id: "actor",
      label: t("tenant.who"),
      show: (x) => html`<span title=${x.actor}>${x.actor_name || x.actor}</span>`,
    },
    { id: "cause", label: t("tenant.reason"), wide: true },
    { id: "created_at", label: t("base.time"), show: (j) => when(j.created_at) },
  ];
  const audit = [
    { id: "action", label: t("tenant.what_was"), always: true },
    {
      id: "actor",
      label: t("tenant.who"),
      show: (x) => html`<span title=${x.actor}>${x.actor_name || x.actor}</span>`,
    },
    { id: "result", label: t("tenants.state"), show: (a) => html`<${State} of=${a.result}/>` },
    { id: "reason", label: t("tenant.reason"), wide: true },
    { id: "at", label: t("base.time"), show: (a) => html`<${Time} at=${a.at || a.created_at}/>` },
  ];
  const lists = useLoad(
    () => (may("admin") ? get("/api/audit", { object_id: r.id, limit: 50 }) : null),
    [r.id, r.updated_at],
  );
  return html`<${Card} title=${t("base.page.jobs")} kind="flush"><${Table} name="tenant-jobs" list="/api/jobs" params=${{ tenant_id: r.id }} live=${["job"]} columns=${jobs} href=${(j) => "/admin/jobs/" + j.id}/><//>
    ${lists.data && html`<${Card} title=${t("base.page.audit")} kind="flush"><${Table} name="tenant-audit" data=${lists.data.data} columns=${audit}/><//>`}`;
}

const tabs = {
  overview: Overview,
  health: ({ r }) => html`<${Health} id=${r.id}/>`,
  logs: Log,
  domains: Domains,
  guards: Guards,
  snapshots: Snapshots,
  billing: Billing,
  history: History,
};

export default function Tenant({ params, query }) {
  const { data: r, problem, again } = useLoad(() => get("/api/tenants/" + params.id), [params.id]);
  useLive(["tenant", "health"], again, [params.id, r?.id].filter(Boolean));
  const sub = useLoad(
    () => (r?.subscription_id ? get("/api/subscriptions/" + r.subscription_id) : null),
    [r?.subscription_id, r?.updated_at],
  ).data;
  if (!r) return problem ? html`<${Trouble} of=${problem} again=${again}/>` : html`<${Loading}/>`;
  const at = tabs[query.tab] ? query.tab : "overview";
  const tools =
    may("operator") &&
    !gone(r) &&
    html`
    <${Button} icon="rotate-cw" disabled=${r.state !== "active" && r.state !== "past_due"} onClick=${() => acts.restart(r)}>${t("tenants.act.restart")}<//>
    <${Menu} label=${t("base.more")} icon="ellipsis" items=${acts.menu(r)}/>`;
  return html`<${Page} title=${r.name} back=${["/admin/tenants", t("base.page.tenants")]} acts=${tools}
      lead=${html`<span class="row"><${State} of=${r.state} title=${r.state_reason}/>${!gone(r) && html`<${State} of=${r.health} group="base.health"/><a href=${r.url} target="_blank" rel="noopener">${r.url.replace(/^https?:\/\/|\/$/g, "")}</a><${Copy} text=${r.url}/>`}</span>`}>
    <${Notices} r=${r} sub=${sub}/>
    <${Tabs} at=${at} href=${(id) => path.value + (id === "overview" ? "" : "?tab=" + id)} tabs=${Object.keys(tabs).map((id) => [id, t("tenant.tab." + id)])}/>
    <${tabs[at]} r=${r} sub=${sub}/>
    ${gone(r) && at === "overview" && html`<p class="quiet">${t("tenant.gone")} <${Code}>sett tenant create --name ${JSON.stringify(r.name)} --plan ${r.plan}<//></p>`}<//>`;
}
