// Tenants: all of them, found, filtered, sorted and paged by the box; acts on many.
import { html } from "../base/h.js";
import { get, may } from "../base/api.js";
import { t, word } from "../base/lang.js";
import { Time } from "../base/say.js";
import { query, setQuery } from "../base/route.js";
import { Button, Empty, Icon, Menu, Page, State, toast, useLoad } from "../base/ui.js";
import { Table } from "../base/table.js";
import { bulk } from "../parts/tenant-bulk.js";
import { createTenant } from "../parts/tenant-create.js";

const states = [
  "active",
  "past_due",
  "suspended",
  "pending",
  "provisioning",
  "failed",
  "deleting",
  "deleted",
];
const healths = ["healthy", "degraded", "unhealthy", "unreachable", "unknown"];
const runtimes = ["process", "docker", "lxc", "swarm", "proxmox"];
const wishes = ["q", "state", "health", "plan", "runtime", "customer_id", "attention"];
const acts = [
  ["restart", "rotate-cw"],
  ["suspend", "pause"],
  ["resume", "play"],
  ["maintenance_on", "wrench"],
  ["maintenance_off", "check"],
  ["plan", "credit-card"],
  ["delete", "trash-2"],
];
const PART = 4000;

/** The filters that stand in the address, as the API takes them. */
const wish = () => Object.fromEntries(wishes.filter((n) => query.value[n]).map((n) => [n, query.value[n]]));
const wished = () => {
  const w = wish();
  return w.attention ? { ...w, attention: true } : w;
};

/** The whole list as a file, part by part. */
async function takeCsv() {
  const parts = [];
  try {
    for (let after = null; ;) {
      const { text } = await get("/api/tenants/export", {
        ...wish(),
        sort: query.value.sort,
        starting_after: after,
        limit: PART,
      });
      parts.push(text);
      const lines = text
        .trimEnd()
        .split("\r\n")
        .filter((l) => l.startsWith('"tn_'));
      if (lines.length < PART) break;
      after = lines.at(-1).slice(1, lines.at(-1).indexOf('"', 1));
    }
  } catch (p) {
    return toast(p.message, { kind: "bad" });
  }
  const a = Object.assign(document.createElement("a"), {
    href: URL.createObjectURL(new Blob(parts, { type: "text/csv" })),
    download: "tenants.csv",
  });
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 1000);
}

const items = (what, done) =>
  acts.map(([act, icon]) => ({
    label: t("tenants.act." + act),
    icon,
    kind: act === "delete" ? "danger" : "",
    act: () => bulk(act, what(), done),
  }));

const columns = () => [
  { id: "name", label: t("tenants.name"), always: true, sort: "name" },
  {
    id: "url",
    label: t("tenants.address"),
    show: (r) =>
      r.url &&
      html`<a href=${r.url} target="_blank" rel="noopener">${r.url.replace(/^https?:\/\/|\/$/g, "")}</a>`,
  },
  {
    id: "customer",
    label: t("tenants.customer"),
    show: (r) => r.customer_id && html`<a href=${"/admin/customers/" + r.customer_id}>${r.customer}</a>`,
  },
  { id: "plan", label: t("tenants.plan"), sort: "plan" },
  {
    id: "state",
    label: t("tenants.state"),
    sort: "state",
    show: (r) => html`<${State} of=${r.state} title=${r.state_reason}/>`,
  },
  {
    id: "health",
    label: t("tenants.health"),
    show: (r) =>
      r.maintenance
        ? html`<span class="state warn"><${Icon} name="wrench"/>${t("tenants.maintenance")}</span>`
        : html`<${State} of=${r.health} group="base.health"/>`,
  },
  { id: "number", label: t("tenants.number"), end: true, hidden: true },
  { id: "subdomain", label: t("tenants.subdomain"), hidden: true },
  { id: "runtime", label: t("tenants.runtime"), hidden: true },
  { id: "port", label: t("tenants.port"), end: true, hidden: true },
  {
    id: "created_at",
    label: t("tenants.created"),
    sort: "created",
    show: (r) => html`<${Time} at=${r.created_at}/>`,
  },
  {
    id: "updated_at",
    label: t("tenants.updated"),
    sort: "updated",
    hidden: true,
    show: (r) => html`<${Time} at=${r.updated_at}/>`,
  },
];

export default function Tenants({ query: q }) {
  if (q.new) {
    setQuery({ new: null });
    createTenant(q.customer_id);
  }
  const plans = useLoad(() => get("/api/plans", { limit: 100 }), []).data?.data || [];
  const options = (list, group) => list.map((v) => [v, group ? word(group, v) : v]);
  const filters = [
    { id: "attention", label: t("tenants.everything"), options: [["true", t("tenants.attention")]] },
    { id: "state", label: t("tenants.state"), options: options(states, "base.state") },
    { id: "health", label: t("tenants.health"), options: options(healths, "base.health") },
    { id: "plan", label: t("tenants.plan"), options: plans.map((p) => [p.name, p.title || p.name]) },
    { id: "runtime", label: t("tenants.runtime"), options: options(runtimes) },
    ...(q.customer_id ? [{ id: "customer_id", label: t("tenants.customer"), type: "text" }] : []),
  ];
  const filtered = Object.keys(wish()).length > 0;
  const tools = html`
    ${may("operator") && filtered && html`<${Menu} icon="list-checks" label=${t("tenants.all_matching")} items=${items(wished)}/>`}
    <${Button} kind="quiet" icon="download" label=${t("tenants.csv")} onClick=${takeCsv}/>`;
  const bar = (ids, clear) => html`
    ${acts.slice(0, 3).map(([act, icon]) => html`<${Button} icon=${icon} onClick=${() => bulk(act, { ids: ids.join() }, clear)}>${t("tenants.act." + act)}<//>`)}
    <${Menu} label=${t("base.more")} items=${items(() => ({ ids: ids.join() }), clear).slice(3)}/>`;
  return html`<${Page} title=${t("base.page.tenants")} acts=${may("operator") && html`<${Button} kind="primary" icon="plus" onClick=${() => createTenant(q.customer_id)}>${t("base.act.create_tenant")}<//>`}>
    <${Table} name="tenants" list="/api/tenants" search="q" live=${["tenant"]} columns=${columns()} filters=${filters} href=${(r) => "/admin/tenants/" + r.id}
      acts=${tools} bar=${may("operator") && bar}
      empty=${html`<${Empty} icon="boxes" title=${t("tenants.none")} command="sett tenant create --name Acme --subdomain acme --plan demo">${t("tenants.none_help")}<//>`}/><//>`;
}
