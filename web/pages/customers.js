// Customers: who pays, what they have, what they were written.
import { html } from "../base/h.js";
import { get, may } from "../base/api.js";
import { t } from "../base/lang.js";
import { Time } from "../base/say.js";
import { go, setQuery } from "../base/route.js";
import { Button, Card, Empty, Facts, Page, State, toast, Trouble, useLoad } from "../base/ui.js";
import { Dialog, show } from "../base/dialog.js";
import { Form } from "../base/form.js";
import { Table } from "../base/table.js";
import { useLive } from "../base/live.js";

const fields = () => [
  { name: "name", label: t("customers.name"), required: true, maxlength: 120, autofocus: true },
  { name: "email", label: t("customers.email"), type: "email", keepEmpty: true },
  { name: "locale", label: t("customers.locale"), maxlength: 15, placeholder: "de-CH", keepEmpty: true },
  { name: "stripe_customer", label: t("customers.stripe"), placeholder: "cus_…", keepEmpty: true },
  { name: "note", label: t("customers.note"), type: "textarea", rows: 3, wide: true, keepEmpty: true },
];
const edit = (customer, done) =>
  show(
    ({ close }) => html`<${Dialog} title=${customer ? customer.name : t("customers.new")} close=${close}>
  <${Form} fields=${fields()} start=${customer || {}} op=${customer ? "customer.update" : "customer.create"} id=${customer?.number} method=${customer ? "PATCH" : "POST"}
    path=${"/api/customers" + (customer ? "/" + customer.id : "")} submit=${customer ? t("base.save") : t("base.create")} cancel=${close}
    done=${(answer) => {
      close();
      done(answer);
      toast(t("customers.saved", { name: answer.name }), { kind: "good" });
    }}/><//>`,
  );

export const customer = ({ params }) => {
  const { data: c, problem, again } = useLoad(() => get("/api/customers/" + params.id), [params.id]);
  useLive(["customer"], again, [params.id]);
  if (!c) return html`<${Trouble} of=${problem}/>`;
  const of = { customer_id: c.id };
  const tenants = [
    { id: "name", label: t("customers.name"), always: true },
    { id: "plan", label: t("customers.plan") },
    { id: "state", label: t("customers.state"), show: (r) => html`<${State} of=${r.state}/>` },
  ];
  const paid = [
    { id: "plan", label: t("customers.plan"), always: true },
    { id: "status", label: t("customers.state"), show: (s) => html`<${State} of=${s.status}/>` },
    {
      id: "current_period_end",
      label: t("customers.period"),
      show: (s) => html`<${Time} at=${s.current_period_end}/>`,
    },
  ];
  const letters = [
    { id: "subject", label: t("customers.letter"), always: true, show: (m) => m.subject || m.kind },
    { id: "state", label: t("customers.state"), show: (m) => html`<${State} of=${m.state}/>` },
    { id: "created_at", label: t("customers.when"), show: (m) => html`<${Time} at=${m.created_at}/>` },
  ];
  return html`<${Page} title=${c.name} back=${["/admin/customers", t("base.page.customers")]}
      acts=${html`${may("admin") && html`<${Button} icon="user-plus" onClick=${() => go(`/admin/users?new=1&customer=${c.number}&name=${encodeURIComponent(c.email || "")}`)}>${t("base.act.invite")}<//>`}
        ${may("operator") && html`<${Button} icon="pencil" onClick=${() => edit(c, again)}>${t("base.edit")}<//>`}`}>
    <${Card}><${Facts} of=${[
      [t("customers.number"), c.number],
      [t("customers.email"), c.email && html`<a href=${"mailto:" + c.email}>${c.email}</a>`],
      [t("customers.locale"), c.locale],
      [t("customers.stripe"), c.stripe_customer && html`<code>${c.stripe_customer}</code>`],
      [t("customers.made"), html`<${Time} at=${c.created_at}/>`],
      [t("customers.note"), c.note],
    ]}/><//>
    <${Card} title=${t("base.page.tenants")} kind="flush"><${Table} name="customer-tenants" list="/api/tenants" params=${of} live=${["tenant"]} columns=${tenants} href=${(r) => "/admin/tenants/" + r.id}/><//>
    <${Card} title=${t("customers.paid")} kind="flush"><${Table} name="customer-paid" list="/api/subscriptions" params=${of} live=${["subscription"]} columns=${paid}/><//>
    <${Card} title=${t("customers.letters")} kind="flush"><${Table} name="customer-letters" list="/api/mails" params=${{ customer: c.id }} live=${["message"]} columns=${letters}/><//><//>`;
};

export default function Customers({ query }) {
  if (query.new) {
    setQuery({ new: null });
    edit(null, (c) => go("/admin/customers/" + c.id));
  }
  const columns = [
    { id: "name", label: t("customers.name"), always: true },
    { id: "number", label: t("customers.number"), end: true },
    { id: "email", label: t("customers.email") },
    { id: "locale", label: t("customers.locale"), hidden: true },
    {
      id: "stripe_customer",
      label: t("customers.stripe"),
      show: (c) => c.stripe_customer && html`<code>${c.stripe_customer}</code>`,
      hidden: true,
    },
    { id: "created_at", label: t("customers.made"), show: (c) => html`<${Time} at=${c.created_at}/>` },
  ];
  return html`<${Page} title=${t("base.page.customers")} acts=${may("operator") && html`<${Button} kind="primary" icon="plus" onClick=${() => edit(null, (c) => go("/admin/customers/" + c.id))}>${t("customers.new")}<//>`}>
    <${Table} name="customers" list="/api/customers" live=${["customer"]} search="q" columns=${columns} href=${(c) => "/admin/customers/" + c.id}
      empty=${html`<${Empty} icon="users" title=${t("customers.none")} command=${'sett customer create "Acme Ltd" --email ann@example.com'}>${t("customers.none_help")}<//>`}/><//>`;
}
