// Tenants: all of them, found, sorted and paged by the box.
import { html } from "../base/h.js";
import { may, all } from "../base/api.js";
import { t, word } from "../base/lang.js";
import { Time } from "../base/say.js";
import { setQuery } from "../base/route.js";
import { Button, Empty, Page, State, useLoad } from "../base/ui.js";
import { Dialog, show } from "../base/dialog.js";
import { Form } from "../base/form.js";
import { Table } from "../base/table.js";
import { watchJob } from "../base/job.js";

const states = ["active", "past_due", "suspended", "provisioning", "failed", "deleting", "deleted"];

const create = () => show(({ close }) => {
  const { data } = useLoad(() => all("/api/plans"), []);
  const fields = [
    { name: "name", label: t("tenants.name"), required: true, maxlength: 120, autofocus: true },
    { name: "subdomain", label: t("tenants.subdomain"), help: t("tenants.subdomain_help"), maxlength: 30 },
    { name: "plan", label: t("tenants.plan"), type: "select", required: true, options: (data || []).map((p) => [p.name, p.title || p.name]) },
  ];
  return data && html`<${Dialog} title=${t("base.act.create_tenant")} close=${close}>
    <${Form} fields=${fields} start=${{ plan: data[0]?.name }} op="tenant.create" path="/api/tenants" submit=${t("base.create")} preview cancel=${close}
      done=${(answer, values) => { close(); watchJob(answer, values.name); }}/><//>`;
});

export default function Tenants({ query }) {
  if (query.new) { setQuery({ new: null }); create(); }
  const columns = [
    { id: "name", label: t("tenants.name"), always: true },
    { id: "url", label: t("tenants.address"), show: (r) => r.url && html`<a href=${r.url}>${r.url.replace(/^https?:\/\/|\/$/g, "")}</a>` },
    { id: "plan", label: t("tenants.plan") },
    { id: "state", label: t("tenants.state"), show: (r) => html`<${State} of=${r.state} title=${r.state_reason}/>` },
    { id: "health", label: t("tenants.health"), show: (r) => html`<${State} of=${r.health} group="base.health"/>` },
    { id: "port", label: t("tenants.port"), end: true, hidden: true },
    { id: "created_at", label: t("tenants.created"), show: (r) => html`<${Time} at=${r.created_at}/>` },
  ];
  const filters = [{ id: "state", label: t("tenants.state"), options: states.map((s) => [s, word("base.state", s)]) }];
  return html`<${Page} title=${t("base.page.tenants")} acts=${may("operator") && html`<${Button} kind="primary" icon="plus" onClick=${create}>${t("base.act.create_tenant")}<//>`}>
    <${Table} name="tenants" list="/api/tenants" live=${["tenant"]} columns=${columns} filters=${filters} href=${(r) => "/admin/tenants/" + r.id}
      empty=${html`<${Empty} icon="boxes" title=${t("tenants.none")} command="sett tenant create --name Acme --subdomain acme --plan demo">${t("tenants.none_help")}<//>`}/><//>`;
}
