// Plans: what is sold, from which blueprint, for how much, with which limits.
import { html } from "../base/h.js";
import { may, all, get } from "../base/api.js";
import { t, word } from "../base/lang.js";
import { bytes, money, number } from "../base/say.js";
import { setQuery } from "../base/route.js";
import { Button, Card, Empty, Facts, Page, State, toast, useLoad } from "../base/ui.js";
import { Dialog, show } from "../base/dialog.js";
import { Form } from "../base/form.js";
import { Table } from "../base/table.js";

const MIB = 1048576;
const limits = ["memory_bytes", "cpu_millis", "pids", "nofile", "storage_bytes", "max_users"];
const inMib = (name) => name.endsWith("_bytes");
const label = (name) => t("plans." + name);

/** The fields of a plan; a new one is also of a blueprint and has a name of its own. */
function fields(plan, blueprints, engines) {
  const made = !!plan;
  const choice = (name) => t("plans." + name);
  return [
    !made && {
      name: "name",
      label: label("name"),
      required: true,
      maxlength: 30,
      pattern: "[a-z][a-z0-9\\-]*",
      help: choice("name_help"),
      autofocus: true,
    },
    { name: "title", label: label("title"), maxlength: 90, autofocus: made },
    {
      name: "blueprint",
      label: label("blueprint"),
      type: "select",
      required: true,
      options: blueprints.filter((b) => !b.fault).map((b) => [b.name, `${b.title} (${b.runtime})`]),
    },
    {
      name: "amount",
      label: label("amount"),
      type: "number",
      min: 0,
      step: "0.01",
      parse: (v) => Math.round(v * 100),
      help: choice("amount_help"),
    },
    { name: "currency", label: label("currency"), maxlength: 3, pattern: "[a-z]{3}", placeholder: "eur" },
    {
      name: "stripe_price",
      label: label("stripe_price"),
      placeholder: "price_…",
      help: choice("stripe_help"),
    },
    { name: "offered", label: label("offered"), type: "checkbox" },
    { name: "position", label: label("position"), type: "number", min: 0, help: choice("position_help") },
    { name: "description", label: label("description"), maxlength: 390, wide: true, keepEmpty: made },
    {
      name: "features",
      label: label("features"),
      type: "textarea",
      help: choice("features_help"),
      wide: true,
      keepEmpty: made,
    },
    {
      name: "snapshots",
      label: label("snapshots"),
      type: "select",
      required: true,
      options: ["none", "list", "restore"].map((w) => [w, word("plans.snapshots", w)]),
    },
    { name: "backup_at", label: label("backup_at"), placeholder: "00:00,12:00", help: choice("backup_help") },
    { name: "max_domains", label: label("max_domains"), type: "number", min: 0 },
    engines.length > 0 && {
      name: "engine",
      label: label("engine"),
      type: "select",
      options: [["", choice("engine_here")], ...engines.map((e) => [e.name, `${e.name} (${e.url})`])],
      help: choice("engine_help"),
      keepEmpty: made,
    },
    ...limits.map((name) => ({
      name,
      label: label(name),
      type: "number",
      min: 0,
      help: choice("limit_help"),
      parse: (v) => (inMib(name) ? v * MIB : v),
    })),
  ].filter(Boolean);
}
const startOf = (plan) => ({
  ...plan,
  amount: plan.amount ? plan.amount / 100 : "",
  ...Object.fromEntries(
    limits.map((name) => [name, plan.limits[name] ? plan.limits[name] / (inMib(name) ? MIB : 1) : ""]),
  ),
});
const fresh = { offered: true, snapshots: "none", currency: "eur" };

const edit = (plan, again) =>
  show(({ close }) => {
    const { data } = useLoad(() => get("/api/blueprints").then((a) => a.data), []);
    const engines = useLoad(() => all("/api/engines"), []).data;
    const done = (answer) => {
      close();
      again();
      toast(t("plans.saved", { name: answer.title || answer.name }), { kind: "good" });
    };
    return (
      data &&
      engines &&
      html`<${Dialog} kind="wide" title=${plan ? plan.title || plan.name : t("plans.new")} close=${close}>
    <${Form} fields=${fields(plan, data, engines)} start=${plan ? startOf(plan) : { ...fresh, blueprint: data.find((b) => !b.fault)?.name }}
      op=${plan ? "plan.update" : "plan.create"} id=${plan?.name} method=${plan ? "PATCH" : "POST"} path=${"/api/plans" + (plan ? "/" + plan.id : "")}
      submit=${plan ? t("base.save") : t("base.create")} cancel=${close} done=${done}/><//>`
    );
  });

const limit = (name, n) =>
  !n ? null : inMib(name) ? bytes(n) : name === "cpu_millis" ? t("plans.cores", { n: n / 1000 }) : number(n);
const limitsOf = (l) =>
  limits
    .map((name) => limit(name, l[name]) && `${label(name).replace(/ \(.*/, "")}: ${limit(name, l[name])}`)
    .filter(Boolean)
    .join(", ");

function Blueprints() {
  const { data } = useLoad(() => get("/api/blueprints"), []);
  return html`<${Card} title=${t("plans.blueprints")}><p class="quiet">${t("plans.blueprints_help")}</p>
    <div class="grid">${(data?.data || []).map(
      (b) => html`<div key=${b.name}><h3>${b.title} <code class="quiet">${b.name}</code></h3>
      ${
        b.fault
          ? html`<${State} of="failed" look="bad"/> <span>${b.fault}</span>`
          : html`<${Facts} of=${[
              [t("plans.runtime"), b.runtime],
              [t("plans.image"), b.image && html`<code>${b.image}</code>`],
              [t("plans.database"), b.database ? t("base.yes") : null],
              [t("plans.limits"), limitsOf(b.limits)],
            ]}/>`
      }</div>`,
    )}</div><//>`;
}

/** What Stripe asks, if it is known; else what was said. */
const price = (p) =>
  p.price_fault
    ? html`<${State} of="failed" look="warn" title=${p.price_fault}/> <small>${p.price_fault}</small>`
    : p.price_at && p.price_interval !== "once"
      ? html`${money(p.price_amount, p.price_currency)} <span class="quiet">${t("plans.every_" + p.price_interval, { n: p.price_intervals })}</span>${!p.price_active && html` <${State} of="paused" group="plans.sale"/>`}`
      : p.amount
        ? money(p.amount, p.currency)
        : "–";

export default function Plans({ query }) {
  const list = useLoad(() => all("/api/plans"), []);
  if (query.new) {
    setQuery({ new: null });
    edit(null, list.again);
  }
  const columns = [
    {
      id: "title",
      label: t("plans.title"),
      always: true,
      show: (p) =>
        may("admin")
          ? html`<button type="button" class="link row" onClick=${() => edit(p, list.again)}>${p.title || p.name}</button>`
          : p.title || p.name,
    },
    { id: "name", label: t("plans.name"), show: (p) => html`<code>${p.name}</code>` },
    { id: "blueprint", label: t("plans.blueprint") },
    { id: "amount", label: t("plans.price"), end: true, show: price },
    {
      id: "offered",
      label: t("plans.offered"),
      show: (p) =>
        html`<${State} of=${!p.offered ? "paused" : p.stripe_price ? "active" : "pending"} group="plans.sale"/>`,
    },
    {
      id: "stripe_price",
      label: t("plans.stripe_price"),
      show: (p) => p.stripe_price && html`<code>${p.stripe_price}</code>`,
      hidden: true,
    },
    { id: "limits", label: t("plans.limits"), wide: true, show: (p) => limitsOf(p.limits) || "–" },
    {
      id: "tenants",
      label: t("base.page.tenants"),
      show: (p) =>
        html`<a href=${"/admin/tenants?plan=" + encodeURIComponent(p.name)}>${t("plans.show")}</a>`,
    },
  ];
  return html`<${Page} title=${t("base.page.plans")} lead=${t("plans.lead")} acts=${may("admin") && html`<${Button} kind="primary" icon="plus" onClick=${() => edit(null, list.again)}>${t("plans.new")}<//>`}>
    <${Table} name="plans" data=${list.data} live=${["plan"]} refresh=${list.data} columns=${columns} empty=${html`<${Empty} icon="credit-card" title=${t("plans.none")} command="sett plan create small site --amount 900 --currency eur">${t("plans.none_help")}<//>`}/>
    <${Blueprints}/><//>`;
}
