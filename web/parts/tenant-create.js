// The dialog of a new tenant: its name is tried while it is typed, and the plan shows what would be done.
import { html, useEffect, useState } from "../base/h.js";
import { all, get } from "../base/api.js";
import { needTexts, t } from "../base/lang.js";
import { useLoad } from "../base/ui.js";
import { Dialog, show } from "../base/dialog.js";
import { Form } from "../base/form.js";
import { watchJob } from "../base/job.js";
import { NameInput } from "../base/name.js";

await needTexts("tenants");

const MIB = 1048576;
/** Fields of limits, in the units that people use. */
export const limitFields = () => [
  {
    name: "limits.memory_bytes",
    label: t("tenants.memory_mib"),
    type: "number",
    min: 0,
    parse: (v) => Math.round(v * MIB),
  },
  {
    name: "limits.cpu_millis",
    label: t("tenants.cpu"),
    type: "number",
    min: 0,
    step: 0.1,
    parse: (v) => Math.round(v * 1000),
  },
  {
    name: "limits.storage_bytes",
    label: t("tenants.storage_mib"),
    type: "number",
    min: 0,
    parse: (v) => Math.round(v * MIB),
  },
  { name: "limits.pids", label: t("tenants.pids"), type: "number", min: 0 },
  { name: "limits.nofile", label: t("tenants.nofile"), type: "number", min: 0 },
  { name: "limits.max_users", label: t("tenants.max_users"), type: "number", min: 0 },
];
/** Their values as the fields show them; 0 is the plan's own and shown empty. */
export const limitStart = (l) =>
  Object.fromEntries(
    Object.entries({
      memory_bytes: l.memory_bytes / MIB,
      cpu_millis: l.cpu_millis / 1000,
      storage_bytes: l.storage_bytes / MIB,
      pids: l.pids,
      nofile: l.nofile,
      max_users: l.max_users,
    }).map(([k, v]) => ["limits." + k, v || ""]),
  );

/** A customer by words of name or address: what is chosen is the number. */
function CustomerInput({ value, change, ...about }) {
  const [found, set] = useState([]),
    text = (value || "").trim();
  useEffect(() => {
    if (text.length < 2 || /^cu_/.test(text)) return;
    const stop = new AbortController();
    const wait = setTimeout(
      () =>
        get("/api/customers", { q: text, limit: 8 }, stop.signal).then(
          (a) => set(a.data),
          () => {},
        ),
      200,
    );
    return () => {
      clearTimeout(wait);
      stop.abort();
    };
  }, [text]);
  const one = found.find((c) => String(c.number) === text || c.id === text);
  return html`<input ...${about} value=${value ?? ""} list="customers-found" maxlength="95" spellcheck=${false} onInput=${(e) => change(e.target.value)}/>
    <datalist id="customers-found">${found.map((c) => html`<option value=${String(c.number)}>${c.name} ${c.email}</option>`)}</datalist>
    ${one && html`<span class="state good">${one.name}</span>`}`;
}

/** createTenant(customer): the dialog; the job that it starts is shown behind it. */
export const createTenant = (customer) =>
  show(({ close }) => {
    const { data: plans } = useLoad(() => all("/api/plans"), []),
      [more, setMore] = useState(false);
    const fields = [
      { name: "name", label: t("tenants.name"), required: true, maxlength: 120, autofocus: true },
      {
        name: "plan",
        label: t("tenants.plan"),
        type: "select",
        required: true,
        options: (plans || []).map((p) => [p.name, p.title || p.name]),
      },
      {
        name: "subdomain",
        label: t("tenants.subdomain"),
        help: t("tenants.subdomain_help"),
        input: NameInput,
        wide: true,
      },
      {
        name: "customer_id",
        label: t("tenants.customer"),
        help: t("tenants.customer_help"),
        input: CustomerInput,
        wide: true,
      },
      ...(more ? limitFields() : []),
    ];
    return (
      plans &&
      html`<${Dialog} title=${t("base.act.create_tenant")} close=${close}>
    ${
      plans.length === 0
        ? html`<p class="note warn">${t("tenants.no_plan")} <a href="/admin/plans" onClick=${() => close()}>${t("base.page.plans")}</a></p>`
        : html`
    <${Form} fields=${fields} start=${{ plan: plans.find((p) => p.offered)?.name || plans[0].name, customer_id: customer || "" }} op="tenant.create" path="/api/tenants"
      submit=${t("base.create")} preview cancel=${close} done=${(answer, values) => {
        close();
        watchJob(answer, values.name);
      }}>
      ${() => !more && html`<button type="button" class="link" onClick=${() => setMore(true)}>${t("tenants.own_limits")}</button>`}<//>`
    }<//>`
    );
  });
