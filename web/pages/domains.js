// Customers' domains: who is waited for, how long there is, and what the customer has to enter.
import { html, useState } from "../base/h.js";
import { get, may, send } from "../base/api.js";
import { lang, languages, t, word } from "../base/lang.js";
import { Time, number } from "../base/say.js";
import { go, setQuery } from "../base/route.js";
import {
  Button,
  Card,
  Code,
  Empty,
  Facts,
  Icon,
  Loading,
  Menu,
  Page,
  State,
  Tile,
  toast,
  Trouble,
  useLoad,
} from "../base/ui.js";
import { confirm, Dialog, show } from "../base/dialog.js";
import { asCommand, Form } from "../base/form.js";
import { Table } from "../base/table.js";
import { watchJob } from "../base/job.js";
import { useLive } from "../base/live.js";
import { TenantInput } from "../parts/tunnels.js";

const looks = {
  active: "good",
  pending: "warn",
  moved: "bad",
  lost: "bad",
  failed: "bad",
  adding: "busy",
  routing: "busy",
  verifying: "busy",
  removing: "busy",
};
const order = [
  "pending",
  "active",
  "verifying",
  "routing",
  "adding",
  "moved",
  "lost",
  "failed",
  "removing",
  "removed",
];
const Where = ({ of: d }) =>
  html`<${State} of=${d.state} group="domains.state" look=${looks[d.state] || ""} title=${d.state_reason}/>`;
const tenantOf = (d) =>
  d.tenant_id && html`<a href=${"/admin/tenants/" + d.tenant_id}>${d.tenant_name || d.tenant_number}</a>`;

/** How long there is until the provider gives it up. */
const Left = ({ of: d }) =>
  d.days_left === null || !d.deadline_at
    ? html`<span class="quiet">–</span>`
    : html`<span class=${"state " + (d.days_left <= 3 ? "bad" : d.days_left <= 7 ? "warn" : "")} title=${t("domains.deadline_help")}><${Icon} name="hourglass"/>${t("domains.days", { n: d.days_left })}</span>`;

const fields = () => [
  { name: "name", label: t("domains.name"), required: true, placeholder: "mustermann.de", autofocus: true },
  { name: "tenant", label: t("domains.tenant"), input: TenantInput, required: true },
];
const add = () =>
  show(
    ({ close }) => html`<${Dialog} title=${t("domains.add")} close=${close}><p>${t("domains.add_help")}</p>
  <${Form} fields=${[
    ...fields(),
    {
      name: "via",
      label: t("domains.via"),
      type: "select",
      options: ["zone", "hostname", "local"].map((v) => [v, t("domains.via_" + v)]),
      help: t("domains.via_help"),
      wide: true,
    },
    { name: "www", label: t("domains.www"), type: "checkbox", value: true },
    { name: "adopt", label: t("domains.adopt"), type: "checkbox", parse: (v) => v || undefined },
  ]}
    op="domain.add" path="/api/domains" submit=${t("domains.add")} preview cancel=${close}
    done=${(answer) => {
      close();
      go("/admin/domains/" + answer.id);
      watchJob(answer, answer.unicode || answer.name);
    }}/><//>`,
  );

/** A domain that leads to another tenant: by a record that only its owner can enter. */
const claim = () =>
  show(({ close }) => {
    const [said, set] = useState(null);
    return html`<${Dialog} title=${t("domains.claim")} close=${close}><p>${t("domains.claim_help")}</p>
    ${said?.record && html`<div class="note"><p>${t("domains.claim_record")}</p><p><${Code} block>${[said.record.type, said.record.name, said.record.value].filter(Boolean).join(" ") || JSON.stringify(said.record)}<//></p></div>`}
    <${Form} fields=${[...fields(), { name: "prove", label: t("domains.prove"), type: "checkbox", parse: (v) => v || undefined, wide: true }]} op="domain.claim" path="/api/domains/claim"
      submit=${t("domains.claim")} cancel=${close} done=${(answer) => {
        if (answer.job) {
          close();
          watchJob(answer, t("domains.claim"));
        } else set(answer);
      }}/><//>`;
  });

/** What the customer has to enter, to copy line by line or as a letter in their language. */
function Instructions({ of: d }) {
  const [to, setTo] = useState("");
  const { data: i, problem } = useLoad(
    () => get(`/api/domains/${d.id}/instructions`, { language: to || lang.value }),
    [d.id, d.updated_at, to, lang.value],
  );
  const rows = (i?.records || d.records).map((r, n) => ({ ...r, id: n }));
  const letter = () =>
    show(
      ({ close }) => html`<${Dialog} title=${t("domains.letter")} close=${close} kind="wide">
    <pre class="letter" tabindex="0">${i.text}</pre><div class="acts end"><${Button} icon="copy" onClick=${() =>
      navigator.clipboard.writeText(i.text).then(
        () => toast(t("base.copied"), { kind: "good" }),
        () => {},
      )}>${t("domains.copy_letter")}<//>
      <a class="button" href=${"mailto:?subject=" + encodeURIComponent(i.title) + "&body=" + encodeURIComponent(i.text)}><${Icon} name="mail"/>${t("domains.mail")}</a></div><//>`,
    );
  const acts = html`<label class="filter"><span class="unseen">${t("base.language")}</span><select value=${to || lang.value} onChange=${(e) => setTo(e.target.value)}>
      ${Object.entries(languages).map(([l, name]) => html`<option value=${l} selected=${l === (to || lang.value)}>${name}</option>`)}</select></label>
    <${Button} icon="mail" disabled=${!i} onClick=${letter}>${t("domains.letter")}<//>`;
  return html`<${Card} title=${t("domains.instructions")} acts=${acts}><${Trouble} of=${problem}/>
    ${i && html`<ol class="instructions" lang=${i.language}>${i.steps.map((s) => html`<li>${s}</li>`)}</ol>`}
    ${
      rows.length > 0 &&
      html`<${Table} name="domain-records" data=${rows} caption=${t("domains.records")} columns=${[
        { id: "type", label: t("domains.type") },
        { id: "name", label: t("domains.host"), show: (r) => html`<${Code}>${r.name}<//>` },
        { id: "value", label: t("domains.value"), show: (r) => html`<${Code}>${r.value}<//>` },
      ]}/>`
    }<//>`;
}

async function remove(d) {
  const answer = await confirm({
    title: t("domains.remove"),
    name: d.name,
    dies: [
      t("domains.dies_name", { name: d.unicode }),
      d.www && t("domains.dies_name", { name: "www." + d.unicode }),
      d.via === "zone" && d.cf_made && t("domains.dies_zone"),
    ].filter(Boolean),
    command: asCommand("domain.remove", {}, { id: d.name, confirm: d.name }),
    run: () => send("DELETE", "/api/domains/" + d.id),
  });
  if (answer) {
    watchJob(answer, t("domains.remove"));
    go("/admin/domains");
  }
}

export const domain = ({ params }) => {
  const { data: d, problem, again } = useLoad(() => get("/api/domains/" + params.id), [params.id]);
  const [busy, setBusy] = useState(false),
    [seen, setSeen] = useState(null),
    [refused, setRefused] = useState(null);
  useLive(["domain"], again, d && [d.id]);
  if (!d) return problem ? html`<${Trouble} of=${problem}/>` : html`<${Loading}/>`;
  const look = async () => {
    setBusy(true);
    setRefused(null);
    try {
      const said = await send("POST", `/api/domains/${d.id}/check`);
      setSeen(said.seen);
      again();
      toast(t("domains.looked"), { kind: "good" });
    } catch (p) {
      setRefused(p);
    }
    setBusy(false);
  };
  const over = d.state === "removed" || d.state === "removing",
    yes = (v) => (v === undefined ? null : t(v ? "base.yes" : "base.no"));
  return html`<${Page} title=${d.unicode || d.name} back=${["/admin/domains", t("base.page.domains")]} lead=${html`<span class="row"><${Where} of=${d}/>${d.deadline_at && html`<${Left} of=${d}/>`}</span>`}
      acts=${
        !over &&
        html`<${Button} icon="refresh-cw" busy=${busy} onClick=${look}>${t("domains.check")}<//>
        ${may("operator") && html`<${Menu} label=${t("base.more")} items=${[{ label: t("domains.remove"), icon: "trash-2", kind: "danger", act: () => remove(d) }]}/>`}`
      }>
    <${Trouble} of=${refused}/>
    ${d.state_reason && d.state !== "active" && html`<p class=${"note " + (looks[d.state] === "bad" || looks[d.state] === "warn" ? "warn" : "")}>${d.state_reason}</p>`}
    ${d.lookalike && html`<p class="note warn">${t("domains.lookalike")}</p>`}
    ${
      seen &&
      html`<${Card} title=${t("domains.seen")}><${Facts} of=${[
        [t("domains.zone_status"), seen.zone_status && word("domains.zone", seen.zone_status)],
        [t("domains.ns_seen"), seen.name_servers_seen],
        [t("domains.ns_match"), yes(seen.name_servers_match)],
        [t("domains.proved"), yes(seen.proved)],
        [t("domains.hostname_status"), seen.hostname_status],
        [t("domains.ssl_status"), seen.ssl_status],
        [t("domains.points"), yes(seen.points)],
        [t("domains.address"), seen.address],
        [t("domains.answers"), yes(seen.answers)],
        [t("domains.trouble"), seen.trouble],
      ]}/><//>`
    }
    ${!over && html`<${Instructions} of=${d}/>`}
    <${Card}><${Facts} of=${[
      [t("domains.tenant"), tenantOf(d)],
      [t("domains.via"), t("domains.via_" + d.via)],
      d.deadline_at && [t("domains.deadline"), html`<${Time} at=${d.deadline_at}/>`],
      [t("domains.name_servers"), d.name_servers],
      d.proof !== "none" && [
        t("domains.proof"),
        html`${word("domains.proof", d.proof)} <${Time} at=${d.proved_at}/>`,
      ],
      d.routed_to && [
        t("domains.way"),
        html`<a href=${"/admin/tunnels/" + d.routed_to}>${t("domains.tunnel")}</a>`,
      ],
      [t("domains.checked"), html`<${Time} at=${d.checked_at}/>`],
      [t("domains.created"), html`<${Time} at=${d.created_at}/>`],
    ]}/><//><//>`;
};

export default function Domains({ query }) {
  if (query.new) {
    setQuery({ new: null });
    add();
  }
  const { data, again } = useLoad(() => get("/api/domains", { limit: 1, totals: true }), []);
  useLive(["domain"], again);
  const n = data?.totals,
    at = query.trouble
      ? "errors"
      : query.state === "pending"
        ? "waiting"
        : query.state === "active"
          ? "active"
          : query.state
            ? ""
            : "all";
  const tile = (id, find, kind) =>
    html`<${Tile} name=${t("domains.total_" + id)} value=${n && number(n[id])} current=${at === id} kind=${n?.[id] ? kind : ""} href=${"/admin/domains" + find}/>`;
  const columns = [
    { id: "name", label: t("domains.name"), sort: "name", always: true, show: (d) => d.unicode || d.name },
    { id: "state", label: t("tunnels.state"), show: (d) => html`<${Where} of=${d}/>` },
    { id: "deadline", label: t("domains.left"), sort: "deadline", show: (d) => html`<${Left} of=${d}/>` },
    { id: "tenant", label: t("domains.tenant"), show: tenantOf },
    { id: "via", label: t("domains.via"), show: (d) => t("domains.via_" + d.via) },
    { id: "name_servers", label: t("domains.name_servers"), hidden: true, show: (d) => d.name_servers },
    { id: "checked_at", label: t("domains.checked"), show: (d) => html`<${Time} at=${d.checked_at}/>` },
    {
      id: "created_at",
      label: t("domains.created"),
      sort: "created",
      hidden: true,
      show: (d) => html`<${Time} at=${d.created_at}/>`,
    },
  ];
  const filters = [
    { id: "state", label: t("tunnels.state"), options: order.map((s) => [s, word("domains.state", s)]) },
    {
      id: "via",
      label: t("domains.via"),
      options: ["zone", "hostname", "local"].map((v) => [v, t("domains.via_" + v)]),
    },
    { id: "trouble", label: t("tunnels.attention"), options: [["true", t("domains.total_errors")]] },
  ];
  return html`<${Page} title=${t("base.page.domains")} acts=${
    may("operator") &&
    html`<${Menu} label=${t("base.more")} items=${[{ label: t("domains.claim"), icon: "key-round", act: claim }]}/>
      <${Button} kind="primary" icon="plus" onClick=${add}>${t("domains.add")}<//>`
  }>
    <div class="tiles">${tile("all", "")}${tile("waiting", "?state=pending&sort=deadline", "warn")}${tile("active", "?state=active")}${tile("errors", "?trouble=true", "bad")}</div>
    <${Table} name="domains" list="/api/domains" search="q" live=${["domain"]} columns=${columns} filters=${filters} href=${(d) => "/admin/domains/" + d.id}
      empty=${html`<${Empty} icon="globe" title=${t("domains.none")} command="sett domain add mustermann.de --tenant acme">${t("domains.none_help")}<//>`}/><//>`;
}
