// Drift: where what is outside is not what the records want. What is there beside what should be there; then it is
// accepted, ignored for a while, or brought back.
import { html, useEffect, useState } from "../base/h.js";
import { get, may, plan, send, url } from "../base/api.js";
import { t, word } from "../base/lang.js";
import { Time, number, took } from "../base/say.js";
import { query, setQuery } from "../base/route.js";
import { useLive } from "../base/live.js";
import {
  Button,
  Card,
  Code,
  Empty,
  Facts,
  Icon,
  Loading,
  Page,
  State,
  Tabs,
  Trouble,
  toast,
  useLoad,
} from "../base/ui.js";
import { Dialog, show } from "../base/dialog.js";
import { Field, Plan, Says } from "../base/form.js";
import { Table } from "../base/table.js";
import { JobView, watchJob } from "../base/job.js";

const states = ["open", "reverting", "ignored", "accepted", "gone"];
const kinds = ["tunnel", "rules", "dns", "connector", "route", "runtime", "folder"],
  verdicts = ["missing", "differs", "orphan"];
const looks = { missing: "bad", differs: "warn", orphan: "" };
const Verdict = ({ of: d }) =>
  html`<${State} of=${d.verdict} group="drift.verdict" look=${looks[d.verdict]}/>`;

/** Where its owner is shown. */
const owner = (d) =>
  d.domain_id
    ? ["/admin/domains/" + d.domain_id, t("base.page.domains")]
    : d.tunnel_id
      ? ["/admin/tunnels/" + d.tunnel_id, t("base.page.tunnels")]
      : d.tenant_id
        ? ["/admin/tenants/" + d.tenant_id, t("base.page.tenants")]
        : null;
const inDays = (n) => new Date(Date.now() + n * 86400000).toISOString().slice(0, 10);

/** The three ways to decide; each says itself as a command. */
function Decide({ of: d, close }) {
  const [how, setHow] = useState(d.remedy ? "revert" : "accept"),
    [reason, setReason] = useState(""),
    [until, setUntil] = useState(inDays(7)),
    [shown, setShown] = useState(null),
    [problem, setProblem] = useState(null),
    [busy, setBusy] = useState(false),
    [typed, setTyped] = useState("");
  const dies = how === "revert" && d.verdict === "orphan",
    name = d.name || d.thing; // it is removed for good
  useEffect(() => {
    setShown(null);
    if (how === "revert" && d.remedy)
      plan("POST", `/api/drift/${d.id}/revert`, {}).then(setShown, setProblem);
  }, [how]);
  const body =
    how === "revert"
      ? {}
      : { ...(reason && { reason }), ...(how === "ignore" && { until: until + "T00:00:00Z" }) };
  const path = `/api/drift/${d.id}/${how}`;
  const go = async (e) => {
    e.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      const answer = await send("POST", path, body);
      close();
      if (how === "revert") watchJob(answer, name);
      else toast(t("drift.decided"), { kind: "good" });
    } catch (p) {
      setProblem(p);
    }
    setBusy(false);
  };
  const choice = (id) =>
    html`<label class="row" key=${id}><input type="radio" name="how" value=${id} checked=${how === id} disabled=${id === "revert" && !d.remedy} onChange=${() => setHow(id)}/> ${t("drift." + id)}</label>`;
  return html`<form class="form" onSubmit=${go}><div class="row" role="radiogroup" aria-label=${t("drift.decide")}>${["revert", "accept", "ignore"].map(choice)}</div>
    <p class="quiet">${how === "revert" ? d.remedy : t(`drift.${how}_help`)}</p>
    ${
      how !== "revert" &&
      html`<div class="fields">${how === "ignore" && html`<${Field} of=${{ name: "drift-until", label: t("drift.until"), type: "date", required: true, min: inDays(1) }} value=${until} change=${setUntil}/>`}
      <${Field} of=${{ name: "drift-reason", label: t("drift.reason"), maxlength: 200 }} value=${reason} change=${setReason}/></div>`
    }
    ${shown && html`<${Plan} of=${shown}/>`}${dies && html`<label class="field"><span>${t("base.type_name", { name })}</span><input value=${typed} onInput=${(e) => setTyped(e.target.value)} autocomplete="off" spellcheck=${false}/></label>`}<${Trouble} of=${problem}/>
    <div class="acts end"><${Says} op=${"drift." + how} id=${d.id} method="POST" path=${path} body=${body}/><${Button} onClick=${() => close()}>${t("base.cancel")}<//>
      <${Button} type="submit" kind=${dies ? "danger" : "primary"} busy=${busy} disabled=${dies && typed.trim() !== name}>${t("drift." + how)}<//></div></form>`;
}

const open = (id) =>
  show(({ close }) => {
    const { data: d, problem } = useLoad(() => get("/api/drift/" + id), []);
    const away = () => {
      setQuery({ id: null });
      close();
    };
    if (!d)
      return html`<${Dialog} title=${t("base.page.drift")} close=${away}>${problem ? html`<${Trouble} of=${problem}/>` : html`<${Loading}/>`}<//>`;
    const to = owner(d),
      decided = ["open", "ignored", "accepted"].includes(d.state);
    return html`<${Dialog} kind="wide" title=${d.name || d.thing} close=${away}>
    <p class="row"><${Verdict} of=${d}/><${State} of=${d.state} group="drift.state"/><span class="quiet">${word("drift.kind", d.kind)} · <code>${d.thing}</code></span></p>
    <div class="side-by-side"><div><h3>${t("drift.desired")}</h3>${d.desired || "–"}</div><div><h3>${t("drift.actual")}</h3>${d.actual || "–"}</div>${d.recorded && d.recorded !== d.desired && html`<div><h3>${t("drift.recorded")}</h3>${d.recorded}</div>`}</div>
    <${Facts} of=${[
      to && [t("drift.owner"), html`<a href=${to[0]} onClick=${away}>${to[1]}</a>`],
      [t("drift.first_seen"), html`<${Time} at=${d.first_seen_at}/>`],
      [t("drift.seen"), html`<${Time} at=${d.seen_at}/>`],
      d.ignore_until && [t("drift.until"), html`<${Time} at=${d.ignore_until}/>`],
      [t("drift.reason"), d.reason],
    ]}/>
    ${d.state === "reverting" && d.job_id && html`<${JobView} id=${d.job_id}/>`}
    ${decided && may("operator") && html`<${Decide} of=${d} close=${away}/>`}<//>`;
  });

/** When it was looked last, what was found, what could not be looked at; and looking now. */
function Scan() {
  const { data: s, again } = useLoad(() => get("/api/drift/scan"), []);
  useLive(["drift_scan"], again);
  const now = () => send("POST", "/api/drift/scan", {}).then(again, (p) => toast(p.message, { kind: "bad" }));
  if (!s) return null;
  const busy = s.state !== "idle";
  return html`<${Card}><div class="row">${(busy || s.ended_at) && html`<${State} of=${busy ? "running" : "done"} group="drift.scan" look=${busy ? "busy" : "good"}/>`}
      <span>${s.ended_at ? html`${t("drift.looked", { n: s.looked })} <${Time} at=${s.ended_at}/>, ${took(Date.parse(s.ended_at) - Date.parse(s.started_at))}` : t("drift.never")}</span><span class="grow"></span>
      ${may("operator") && html`<${Button} icon="refresh-cw" busy=${busy} onClick=${now}>${t("drift.scan_now")}<//>`}</div>
    ${s.unread && html`<p class="note warn"><${Icon} name="triangle-alert"/> ${t("drift.unread")} ${s.unread}</p>`}
    ${s.held > 0 && html`<p class="quiet">${t("drift.held", { n: s.held })} ${s.held_why}</p>`}<//>`;
}

async function many(ids, clear) {
  let failed = 0;
  for (const id of ids) await send("POST", `/api/drift/${id}/accept`, {}).catch(() => failed++);
  clear();
  toast(failed ? t("drift.some_failed", { n: failed }) : t("drift.decided"), {
    kind: failed ? "bad" : "good",
  });
}

export default function Drift() {
  const q = query.value,
    at = states.includes(q.state) ? q.state : "open";
  useEffect(() => {
    if (q.id) open(q.id);
  }, []);
  const { data: scan, again } = useLoad(() => get("/api/drift/scan"), []);
  useLive(["drift", "drift_scan"], again);
  const columns = [
    {
      id: "name",
      label: t("drift.thing"),
      always: true,
      show: (d) =>
        html`<button type="button" class="link row" onClick=${() => {
          setQuery({ id: d.id });
          open(d.id);
        }}>${d.name || d.thing}</button>`,
    },
    { id: "verdict", label: t("drift.finding"), show: (d) => html`<${Verdict} of=${d}/>` },
    { id: "kind", label: t("drift.what"), show: (d) => word("drift.kind", d.kind) },
    { id: "desired", label: t("drift.desired"), wide: true, show: (d) => d.desired || "–" },
    { id: "actual", label: t("drift.actual"), wide: true, show: (d) => d.actual || "–" },
    {
      id: "first_seen_at",
      label: t("drift.first_seen"),
      show: (d) => html`<${Time} at=${d.first_seen_at}/>`,
    },
    {
      id: "reason",
      label: t("drift.reason"),
      hidden: !["accepted", "ignored"].includes(at),
      show: (d) => d.reason,
    },
  ];
  const filters = [
    { id: "kind", label: t("drift.what"), options: kinds.map((k) => [k, word("drift.kind", k)]) },
    { id: "verdict", label: t("drift.finding"), options: verdicts.map((v) => [v, word("drift.verdict", v)]) },
  ];
  const bar =
    may("operator") && ["open", "ignored"].includes(at)
      ? (ids, clear) =>
          html`<${Button} icon="check" onClick=${() => many(ids, clear)}>${t("drift.accept")}<//>`
      : null;
  return html`<${Page} title=${t("base.page.drift")} lead=${t("drift.lead")}><${Scan}/>
    <${Tabs} at=${at} href=${(id) => url("/admin/drift", { state: id === "open" ? null : id })} tabs=${states.map((s) => [s, word("drift.state", s), s === "open" && scan ? number(scan.open) : undefined])}/>
    <${Table} key=${at} name="drift" list="/api/drift" params=${{ state: at }} search="text" live=${["drift"]} columns=${columns} filters=${filters} bar=${bar}
      empty=${html`<${Empty} icon="git-compare" title=${t(at === "open" ? "drift.none" : "drift.none_so")} command="sett drift scan">${t("drift.none_help")} ${at === "open" && html`<${Code}>sett drift list<//>`}<//>`}/><//>`;
}
