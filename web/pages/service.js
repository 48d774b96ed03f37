// One service of a customer's: how it is, what it uses, its domains, logs and backups.
import { html, useEffect, useState } from "../base/h.js";
import { get, send } from "../base/api.js";
import { t } from "../base/lang.js";
import { bytes, day, exact, number, percent, Time } from "../base/say.js";
import { useLive } from "../base/live.js";
import {
  Button,
  Card,
  Copy,
  Empty,
  Facts,
  LinkButton,
  Loading,
  Meter,
  Page,
  State,
  toast,
  Trouble,
  useLoad,
} from "../base/ui.js";
import { confirm } from "../base/dialog.js";
import { Chart } from "../base/chart.js";
import { Form } from "../base/form.js";
import { short } from "./services.js";
import { invoices } from "../portal/invoices.js";

/** Waits for work on it: true when it went well. */
async function through(job) {
  for (let wait = 400; job; wait = Math.min(3000, wait * 1.3)) {
    const work = await get("/api/portal/jobs/" + job);
    if (!work.live) return work.state === "done";
    await new Promise((done) => setTimeout(done, wait));
  }
  return true;
}
const tell = (well, key) => toast(t(well ? key : "service.failed"), { kind: well ? "good" : "bad" });

function Usage({ id }) {
  const [range, setRange] = useState("2h");
  const { data: now } = useLoad(() => get(`/api/tenants/${id}/stats`), [id]);
  const { data: past, again } = useLoad(() => get(`/api/tenants/${id}/health`, { range }), [id, range]);
  useEffect(() => {
    const wait = setInterval(again, 60000);
    return () => clearInterval(wait);
  }, []);
  const column = (name, scale = 1) =>
    past?.points.map((p) => {
      const v = p[past.columns.indexOf(name)];
      return v === null ? null : v * scale;
    });
  const times = past?.points.map((p) => Date.parse(p[0]) / 1000);
  const use = (
    label,
    of,
    most,
  ) => html`<div class="use"><span>${label}<span>${most ? t("service.of", { a: bytes(of), b: bytes(most) }) : bytes(of)}</span></span>
    ${most > 0 && html`<${Meter} of=${of} most=${most} label=${label} text=${t("service.of", { a: bytes(of), b: bytes(most) })}/>`}</div>`;
  return html`<${Card} title=${t("service.usage")}>
    ${now && html`<div class="columns">${use(t("service.memory"), now.memory_bytes, now.memory_limit_bytes)}${use(t("service.storage"), now.storage_bytes, 0)}</div>`}
    <${Chart} title=${t("service.memory")} times=${times} series=${[{ label: t("service.memory"), values: column("memory_bytes"), say: bytes }]} ranges=${["2h", "2d", "60d"]} range=${range} setRange=${setRange} height=${130}/>
    <${Chart} title=${t("service.processor")} times=${times} series=${[{ label: t("service.processor"), values: column("cpu_millis", 0.001), say: percent }]} height=${110}/>
    <${Chart} title=${t("service.answer_time")} times=${times} series=${[{ label: t("service.answer_time"), values: column("latency_ms"), say: (v) => number(v) + " ms" }]} height=${110}/><//>`;
}

function Domain({ of: d, again }) {
  const [problem, setProblem] = useState(null),
    [busy, setBusy] = useState(false);
  const act = (what) => async () => {
    setBusy(true);
    setProblem(null);
    try {
      await what();
      again();
    } catch (p) {
      setProblem(p);
    }
    setBusy(false);
  };
  const remove = () =>
    confirm({
      title: t("service.remove_domain", { name: d.name }),
      body: t("service.remove_help"),
      act: t("base.delete"),
      run: () => send("DELETE", "/api/domains/" + d.id).then(again),
    });
  return html`<section class="stack"><div class="card-head"><h3>${d.unicode || d.name} <${State} of=${d.state} group="service.domain"/></h3><div class="acts">
      ${d.state !== "active" && html`<${Button} icon="refresh-cw" busy=${busy} onClick=${act(() => send("POST", `/api/domains/${d.id}/check`))}>${t("service.check")}<//>`}
      <${Button} kind="quiet" icon="trash-2" label=${t("base.delete")} onClick=${remove}/></div></div>
    ${d.state_reason && html`<p class="quiet">${d.state_reason}</p>`}<${Trouble} of=${problem}/>
    ${
      d.state !== "active" &&
      d.records.length > 0 &&
      html`<p>${t("service.enter")}${d.days_left !== null && " " + t("service.days_left", { n: d.days_left })}</p>
      <div class="scroll"><table class="records"><thead><tr><th scope="col">${t("service.type")}</th><th scope="col">${t("service.record")}</th><th scope="col">${t("service.value")}</th></tr></thead>
      <tbody>${d.records.map((r) => html`<tr><td>${r.type}</td><td><code>${r.name}</code></td><td><code>${r.value}</code><${Copy} text=${r.value}/></td></tr>`)}</tbody></table></div>`
    }</section>`;
}
function Domains({ id, most }) {
  const { data, problem, again } = useLoad(() => get("/api/domains", { tenant_id: id, limit: 50 }), [id]),
    [adding, setAdding] = useState(false);
  useLive(["domain"], again);
  return html`<${Card} title=${t("service.domains")} acts=${data && data.data.length < most && !adding && html`<${Button} icon="plus" onClick=${() => setAdding(true)}>${t("service.add_domain")}<//>`}>
    <${Trouble} of=${problem}/>
    ${
      adding &&
      html`<${Form} fields=${[{ name: "name", label: t("service.domain_name"), required: true, placeholder: "example.com", maxlength: 253, autofocus: true }]} body=${(v) => ({ name: v.name, tenant: id })}
      path="/api/domains" op="domain.add" submit=${t("service.add_domain")} cancel=${() => setAdding(false)} done=${() => {
        setAdding(false);
        again();
      }}/>`
    }
    ${data?.data.map((d) => html`<${Domain} key=${d.id} of=${d} again=${again}/>`)}
    ${data && !data.data.length && !adding && html`<p class="quiet">${t("service.no_domains", { n: most })}</p>`}<//>`;
}

function Logs({ id, name }) {
  const [lines, setLines] = useState(null),
    [find, setFind] = useState(""),
    [problem, setProblem] = useState(null),
    [busy, setBusy] = useState(false),
    [live, setLive] = useState(false);
  const read = async () => {
    setBusy(true);
    try {
      setLines((await get(`/api/tenants/${id}/logs`, { lines: 500 })).lines);
      setProblem(null);
    } catch (p) {
      setProblem(p);
    }
    setBusy(false);
  };
  useEffect(() => {
    if (!live) return;
    const wait = setInterval(() => {
      if (!document.hidden) read();
    }, 2500);
    return () => clearInterval(wait);
  }, [live]);
  const shown = lines?.filter((l) => l.toLowerCase().includes(find.toLowerCase()));
  const save = () => {
    const a = Object.assign(document.createElement("a"), {
      href: URL.createObjectURL(new Blob([shown.join("\n") + "\n"], { type: "text/plain" })),
      download: name + ".log",
    });
    a.click();
    URL.revokeObjectURL(a.href);
  };
  return html`<${Card} title=${t("service.logs")} acts=${html`${
    lines?.length > 0 &&
    html`<input type="search" aria-label=${t("base.search")} placeholder=${t("base.search")} value=${find} onInput=${(e) => setFind(e.target.value)}/>
      <${Button} kind="quiet" icon="download" label=${t("service.download")} onClick=${save}/>`
  }<${Button} icon=${lines ? (live ? "pause" : "play") : "file-text"} busy=${busy && !live} aria-pressed=${lines ? String(live) : null} onClick=${lines ? () => setLive(!live) : read}>${t(!lines ? "service.read" : live ? "service.stop" : "service.follow")}<//>`}>
    <${Trouble} of=${problem}/>${lines ? (shown.length ? html`<pre class="log" tabindex="0">${shown.join("\n")}</pre>` : html`<p class="quiet">${t(find ? "base.no_match" : "service.no_lines")}</p>`) : html`<p class="quiet">${t("service.logs_help")}</p>`}<//>`;
}

function Backups({ id, name, may, undecided, again }) {
  const { data, problem, again: reread } = useLoad(() => get(`/api/tenants/${id}/snapshots`), [id]),
    [busy, setBusy] = useState(false);
  useEffect(() => {
    const wait = setInterval(reread, 60000);
    return () => clearInterval(wait);
  }, []); // snapshots are the box's: no customer is told of them
  const back = (s) =>
    confirm({
      title: t("service.restore"),
      name,
      act: t("service.restore"),
      dies: [t("service.restore_dies", { at: exact(s.created_at) })],
      body: t("service.restore_help"),
      run: async () => {
        const answer = await send("POST", `/api/tenants/${id}/recover`, {
          snapshot: s.snapshot_id,
          confirm: name,
          act: "restore",
        });
        through(answer.job).then(
          (well) => {
            tell(well, "service.restored");
            again();
          },
          () => {},
        );
      },
    });
  const decide = (act) => async () => {
    setBusy(true);
    try {
      const answer = await send("POST", `/api/tenants/${id}/recover`, { act });
      tell(await through(answer.job), "service.decided");
    } catch (p) {
      toast(p.message, { kind: "bad" });
    }
    setBusy(false);
    again();
  };
  return html`<${Card} title=${t("service.backups")}><${Trouble} of=${problem}/>
    ${undecided && html`<div class="stack"><p>${t("service.undecided")}</p><div class="acts"><${Button} kind="primary" icon="check" busy=${busy} onClick=${decide("commit")}>${t("service.keep")}<//><${Button} icon="undo-2" busy=${busy} onClick=${decide("rollback")}>${t("service.take_back")}<//></div></div>`}
    ${
      data &&
      (data.data.length
        ? html`<div class="scroll"><table><thead><tr><th scope="col">${t("service.made")}</th><th scope="col">${t("service.proven")}</th><th></th></tr></thead><tbody>
      ${data.data.map(
        (
          s,
        ) => html`<tr key=${s.snapshot_id}><td><${Time} at=${s.created_at}/></td><td>${t(s.verified ? "base.yes" : "base.no")}</td>
        <td class="end">${may === "restore" && !undecided && html`<${Button} icon="archive-restore" disabled=${!s.restorable} onClick=${() => back(s)}>${t("service.restore")}<//>`}</td></tr>`,
      )}</tbody></table></div>`
        : html`<p class="quiet">${t("service.no_backups")}</p>`)
    }<//>`;
}

export default function Service({ params }) {
  const id = params.id,
    [busy, setBusy] = useState(false);
  const { data: s, problem, again } = useLoad(() => get("/api/tenants/" + id), [id]);
  const { data: may, again: reread } = useLoad(() => get("/api/portal/services/" + id), [id]);
  useLive(["tenant"], again, [id]);
  if (!s)
    return problem?.status === 404
      ? html`<${Empty} icon="box" title=${t("service.unknown")} act=${html`<${LinkButton} href="/portal">${t("front.portal")}<//>`}/>`
      : problem
        ? html`<${Trouble} of=${problem} again=${again}/>`
        : html`<${Loading}/>`;
  const restart = async () => {
    if (
      !(await confirm({
        title: t("service.restart"),
        body: t("service.restart_help"),
        act: t("service.restart"),
        kind: "primary",
      }))
    )
      return;
    setBusy(true);
    try {
      tell(await through((await send("POST", `/api/tenants/${id}/restart`)).job), "service.restarted");
    } catch (p) {
      toast(p.message, { kind: "bad" });
    }
    setBusy(false);
    again();
  };
  const runs = ["active", "past_due"].includes(s.state);
  return html`<${Page} title=${s.name} back=${["/portal", t("front.portal")]} acts=${
    runs &&
    html`<${Button} icon="rotate-cw" busy=${busy} onClick=${restart}>${t("service.restart")}<//>
      <${LinkButton} kind="primary" icon="external-link" href=${s.url}>${t("service.open")}<//>`
  }>
    ${["past_due", "suspended"].includes(s.state) && html`<${Card}><p>${t("service.is_" + s.state)}</p>${may?.billing && html`<div class="acts"><${Button} kind="primary" icon="receipt-text" onClick=${invoices}>${t("front.invoices")}<//></div>`}<//>`}
    <div class="columns"><div class="stack"><${Card}><${Facts} of=${[
      [t("service.state"), html`<${State} of=${s.state}/>`],
      runs && [t("service.health"), html`<${State} of=${s.health} group="base.health"/>`],
      [t("service.address"), s.url && html`<a href=${s.url}>${short(s.url)}</a> <${Copy} text=${s.url}/>`],
      [t("service.plan"), may?.plan_title || s.plan],
      [t("service.since"), day(s.created_at)],
      s.maintenance && [t("service.maintenance"), t("base.yes")],
      [t("service.reason"), s.state_reason],
    ]}/><//>
    ${may?.max_domains > 0 && html`<${Domains} id=${id} most=${may.max_domains}/>`}
    ${may && may.snapshots !== "none" && html`<${Backups} id=${id} name=${s.name} may=${may.snapshots} undecided=${may.undecided} again=${reread}/>`}</div>
    ${runs && html`<div class="stack"><${Usage} id=${id}/><${Logs} id=${id} name=${s.subdomain || s.name}/></div>`}</div><//>`;
}
