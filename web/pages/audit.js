// The audit: who did what. All filters stand in the address; each entry shows what it is sealed to; the chain can be
// checked here, and taken away to be checked elsewhere.
import { html, useEffect, useState } from "../base/h.js";
import { placed } from "../base/place.js";
import { get, url } from "../base/api.js";
import { t, word } from "../base/lang.js";
import { Time, exact, number, took } from "../base/say.js";
import { query, setQuery } from "../base/route.js";
import {
  Button,
  Code,
  Copy,
  Empty,
  Facts,
  Icon,
  Loading,
  Menu,
  Page,
  State,
  Trouble,
  useLoad,
} from "../base/ui.js";
import { Dialog, show } from "../base/dialog.js";
import { Table } from "../base/table.js";

const places = {
  tn: "tenants",
  cu: "customers",
  tun: "tunnels",
  dom: "domains",
  job: "jobs",
  snap: "backups",
};
/** What an entry is about leads to its page, if it has one. */
const place = (id) => {
  const p = places[id?.split("_")[0]];
  return p ? `/admin/${p}/${id}` : null;
};
const About = ({ id }) =>
  !id ? "–" : place(id) ? html`<a href=${place(id)}>${id}</a>` : html`<code>${id}</code>`;
const Result = ({ of }) =>
  html`<${State} of=${of} group="audit.result" look=${of === "ok" ? "good" : "bad"}/>`;
const zero = (hash) => !hash || /^0+$/.test(hash);
const Hash = ({ of, none }) =>
  zero(of)
    ? html`<span class="quiet">${none}</span>`
    : html`<span class="row"><code>${of}</code><${Copy} text=${of}/></span>`;

const entry = (start) =>
  show(({ close }) => {
    const [n, go] = useState(start);
    const { data: e, problem } = useLoad(() => get("/api/audit/" + n), [n]);
    useEffect(() => {
      setQuery({ entry: n });
      return () => setQuery({ entry: null });
    }, [n]);
    if (!e)
      return html`<${Dialog} kind="side" title=${t("audit.entry", { n })} close=${close}>${problem ? html`<${Trouble} of=${problem}/>` : html`<${Loading}/>`}<//>`;
    const filter = (name, value) =>
      html`<${Button} kind="quiet" icon="funnel" label=${t("audit.only", { what: value })} onClick=${() => {
        close();
        setTimeout(() => setQuery({ [name]: value, after: null, before: null }));
      }}/>`;
    const foot = html`<${Button} icon="chevron-left" disabled=${n <= 1} onClick=${() => go(n - 1)}>${t("audit.before_it")}<//><${Button} onClick=${() => go(n + 1)}>${t("audit.after_it")}<${Icon} name="chevron-right"/><//><code>sett audit show ${n}</code>`;
    return html`<${Dialog} kind="side" title=${t("audit.entry", { n: String(n) })} close=${close} foot=${foot}>
    <p class="row"><code>${e.action}</code><${Result} of=${e.result}/><${State} of=${e.intact ? "intact" : "broken"} group="audit.chain" look=${e.intact ? "good" : "bad"}/></p>
    ${e.reason && html`<p class="note">${e.reason}</p>`}
    <${Facts} of=${[
      [t("audit.when"), html`${exact(e.at)} <${Time} at=${e.at}/>`],
      [
        t("audit.who"),
        html`<span class="row">${e.actor_name} <code>${e.actor || "–"}</code>${e.actor && filter("actor", e.actor)}</span>`,
      ],
      [t("audit.how"), word("audit.by", e.actor_kind)],
      [t("audit.address"), e.address],
      [
        t("audit.about"),
        e.object_id &&
          html`<span class="row"><${About} id=${e.object_id}/>${filter("object_id", e.object_id)}</span>`,
      ],
      [t("audit.job"), e.job_id && html`<${About} id=${e.job_id}/>`],
      [
        t("base.request"),
        e.request_id &&
          html`<span class="row"><code>${e.request_id}</code><${Copy} text=${e.request_id}/></span>`,
      ],
    ]}/>
    <h3>${t("audit.hashes")}</h3><p class="quiet">${t("audit.hashes_help")}</p>
    <${Facts} of=${[
      [t("audit.before"), html`<${Hash} of=${e.before} none=${t("audit.not_there")}/>`],
      [t("audit.after"), html`<${Hash} of=${e.after} none=${t("audit.not_there")}/>`],
      [t("audit.sealed_to"), html`<${Hash} of=${e.previous} none=${t("audit.first")}/>`],
      [t("audit.own_hash"), html`<${Hash} of=${e.hash}/>`],
    ]}/><//>`;
  });

/** The whole chain is walked; the verdict is told whatever it is. */
const verify = () =>
  show(({ close }) => {
    const [began] = useState(performance.now());
    const { data, problem, busy } = useLoad(() => get("/api/audit/verify"), []);
    return html`<${Dialog} title=${t("audit.verify")} close=${close} foot=${html`<code>sett audit verify</code>`}>
    ${
      busy
        ? html`<p role="status"><${Icon} name="loader-circle" spin/> ${t("audit.verifying")}</p>`
        : data
          ? html`<p><${State} of="intact" group="audit.chain" look="good"/></p><p>${t("audit.intact", { n: data.entries, took: took(performance.now() - began) })}</p>`
          : html`<p><${State} of="broken" group="audit.chain" look="bad"/></p><${Trouble} of=${problem}/>`
    }<//>`;
  });

const day = (text, end) =>
  /^\d{4}-\d\d-\d\d$/.test(text || "") ? text + (end ? "T23:59:59.999Z" : "T00:00:00Z") : text;

export default function Audit() {
  const q = query.value,
    span = { from: day(q.from), until: day(q.until, true) };
  useEffect(() => {
    if (q.entry) entry(Number(q.entry));
  }, []);
  const columns = [
    {
      id: "at",
      label: t("audit.when"),
      always: true,
      show: (e) =>
        html`<button type="button" class="link row" onClick=${() => entry(e.number)}><${Time} at=${e.at}/></button>`,
    },
    { id: "action", label: t("audit.what"), show: (e) => html`<code>${e.action}</code>` },
    { id: "object_id", label: t("audit.about"), show: (e) => html`<${About} id=${e.object_id}/>` },
    {
      id: "actor",
      label: t("audit.who"),
      show: (e) =>
        html`<span title=${e.actor}>${e.actor_name || e.actor || "–"} <span class="quiet">${word("audit.by", e.actor_kind)}</span></span>`,
    },
    { id: "result", label: t("audit.ended"), show: (e) => html`<${Result} of=${e.result}/>` },
    { id: "reason", label: t("audit.reason"), wide: true },
    { id: "address", label: t("audit.address"), hidden: true },
    { id: "number", label: t("audit.number"), end: true, hidden: true, show: (e) => number(e.number) },
    {
      id: "request_id",
      label: t("base.request"),
      hidden: true,
      show: (e) => html`<code>${e.request_id}</code>`,
    },
  ];
  const filters = [
    { id: "action", label: t("audit.action_hint"), type: "text" },
    { id: "actor", label: t("audit.who"), type: "text" },
    { id: "object_id", label: t("audit.about"), type: "text" },
    {
      id: "result",
      label: t("audit.ended"),
      options: [
        ["ok", word("audit.result", "ok")],
        ["failed", t("audit.all_failed")],
        ...["forbidden", "unauthenticated", "invalid", "conflict"].map((r) => [r, word("audit.result", r)]),
      ],
    },
    { id: "from", label: t("audit.from"), type: "date", asked: (v) => day(v) },
    { id: "until", label: t("audit.until"), type: "date", asked: (v) => day(v, true) },
  ];
  const out = (format) => url("/api/audit/export", { format, ...span });
  const acts = html`<${Button} icon="shield-check" onClick=${verify}>${t("audit.verify")}<//>
    <${Menu} kind="" icon="download" label=${t("audit.export")} items=${["ndjson", "csv"].map((f) => ({ label: f.toUpperCase(), icon: "file-text", act: () => location.assign(placed(out(f))) }))}>${t("audit.export")}<//>`;
  return html`<${Page} title=${t("base.page.audit")} lead=${t("audit.lead")} acts=${acts}>
    <${Table} name="audit" list="/api/audit" search="text" rowKey=${(e) => e.number} live=${["audit"]} columns=${columns} filters=${filters}
      empty=${html`<${Empty} icon="scroll-text" title=${t("audit.none")} command="sett audit list">${t("audit.none_help")}<//>`}/>
    <p class="quiet">${t("audit.elsewhere")} <${Code}>${"sett audit export > audit.ndjson"}<//> <${Code}>sett audit check audit.ndjson<//></p><//>`;
}
