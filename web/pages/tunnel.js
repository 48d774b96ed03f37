// A tunnel: whether it is well, who is connected, where its names lead, its rules, its log.
import { html, useState } from "../base/h.js";
import { get, may, plan, send } from "../base/api.js";
import { t, word } from "../base/lang.js";
import { Time, number } from "../base/say.js";
import { go, path as here } from "../base/route.js";
import {
  Button,
  Card,
  Code,
  Copy,
  Facts,
  Icon,
  Loading,
  Menu,
  Page,
  State,
  Tabs,
  toast,
  Trouble,
  useLoad,
} from "../base/ui.js";
import { confirm, Dialog, show } from "../base/dialog.js";
import { asCommand, Form, Plan, Says } from "../base/form.js";
import { Table } from "../base/table.js";
import { watchJob } from "../base/job.js";
import { useLive } from "../base/live.js";
import { LogView } from "../base/logs.js";
import { kindOf } from "../parts/tunnels.js";
import { Rules } from "../parts/tunnel-rules.js";

const nameOf = (x) => x.hostname || x.name;
const looks = {
  healthy: "good",
  stopped: "bad",
  gone: "bad",
  mute: "bad",
  unconnected: "bad",
  unnamed: "warn",
  lagging: "warn",
  degraded: "warn",
  starting: "busy",
};

/** What the provider and the connector say now; asked again whenever the tunnel changes. */
function Status({ of: x }) {
  const {
    data: s,
    problem,
    busy,
    again,
  } = useLoad(() => get(`/api/tunnels/${x.id}/status`), [x.id, x.updated_at, x.health]);
  const links = (s?.provider_connectors || []).flatMap((c) =>
    c.links.map((l, i) => ({ ...l, id: c.id + i, connector: c })),
  );
  const columns = [
    {
      id: "colo",
      label: t("tunnel.colo"),
      show: (l) => html`${l.colo} <${State} of=${l.pending ? "pending" : "connected"} group="tunnel.link"/>`,
    },
    { id: "since", label: t("tunnel.since"), show: (l) => html`<${Time} at=${l.since}/>` },
    {
      id: "client",
      label: t("tunnel.client"),
      show: (l) =>
        html`${l.connector.version} <span class="quiet">${l.connector.arch}</span> <code>${l.origin_ip}</code>`,
    },
  ];
  return html`<${Card} title=${t("tunnel.status")} acts=${html`<${Button} icon="refresh-cw" busy=${busy} onClick=${again}>${t("tunnel.look")}<//>`}>
    <${Trouble} of=${problem} again=${again}/>
    ${
      !s
        ? !problem && html`<${Loading}/>`
        : html`
      <p><${State} of=${s.health} group="tunnel.health" look=${looks[s.health] || ""}/> ${s.summary}</p>
      ${s.remedy && html`<p class="note warn">${s.remedy}</p>`}
      ${
        s.last_error &&
        !s.last_error.over &&
        html`<div class="trouble"><${Icon} name="circle-alert"/><div><strong>${s.last_error.cause || t("tunnel.last_error")}</strong>
        <code>${s.last_error.line}</code>${s.last_error.remedy && html`<p>${s.last_error.remedy}</p>`}</div></div>`
      }
      ${
        s.ingress === "cloudflare" &&
        html`<${Facts} of=${[
          [
            t("tunnel.provider"),
            s.provider_status ? html`<${State} of=${s.provider_status}/>` : s.provider_error,
          ],
          [
            t("tunnel.connector"),
            html`<${State} of=${s.connector_running ? "running" : "down"} look=${s.connector_running ? "good" : "bad"} group="tunnel.unit"/>`,
          ],
          [t("tunnel.version"), s.connector_version],
          [t("tunnel.started"), html`<${Time} at=${s.connector_since}/>`],
          [t("tunnel.restarts"), number(s.connector_restarts)],
          [t("tunnel.requests"), `${number(s.requests)} / ${number(s.request_errors)}`],
        ]}/>`
      }
      ${
        s.ingress === "cloudflare" &&
        (links.length
          ? html`<${Table} name="tunnel-links" data=${links} columns=${columns} caption=${t("tunnel.connections")}/>`
          : html`<p class="quiet">${t("tunnel.no_connections")}</p>`)
      }`
    }<//>`;
}

const signs = {
  good: ["circle-check", "good"],
  note: ["info", ""],
  bad: ["circle-x", "bad"],
  warn: ["triangle-alert", "warn"],
  fault: ["circle-x", "bad"],
};
/** The way of a visitor, backwards, and what to change. */
const probe = (x) =>
  show(({ close }) => {
    const [path, setPath] = useState(""),
      [asked, setAsked] = useState("");
    const {
      data: p,
      problem,
      busy,
      again,
    } = useLoad(() => get(`/api/tunnels/${x.id}/probe`, { path: asked }), [asked]);
    const ask = (e) => {
      e.preventDefault();
      if (path === asked) again();
      setAsked(path);
    };
    return html`<${Dialog} title=${t("tunnel.probe_of", { name: nameOf(x) })} close=${close} kind="wide"><form class="tools" style=${{ alignItems: "end" }} onSubmit=${ask}>
      <label class="field"><span>${t("tunnel.probe_path")}</span><input value=${path} placeholder="/ws" onInput=${(e) => setPath(e.target.value)}/></label>
      <${Button} type="submit" icon="test-tube" busy=${busy}>${t("tunnel.probe_again")}<//></form>
    <${Trouble} of=${problem}/>
    ${
      !p
        ? !problem && html`<${Loading}/>`
        : html`<div aria-live="polite" class="stack">
      <p class=${"note " + (p.fine ? "good" : "warn")}><strong>${p.cause}</strong></p>
      ${!p.fine && html`<p><b>${t("tunnel.to_change")}</b> ${p.change}</p>`}${p.command && html`<${Code} block>${p.command}<//>`}
      <ul class="steps">${p.findings.map((f) => {
        const [icon, kind] = signs[f.sign] || signs.note;
        return html`<li class=${kind}>
        <${Icon} name=${icon} label=${word("tunnel.sign", f.sign)}/><b>${word("tunnel.stage", f.stage)}</b><span class="text">${f.text}</span></li>`;
      })}</ul></div>`
    }
    <${Says} op="tunnel.probe" id=${x.name} values=${{ path: asked }} method="GET" path=${`/api/tunnels/${x.id}/probe`}/><//>`;
  });

async function restart(x) {
  try {
    watchJob(await send("POST", `/api/tunnels/${x.id}/restart`), t("tunnel.restart"));
  } catch (p) {
    toast(p.message, { kind: "bad" });
  }
}

/** What goes with it is told by the plan and by its rules; an adopted one can be let go instead. */
async function remove(x, release) {
  const params = x.adopted ? { action: release ? "release" : "delete" } : undefined;
  const [steps, rules] = await Promise.all([
    plan("DELETE", "/api/tunnels/" + x.id, undefined, params).catch(() => ({})),
    get(`/api/tunnels/${x.id}/rules`).catch(() => ({ data: [] })),
  ]);
  const hosts = [...new Set([x.hostname, ...rules.data.map((r) => r.hostname)].filter(Boolean))];
  const dies = release
    ? [t("tunnel.dies_release")]
    : [
        t("tunnel.dies_connector"),
        ...hosts.map((h) => t("tunnel.dies_host", { name: h })),
        rules.data.length > 2 && t("tunnel.dies_rules", { n: rules.data.length - 2 }),
        x.tenant_id && t("tunnel.dies_tenant", { name: x.tenant_name }),
      ].filter(Boolean);
  const answer = await confirm({
    title: t(release ? "tunnel.release" : "tunnel.delete"),
    name: nameOf(x),
    dies,
    kind: "danger",
    body: steps.steps && html`<${Plan} of=${steps}/>`,
    command: asCommand("tunnel.delete", params, { id: x.name, confirm: nameOf(x) }),
    run: () => send("DELETE", "/api/tunnels/" + x.id, undefined, { params }),
  });
  if (answer) {
    watchJob(answer, t(release ? "tunnel.release" : "tunnel.delete"));
    go("/admin/tunnels");
  }
}

/** Where its own route leads, and what answers for the rest. */
const route = (x, again) =>
  show(
    ({ close }) => html`<${Dialog} title=${t("tunnel.route")} close=${close}>
  <${Form} fields=${[
    !x.tenant_id &&
      x.hostname && {
        name: "service",
        label: t("tunnels.service"),
        required: true,
        help: t("tunnels.service_help"),
        wide: true,
      },
    x.hostname && { name: "path", label: t("tunnels.path"), help: t("tunnels.path_help"), keepEmpty: true },
    {
      name: "catch_all",
      label: t("tunnel.catch_all"),
      placeholder: "http_status:404",
      keepEmpty: true,
      help: t("tunnel.catch_all_help"),
    },
    x.hostname && {
      name: "origin_server_name",
      label: t("tunnels.server_name"),
      help: t("tunnels.server_name_help"),
      keepEmpty: true,
    },
    x.hostname && { name: "http_host_header", label: t("tunnel.host_header"), keepEmpty: true },
    x.hostname && { name: "no_tls_verify", label: t("tunnels.no_tls_verify"), type: "checkbox" },
  ].filter(
    Boolean,
  )} start=${x} op="tunnel.update" id=${x.name} method="PATCH" path=${"/api/tunnels/" + x.id} submit=${t("base.save")} preview cancel=${close}
    done=${(answer) => {
      close();
      again();
      watchJob(answer, t("tunnel.route"));
    }}/><//>`,
  );

function Overview({ of: x }) {
  const dns = x.cname,
    away = x.state === "active" && dns;
  return html`<div class="stack">
    ${x.state_reason && html`<div class="trouble"><${Icon} name="circle-alert"/><div><strong>${x.state_reason}</strong></div></div>`}
    <${Card}><${Facts} of=${[
      [
        t("tunnels.hostname"),
        x.hostname &&
          (x.hostname.startsWith("*")
            ? x.hostname
            : html`<a href=${"https://" + x.hostname}>${x.hostname}</a>`),
      ],
      [t("tunnels.service"), x.service && html`<code>${x.service}</code>`],
      [t("tunnels.path"), x.path && html`<code>${x.path}</code>`],
      x.tenant_id && [
        t("tunnels.tenant"),
        html`<a href=${"/admin/tenants/" + x.tenant_id}>${x.tenant_name || x.tenant_number}</a>`,
      ],
      [t("tunnels.kind"), kindOf(x)],
      x.carrier_id && [
        t("tunnel.carrier"),
        html`<a href=${"/admin/tunnels/" + x.carrier_id}>${t("tunnel.carrier_link")}</a>`,
      ],
      [t("tunnels.name"), html`<code>${x.name}</code>`],
      [t("tunnels.number"), x.number],
      [t("tunnels.config"), x.ingress === "cloudflare" ? t("tunnels.config_" + x.config) : t("tunnel.local")],
      [t("tunnels.cf_id"), x.cf_tunnel && html`<code>${x.cf_tunnel}</code><${Copy} text=${x.cf_tunnel}/>`],
      [t("tunnels.created"), html`<${Time} at=${x.created_at}/>`],
    ]}/><//>
    ${x.state !== "deleted" && html`<${Status} of=${x}/>`}
    ${
      away &&
      html`<${Card} title=${t("tunnel.dns")}><p class="quiet">${t(x.cf_record ? "tunnel.dns_ours" : "tunnel.dns_theirs")}</p>
      <${Table} name="tunnel-dns" data=${[{ id: 1, ...dns }]} caption=${t("tunnel.dns")} columns=${[
        { id: "type", label: t("tunnel.type") },
        { id: "name", label: t("tunnels.name"), show: (r) => html`<${Code}>${r.name}<//>` },
        { id: "target", label: t("tunnel.target"), show: (r) => html`<${Code}>${r.target}<//>` },
      ]}/><//>`
    }
    ${
      x.shared &&
      html`<${Card} title=${t("tunnel.routes")} kind="flush"><${Table} name="tunnel-routes" list="/api/tunnels" params=${{ carrier_id: x.id }} live=${["tunnel"]}
      href=${(r) => "/admin/tunnels/" + r.id} columns=${[
        { id: "hostname", label: t("tunnels.hostname"), always: true },
        { id: "state", label: t("tunnels.state"), show: (r) => html`<${State} of=${r.state}/>` },
        { id: "tenant_name", label: t("tunnels.tenant") },
      ]}/><//>`
    }</div>`;
}

export default function Tunnel({ params, query }) {
  const { data: x, problem, again } = useLoad(() => get("/api/tunnels/" + params.id), [params.id]);
  useLive(["tunnel"], again, x && [x.id]);
  if (!x) return problem ? html`<${Trouble} of=${problem}/>` : html`<${Loading}/>`;
  const over = x.state === "deleted" || x.state === "deleting",
    far = x.ingress === "cloudflare";
  const tabs = [
    ["", t("tunnel.tab_overview")],
    far && !x.shared && ["rules", t("tunnels.rules")],
    far && !x.carrier_id && ["log", t("tunnel.tab_log")],
  ].filter(Boolean);
  const at = tabs.some(([id]) => id === query.tab) ? query.tab : "";
  const more = [
    !x.shared && { label: t("tunnel.route"), icon: "pencil", act: () => route(x, again) },
    x.adopted && { label: t("tunnel.release"), icon: "unlink", act: () => remove(x, true) },
    { label: t("tunnel.delete"), icon: "trash-2", kind: "danger", act: () => remove(x) },
  ];
  return html`<${Page} title=${nameOf(x)} back=${["/admin/tunnels", t("base.page.tunnels")]}
      lead=${html`<span class="row"><${State} of=${x.state} title=${x.state_reason}/>${x.health !== "unknown" && html`<${State} of=${x.health} group="base.health"/>`}</span>`}
      acts=${
        !over &&
        html`${!x.shared && html`<${Button} icon="test-tube" onClick=${() => probe(x)}>${t("tunnel.probe")}<//>`}
        ${
          may("operator") &&
          html`${!x.elsewhere && html`<${Button} icon="rotate-cw" onClick=${() => restart(x)}>${t("tunnel.restart")}<//>`}
          <${Menu} label=${t("base.more")} items=${more}/>`
        }`
      }>
    ${tabs.length > 1 && html`<${Tabs} tabs=${tabs} at=${at} href=${(id) => here.value + (id && "?tab=" + id)}/>`}
    ${
      at === "rules"
        ? html`<${Rules} of=${x} again=${again} route=${() => route(x, again)}/>`
        : at === "log"
          ? html`<${LogView} path=${`/api/tunnels/${x.id}/logs`} name=${x.name}/>`
          : html`<${Overview} of=${x}/>`
    }<//>`;
}
