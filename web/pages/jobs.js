// Jobs: what the box does, step by step, as it happens; and what to do when one needs a person.
import { html, useState } from "../base/h.js";
import { send, may } from "../base/api.js";
import { t, word } from "../base/lang.js";
import { exact, took, Time } from "../base/say.js";
import {
  Button,
  Card,
  Code,
  Copy,
  Empty,
  Facts,
  Icon,
  Loading,
  Page,
  State,
  Trouble,
  toast,
} from "../base/ui.js";
import { Dialog, show } from "../base/dialog.js";
import { Says } from "../base/form.js";
import { Table } from "../base/table.js";
import { useJob, Steps } from "../base/job.js";

const states = ["stuck", "running", "queued", "waiting", "undoing", "done", "undone"];
const sagas = [
  "tenant.provision",
  "tenant.update",
  "tenant.restart",
  "tenant.suspend",
  "tenant.resume",
  "tenant.delete",
  "tenant.move",
  "tenant.restore",
  "tunnel.create",
  "tunnel.configure",
  "tunnel.restart",
  "tunnel.delete",
  "domain.add",
  "domain.remove",
  "snapshot.create",
  "snapshot.check",
  "snapshot.remove",
  "restore.commit",
  "event.apply",
  "drift.mend",
];
const pagesOf = { tenant: "/admin/tenants/", tunnel: "/admin/tunnels/", domain: "/admin/domains/" };

const kind = (job) => word("base.saga", job.saga.replace(".", "_"));
const lasted = (job) =>
  (job.ended_at || job.started_at) &&
  took(Date.parse(job.ended_at || new Date().toISOString()) - Date.parse(job.started_at || job.created_at));

/** What a job is about, by the name that people know. */
function About({ of: a }) {
  if (!a) return html`<span class="quiet">–</span>`;
  const text = a.name || (a.object === "box" ? t("jobs.box") : word("jobs.object", a.object));
  return pagesOf[a.object] && a.name ? html`<a href=${pagesOf[a.object] + a.id}>${text}</a>` : text;
}
const stepOf = (job) =>
  ["stuck", "waiting"].includes(job.state) && job.cause
    ? job.cause
    : job.live
      ? word("base.step", job.step_name)
      : "";

export default function Jobs() {
  const columns = [
    { id: "saga", label: t("jobs.what"), always: true, show: kind },
    { id: "about", label: t("jobs.about"), show: (j) => html`<${About} of=${j.about}/>` },
    { id: "state", label: t("jobs.state"), show: (j) => html`<${State} of=${j.state} group="base.job"/>` },
    {
      id: "step",
      label: t("jobs.step"),
      wide: true,
      show: (j) => html`<span class="quiet">${stepOf(j)}</span>`,
    },
    { id: "took", label: t("jobs.took"), end: true, show: lasted },
    { id: "created_at", label: t("jobs.begun"), show: (j) => html`<${Time} at=${j.created_at}/>` },
    { id: "actor", label: t("jobs.actor"), hidden: true, show: (j) => j.actor_name || j.actor },
    { id: "id", label: "id", hidden: true, show: (j) => html`<code>${j.id}</code>` },
  ];
  const filters = [
    { id: "state", label: t("jobs.state"), options: states.map((s) => [s, word("base.job", s)]) },
    {
      id: "saga",
      label: t("jobs.what"),
      options: sagas.map((s) => [s, word("base.saga", s.replace(".", "_"))]),
    },
    { id: "tenant_id", label: word("base.kind", "tenant"), type: "text" },
  ];
  return html`<${Page} title=${t("base.page.jobs")} lead=${t("jobs.lead")}>
    <${Table} name="jobs" list="/api/jobs" live=${["job"]} columns=${columns} filters=${filters} href=${(j) => "/admin/jobs/" + j.id}
      empty=${html`<${Empty} icon="list-checks" title=${t("jobs.none")} command="sett job list">${t("jobs.none_help")}<//>`}/><//>`;
}

/** Turned round, or the failed step called done: said before it is chosen. */
const resolve = (job) =>
  show(({ close }) => {
    const [how, choose] = useState("undo"),
      [busy, setBusy] = useState(false),
      [problem, setProblem] = useState(null);
    const path = `/api/jobs/${job.id}/resolve`;
    const choices = job.state === "stuck" ? ["undo", "done"] : ["undo"];
    const go = async (e) => {
      e.preventDefault();
      setBusy(true);
      setProblem(null);
      try {
        await send("POST", path, { how });
        close();
        toast(t("jobs.resolved"), { kind: "good" });
      } catch (p) {
        setProblem(p);
        setBusy(false);
      }
    };
    return html`<${Dialog} title=${t("jobs.resolve")} close=${close}><form class="stack" onSubmit=${go}>
    <fieldset class="stack choices"><legend class="unseen">${t("jobs.resolve")}</legend>${choices.map(
      (
        c,
      ) => html`<label class="field check"><input type="radio" name="how" checked=${how === c} onChange=${() => choose(c)}/>
      <span>${t("jobs.how_" + c)}</span><small>${t(`jobs.how_${c}_help`, { step: word("base.step", job.step_name) })}</small></label>`,
    )}</fieldset>
    <${Trouble} of=${problem}/>
    <div class="acts end"><${Says} op="job.resolve" id=${job.id} values=${{ how }} method="POST" path=${path} body=${{ how }}/>
      <${Button} onClick=${() => close()}>${t("base.cancel")}<//><${Button} type="submit" kind="danger" busy=${busy}>${t("jobs.how_" + how)}<//></div></form><//>`;
  });

/** Everything that somebody asked for help would want to see, as one text. */
const report = (job, steps) =>
  [
    `${job.id} ${job.saga} ${job.state}`,
    `step ${job.step_name}, attempt ${job.attempt}`,
    job.cause && `cause (${job.cause_class}): ${job.cause}`,
    job.remedy && `remedy: ${job.remedy}`,
    `request ${job.request_id}, by ${job.actor}, begun ${job.created_at}`,
    ...steps.map(
      (s) =>
        `${s.started_at} ${s.step} ${s.action} ${s.outcome}${s.attempt > 1 ? " ×" + s.attempt : ""}${s.text ? ": " + s.text : ""}`,
    ),
  ]
    .filter(Boolean)
    .join("\n");

/** Goes on from its failed step, or tries again at once instead of waiting. */
function Retry({ job, kind = "primary" }) {
  const [busy, setBusy] = useState(false);
  const retry = async () => {
    setBusy(true);
    try {
      await send("POST", `/api/jobs/${job.id}/retry`);
    } catch (p) {
      toast(p.message, { kind: "bad" });
    }
    setBusy(false);
  };
  return html`<${Button} icon="rotate-cw" kind=${kind} busy=${busy} onClick=${retry}>${t(job.state === "stuck" ? "jobs.retry" : "jobs.now")}<//>`;
}

function Failed({ job, steps }) {
  const waits = job.state === "waiting";
  return html`<div class=${"trouble" + (waits ? " warn" : "")} role=${waits ? null : "alert"}><${Icon} name=${waits ? "triangle-alert" : "circle-alert"}/><div>
    <strong>${word("base.step", job.step_name)}: ${job.cause}</strong>
    ${job.remedy && html`<p>${job.remedy}</p>`}
    <div class="acts">${job.state === "stuck" && may("operator") && html`<${Retry} job=${job}/><${Button} onClick=${() => resolve(job)}>${t("jobs.resolve")}…<//>`}<${Copy} text=${report(job, steps)} label=${t("jobs.copy_report")}/></div></div></div>`;
}

const Values = ({ title, of }) =>
  Object.keys(of || {}).length > 0 &&
  html`<details><summary>${title} <span class="count">${Object.keys(of).length}</span></summary>
  <${Facts} of=${Object.entries(of).map(([k, v]) => [k, html`<code>${v}</code>`])}/></details>`;

/** One job, as it happens. */
export function job({ params }) {
  const { job, steps, over, problem } = useJob(params.id);
  const back = ["/admin/jobs", t("base.page.jobs")];
  if (!job)
    return html`<${Page} title=${t("jobs.one")} back=${back}>${problem ? html`<${Trouble} of=${problem}/>` : html`<${Loading}/>`}<//>`;
  const waits = job.state === "waiting" && job.wake_at;
  const acts =
    !over &&
    job.state === "waiting" &&
    may("operator") &&
    html`<${Button} icon="undo-2" onClick=${() => resolve(job)}>${t("jobs.give_up")}…<//>${waits && html`<${Retry} job=${job}/>`}`;
  return html`<${Page} title=${kind(job)} back=${back} acts=${acts} lead=${html`<${About} of=${job.about}/>`}>
    <div class="row" aria-live="polite"><${State} of=${job.state} group="base.job"/><span class="quiet">${lasted(job)}</span>
      ${waits && html`<span class="quiet">${t("jobs.again")} <${Time} at=${job.wake_at}/></span>`}</div>
    ${job.cause && job.state !== "done" && html`<${Failed} job=${job} steps=${steps}/>`}
    <${Card} title=${t("jobs.steps")} acts=${!job.cause && html`<${Copy} text=${report(job, steps)} label=${t("jobs.copy_report")}/>`}>
      ${steps.length ? html`<div aria-busy=${!over}><${Steps} of=${steps}/></div>` : html`<p class="quiet">${t("jobs.no_steps")}</p>`}<//>
    <${Card} title=${t("jobs.details")}><${Facts} of=${[
      ["id", html`<code>${job.id}</code> <${Copy} text=${job.id}/>`],
      [t("jobs.actor"), job.actor_name || job.actor],
      [t("base.request"), html`<code>${job.request_id}</code>`],
      [t("jobs.begun"), exact(job.created_at)],
      [t("jobs.ended"), job.ended_at && exact(job.ended_at)],
      [t("jobs.next"), job.next_saga && word("base.saga", job.next_saga.replace(".", "_"))],
    ]}/>
      <${Values} title=${t("jobs.args")} of=${job.args}/><${Values} title=${t("jobs.facts")} of=${job.facts}/>
      <p><${Code}>sett job watch ${job.id}<//></p><//><//>`;
}
