// Jobs as they happen: their steps, live from the job's own stream. A change that starts a job hands its
// answer to watchJob(), and a drawer shows it; the job goes on when the drawer is closed.
import { html, useEffect, useRef, useState } from "./h.js";
import { placed } from "./place.js";
import { get, send, may } from "./api.js";
import { useLive } from "./live.js";
import { t, word } from "./lang.js";
import { took, Time } from "./say.js";
import { Button, Copy, Icon, LinkButton, State, Trouble, toast } from "./ui.js";
import { Dialog, show } from "./dialog.js";

const ended = (job) => ["done", "undone", "stuck"].includes(job.state);
/** useJob(id): {job, steps, over, problem}, live; steps: rows of the journal in their order. One that goes on after it was
 * stuck is followed again; what a lost connection missed is read anew. */
export function useJob(id) {
  const [state, set] = useState({ steps: [] }),
    hold = useRef({});
  const look = () => hold.current.look?.();
  useEffect(() => {
    if (!id) return;
    let stream = null,
      gone = false,
      wait = 0;
    const rows = new Map();
    const steps = () => [...rows.values()].sort((a, b) => a.number - b.number);
    const close = () => {
      stream?.close();
      stream = null;
      clearTimeout(wait);
    };
    const open = () => {
      close();
      stream = new EventSource(placed(`/api/jobs/${id}/stream`));
      stream.addEventListener("step", (e) => {
        const s = JSON.parse(e.data);
        rows.set(s.number, s);
        set((old) => ({ ...old, steps: steps() }));
      });
      stream.addEventListener("job", (e) => {
        const job = JSON.parse(e.data);
        set((old) => ({ ...old, job: { ...old.job, ...job }, over: ended(job) }));
      });
      stream.addEventListener("end", () => {
        close();
        read();
      });
      stream.addEventListener("error", () => {
        if (stream?.readyState === EventSource.CLOSED && !gone) {
          close();
          wait = setTimeout(read, 2000);
        }
      });
    };
    const read = () =>
      get("/api/jobs/" + id).then(
        (job) => {
          if (gone) return;
          for (const s of job.steps || []) rows.set(s.number, s);
          set({ job, steps: steps(), over: ended(job) });
          if (ended(job)) close();
          else if (!stream) open();
        },
        (problem) => {
          if (gone) return;
          set((s) => ({ ...s, problem }));
          if (problem.status !== 404) {
            close();
            wait = setTimeout(read, 2000);
          }
        },
      );
    hold.current.look = read;
    read();
    return () => {
      gone = true;
      hold.current.look = null;
      close();
    };
  }, [id]);
  useLive(["job"], look, [id]);
  return state;
}

const marks = {
  done: ["circle-check", "good"],
  failed: ["circle-x", "bad"],
  try_again: ["rotate-cw", "warn"],
  was_absent: ["circle-dot", ""],
  running: ["loader-circle", "busy"],
};
/** <Steps of=${steps}/>: like a task's log: what, how it went, how long, what was said. */
export const Steps = ({ of }) =>
  html`<ol class="steps">${of.map((s) => {
    const [icon, kind] = s.ended_at ? marks[s.outcome] || ["circle-dot", ""] : marks.running;
    return html`<li key=${s.number} class=${kind}><${Icon} name=${icon} label=${word("base.outcome", s.ended_at ? s.outcome : "running")} spin=${!s.ended_at}/>
    <b>${word("base.step", s.step)}</b>${s.action !== "make" && s.action !== "apply" && html`<span class="quiet">${word("base.action", s.action)}</span>`}${s.attempt > 1 && html`<span class="quiet">×${s.attempt}</span>`}
    <span class="text">${s.text}</span><span class="quiet end">${s.ended_at ? took(Date.parse(s.ended_at) - Date.parse(s.started_at)) : ""}</span></li>`;
  })}</ol>`;

/** <JobView id=…/>: state, steps, and what can be done about one that is stuck. */
export function JobView({ id, done }) {
  const { job, steps, over, problem } = useJob(id),
    told = useRef(false);
  useEffect(() => {
    if (over && !told.current) {
      told.current = true;
      done?.(job);
    }
  }, [over]);
  if (!job) return html`<${Trouble} of=${problem}/>`;
  const act = (what, body) => async () => {
    told.current = false;
    try {
      await send("POST", `/api/jobs/${id}/${what}`, body);
    } catch (p) {
      toast(p.message, { kind: "bad" });
    }
  };
  return html`<div class="job" aria-live="polite" aria-busy=${!over}>
    <p><${State} of=${job.state} group="base.job"/> <span class="quiet">${job.ended_at ? took(Date.parse(job.ended_at) - Date.parse(job.created_at)) : html`<${Time} at=${job.created_at}/>`}</span></p>
    <${Steps} of=${steps}/>
    ${job.cause && html`<div class="trouble"><${Icon} name="circle-alert"/><div><strong>${job.cause}</strong><${Copy} text=${`${job.id} ${job.step_name}: ${job.cause}`}/>${job.remedy && html`<p>${job.remedy}</p>`}</div></div>`}
    ${
      job.state === "stuck" &&
      may("operator") &&
      html`<div class="acts"><${Button} icon="rotate-cw" kind="primary" onClick=${act("retry")}>${t("base.retry")}<//>
      <${Button} icon="undo-2" onClick=${act("resolve", { how: "undo" })}>${t("base.give_up")}<//></div>`
    }</div>`;
}

/** watchJob(answer, title): shows the job an answer started; resolves when the drawer is closed. */
export function watchJob(answer, title) {
  const id = typeof answer === "string" ? answer : answer?.job || answer?.job_id;
  if (!id) return Promise.resolve();
  return show(
    ({ close }) => html`<${Dialog} title=${title || t("base.job_title")} close=${close} kind="side"
    foot=${may("viewer") && html`<${LinkButton} href=${"/admin/jobs/" + id} onClick=${() => close()}>${t("base.job_page")}<//><span class="quiet"><code>sett job watch ${id}</code></span>`}><${JobView} id=${id}/><//>`,
  );
}
