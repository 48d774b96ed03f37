// Tunnels: how many are well, all of them found by the box, made, taken over.
import { html } from "../base/h.js";
import { get, may } from "../base/api.js";
import { t, word } from "../base/lang.js";
import { Time, number } from "../base/say.js";
import { go, setQuery } from "../base/route.js";
import { Button, Empty, Icon, Menu, Page, State, Tile, useLoad } from "../base/ui.js";
import { Dialog, show } from "../base/dialog.js";
import { Form } from "../base/form.js";
import { Table } from "../base/table.js";
import { watchJob } from "../base/job.js";
import { useLive } from "../base/live.js";
import { TenantInput, kindOf } from "../parts/tunnels.js";

const states = ["active", "provisioning", "paused", "failed", "deleting", "deleted"];
const kinds = ["tenant", "alone", "shared", "carried", "adopted"];
const made = (close) => (answer) => {
  close();
  go("/admin/tunnels/" + answer.id);
  watchJob(answer, answer.hostname || answer.name);
};

const create = () =>
  show(({ close }) => {
    const of =
      (...some) =>
      (v) =>
        some.includes(v.kind);
    const fields = [
      {
        name: "kind",
        label: t("tunnels.kind"),
        type: "select",
        required: true,
        local: true,
        value: "alone",
        wide: true,
        help: t("tunnels.create_help"),
        options: ["alone", "tenant", "shared"].map((k) => [k, t("tunnels.make_" + k)]),
      },
      {
        name: "container_id",
        label: t("tunnels.tenant"),
        input: TenantInput,
        required: true,
        when: of("tenant"),
      },
      {
        name: "hostname",
        label: t("tunnels.hostname"),
        placeholder: "pbx.example.com",
        required: true,
        when: of("alone"),
      },
      {
        name: "hostname",
        label: t("tunnels.hostname"),
        placeholder: "shop.example.com",
        when: of("tenant"),
        help: t("tunnels.hostname_help"),
      },
      {
        name: "service",
        label: t("tunnels.service"),
        placeholder: "https://localhost:8089",
        required: true,
        when: of("alone"),
        help: t("tunnels.service_help"),
      },
      {
        name: "path",
        label: t("tunnels.path"),
        placeholder: "^/api/",
        when: of("alone", "tenant"),
        help: t("tunnels.path_help"),
      },
      {
        name: "name",
        label: t("tunnels.name"),
        placeholder: "pbx",
        when: of("alone"),
        help: t("tunnels.name_help"),
        pattern: "[a-z][a-z0-9\\-]*",
      },
      {
        name: "config",
        label: t("tunnels.config"),
        type: "select",
        value: "remote",
        when: of("alone"),
        help: t("tunnels.config_help"),
        required: true,
        options: [
          ["remote", t("tunnels.config_remote")],
          ["local", t("tunnels.config_local")],
        ],
      },
      {
        name: "origin_server_name",
        label: t("tunnels.server_name"),
        when: of("alone"),
        help: t("tunnels.server_name_help"),
      },
      {
        name: "no_tls_verify",
        label: t("tunnels.no_tls_verify"),
        type: "checkbox",
        when: of("alone", "tenant"),
        parse: (v) => v || undefined,
      },
    ];
    const body = (v) => {
      if (v.kind === "shared") return { shared: true };
      const out = {};
      for (const f of fields) if (!f.local && f.when(v) && v[f.name]) out[f.name] = v[f.name];
      return out;
    };
    return html`<${Dialog} title=${t("base.act.create_tunnel")} close=${close}>
    <${Form} fields=${fields} body=${body} op="tunnel.create" path="/api/tunnels" submit=${t("base.create")} preview cancel=${close} done=${made(close)}/><//>`;
  });

const adopt = () =>
  show(
    ({
      close,
    }) => html`<${Dialog} title=${t("tunnels.adopt")} close=${close}><p>${t("tunnels.adopt_help")}</p>
  <${Form} fields=${[
    {
      name: "tunnel",
      label: t("tunnels.cf_id"),
      placeholder: "c1744f8b-faa1-48a4-9e5c-02ac921467fa",
      wide: true,
    },
    { name: "token", label: t("tunnels.token"), type: "password", wide: true, help: t("tunnels.token_help") },
    {
      name: "connect",
      label: t("tunnels.connect"),
      type: "checkbox",
      help: t("tunnels.connect_help"),
      wide: true,
    },
  ]} op="tunnel.adopt" path="/api/tunnels/adopt" submit=${t("tunnels.adopt_do")} preview cancel=${close} done=${made(close)}/><//>`,
  );

export default function Tunnels({ query }) {
  if (query.new) {
    setQuery({ new: null });
    create();
  }
  const { data, again } = useLoad(() => get("/api/tunnels", { limit: 1, totals: true }), []);
  useLive(["tunnel"], again);
  const n = data?.totals,
    at = query.trouble ? "errors" : query.state || "all";
  const tile = (
    id,
    find,
    kind,
  ) => html`<${Tile} name=${t("tunnels.total_" + id)} value=${n && number(n[id])} current=${at === id} kind=${n?.[id] ? kind : ""}
    href=${"/admin/tunnels" + find}/>`;
  const columns = [
    {
      id: "hostname",
      label: t("tunnels.hostname"),
      sort: "hostname",
      always: true,
      show: (r) => r.hostname || r.name,
    },
    {
      id: "state",
      label: t("tunnels.state"),
      sort: "state",
      show: (r) => html`<${State} of=${r.state} title=${r.state_reason}/>`,
    },
    {
      id: "health",
      label: t("tunnels.connector"),
      show: (r) => (r.health === "unknown" ? "–" : html`<${State} of=${r.health} group="base.health"/>`),
    },
    {
      id: "rules",
      label: t("tunnels.rules"),
      show: (r) =>
        r.ingress === "cloudflare" &&
        !r.carrier_id &&
        html`<${State} of=${r.rules_state} group="tunnels.rules" title=${r.rules_reason}
      look=${{ in_force: "good", refused: "bad", pending: "busy" }[r.rules_state]}/>`,
    },
    {
      id: "tenant",
      label: t("tunnels.tenant"),
      show: (r) =>
        r.tenant_id &&
        html`<a href=${"/admin/tenants/" + r.tenant_id}>${r.tenant_name || r.tenant_number}</a>`,
    },
    { id: "kind", label: t("tunnels.kind"), show: (r) => kindOf(r) },
    { id: "service", label: t("tunnels.service"), show: (r) => r.service && html`<code>${r.service}</code>` },
    { id: "name", label: t("tunnels.name"), sort: "name", hidden: true },
    { id: "number", label: t("tunnels.number"), end: true, hidden: true },
    {
      id: "created_at",
      label: t("tunnels.created"),
      sort: "created",
      show: (r) => html`<${Time} at=${r.created_at}/>`,
    },
  ];
  const filters = [
    { id: "state", label: t("tunnels.state"), options: states.map((s) => [s, word("base.state", s)]) },
    { id: "kind", label: t("tunnels.kind"), options: kinds.map((k) => [k, t("tunnels.kind_" + k)]) },
    { id: "trouble", label: t("tunnels.attention"), options: [["true", t("tunnels.total_errors")]] },
  ];
  return html`<${Page} title=${t("base.page.tunnels")} acts=${
    may("operator") &&
    html`
      ${may("admin") && html`<${Menu} label=${t("base.more")} items=${[{ label: t("tunnels.adopt"), icon: "download", act: adopt }]}/>`}
      <${Button} kind="primary" icon="plus" onClick=${create}>${t("base.act.create_tunnel")}<//>`
  }>
    <div class="tiles">${tile("all", "")}${tile("active", "?state=active")}${tile("provisioning", "?state=provisioning", "warn")}${tile("errors", "?trouble=true", "bad")}</div>
    <${Table} name="tunnels" list="/api/tunnels" search="q" live=${["tunnel"]} columns=${columns} filters=${filters} href=${(r) => "/admin/tunnels/" + r.id}
      empty=${html`<${Empty} icon="route" title=${t("tunnels.none")} command="sett tunnel create --name pbx --hostname pbx.example.com --service https://localhost:8089"
        act=${may("operator") && html`<${Button} onClick=${create}><${Icon} name="plus"/>${t("base.act.create_tunnel")}<//>`}>${t("tunnels.none_help")}<//>`}/><//>`;
}
