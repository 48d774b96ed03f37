// Backups: first how it stands, then who was backed up when; snapshots, vaults, restores, keys. And a snapshot.
import { html, useEffect, useRef, useState } from "../base/h.js";
import { all, get, may, send, url } from "../base/api.js";
import { t, word, lang } from "../base/lang.js";
import { Time, bytes, exact, number, took, day } from "../base/say.js";
import { setQuery, go, query } from "../base/route.js";
import { useLive } from "../base/live.js";
import {
  Button,
  Card,
  Code,
  Empty,
  Facts,
  Icon,
  LinkButton,
  Menu,
  Page,
  State,
  Tabs,
  Tile,
  Trouble,
  Loading,
  toast,
  useLoad,
} from "../base/ui.js";
import { Dialog, confirm, show } from "../base/dialog.js";
import { Form } from "../base/form.js";
import { Table, Search } from "../base/table.js";
import { JobView, watchJob } from "../base/job.js";
import { Vaults, addVault, Keys, Retention, Restores, Drills, restore } from "./backup-care.js";
import { recoveryKey } from "./recovery-key.js";

const HOUR = 3600000;
const older = (at, hours) => !at || Date.now() - Date.parse(at) > hours * HOUR;
const whose = (s) => (s.tenant_id ? s.tenant || s.tenant_id : t("backups.whole_box"));

/* ---- acts ---- */

const run = () =>
  show(({ close }) => {
    const { data } = useLoad(() => all("/api/vaults"), []);
    const fields = [
      {
        name: "tenant",
        label: t("backups.only_tenant"),
        help: t("backups.only_tenant_help"),
        placeholder: "acme",
      },
      {
        name: "to",
        label: t("backups.only_vault"),
        type: "select",
        options: (data || []).filter((v) => v.enabled).map((v) => [v.name, v.name]),
      },
      { name: "full", label: t("backups.full"), type: "checkbox", help: t("backups.full_help") },
    ];
    return html`<${Dialog} title=${t("base.act.snapshot")} close=${close}>
    <${Form} fields=${fields} op="snapshot.create" path="/api/snapshots" submit=${t("backups.run")} cancel=${close} preview
      done=${(made) => {
        close();
        watchJob(made, t("backups.snapshot_n", { n: String(made.number) }));
      }}/><//>`;
  });
const drill = () =>
  send("POST", "/api/snapshots/drill", {}).then(
    () => toast(t("backups.drill_wanted"), { kind: "good" }),
    (p) => toast(p.message, { kind: "bad" }),
  );

/* ---- how it stands ---- */

/** What is still to be done until there is a first snapshot. */
function Begin({ of: s }) {
  if (s.newest && s.recovery_keys_proven) return null;
  if (s.newest && s.recovery_keys)
    return html`<p class="note warn">${t("backups.k.untried_help")} <${Code}>sett recovery prove<//></p>`;
  const steps = [
    [
      s.recovery_keys > 0,
      t("backups.begin_key"),
      html`${may("admin") && html`<${Button} icon="key-round" onClick=${() => recoveryKey("recovery", () => {})}>${t("setup.do.recovery")}<//>`}<${Code}>sett recovery init<//>`,
    ],
    [
      s.vaults.length > 0,
      t("backups.begin_vault"),
      may("admin") && html`<${Button} icon="plus" onClick=${addVault}>${t("backups.vault_add")}<//>`,
    ],
    [
      !!s.newest,
      t("backups.begin_first"),
      may("operator") &&
        html`<${Button} icon="archive" onClick=${run} disabled=${!s.recovery_keys || !s.vaults.length}>${t("base.act.snapshot")}<//>`,
    ],
    [s.recovery_keys_proven > 0, t("backups.begin_prove"), html`<${Code}>sett recovery prove<//>`],
  ];
  return html`<${Card} title=${t("backups.begin")}><p class="quiet">${t("backups.begin_help")}</p><ol class="todo">${steps.map(
    ([done, text, act]) => html`
    <li><${Icon} name=${done ? "circle-check" : "circle-dashed"} label=${t(done ? "backups.is_done" : "backups.is_open")}/><span>${text}</span>${!done && act}</li>`,
  )}</ol><//>`;
}

function Summary({ of: s }) {
  const next = s.next.filter((n) => n.at).sort((a, b) => Date.parse(a.at) - Date.parse(b.at))[0];
  const failed = s.drill && !s.drill.passed;
  return html`<div class="tiles">
    <${Tile} name=${t("backups.newest")} value=${html`<${Time} at=${s.last_backup_at} never=${t("backups.never")}/>`} kind=${older(s.last_backup_at, 26) ? "bad" : ""} href=${s.newest ? "/admin/backups/" + s.newest.id : null}
      note=${s.newest && `${bytes(s.newest.bytes)}, ${took(s.newest.took_ms)}`}/>
    <${Tile} name=${t("backups.verified")} value=${html`<${Time} at=${s.last_verified_at} never=${t("backups.never")}/>`} kind=${older(s.last_verified_at, 26) ? "bad" : ""} note=${t("backups.verified_help")}/>
    <${Tile} name=${t("backups.proven")} value=${html`<${Time} at=${s.last_proven_at} never=${t("backups.never")}/>`} kind=${failed ? "bad" : older(s.last_proven_at, 24 * 9) ? "warn" : ""} href="/admin/backups?tab=drills"
      note=${failed ? t("backups.drill_failed") : s.proven ? t("backups.proven_in", { took: took(s.proven.took_ms) }) : t("backups.proven_help")}/>
    <${Tile} name=${t("backups.next")} value=${html`<${Time} at=${next?.at} never=${t("backups.never")}/>`} note=${next && `${word("backups.what", next.what)}${next.plan ? " " + next.plan : ""}`} href="/admin/backups?tab=rules"/>
    <${Tile} name=${t("backups.kept")} value=${number(s.snapshots)} note=${bytes(s.bytes)} href="/admin/backups?tab=snapshots"/>
    <${Tile} name=${t("backups.keys")} value=${number(s.recovery_keys)} kind=${s.recovery_keys_proven ? "" : "warn"} note=${t("backups.keys_proven", { n: s.recovery_keys_proven })} href="/admin/backups?tab=rules"/></div>`;
}

/** How far the one at work is: asked each second while it is shown. */
function Progress({ job }) {
  const { data: p, again } = useLoad(() => get("/api/snapshots/progress").catch(() => null), [job]);
  useEffect(() => {
    const timer = setInterval(again, 1000);
    return () => clearInterval(timer);
  }, []);
  if (p?.job_id !== job) return null;
  const total = p.done <= p.total ? p.total : 0; // an estimate, after the one before it
  const text = total ? t("backups.done_of", { done: bytes(p.done), total: bytes(total) }) : bytes(p.done);
  return html`<div class="stack"><span>${word("backups.phase", p.phase)} <span class="quiet">${text}, ${took(p.elapsed_ms)}</span></span><progress value=${total ? p.done : null} max=${total || null} aria-label=${word("backups.phase", p.phase)}></progress></div>`;
}
const Running = ({ of }) =>
  of.length > 0 &&
  html`<${Card} title=${t("backups.running")}>${of.map(
    (s) => html`<details key=${s.id} class="running" open=${of.length === 1}>
  <summary><${State} of=${s.state} group="backups.state" look="busy"/> ${t("backups.snapshot_n", { n: String(s.number) })} <${Time} at=${s.created_at}/></summary><${Progress} job=${s.job_id}/><${JobView} id=${s.job_id}/></details>`,
  )}<//>`;

const Overview = ({ of: s }) => html`<${Summary} of=${s}/><${Begin} of=${s}/>
  ${s.problem && html`<div class="note warn"><${Icon} name="triangle-alert"/> ${t("backups.not_begun", { why: s.problem })}</div>`}
  ${s.vaults.filter((v) => v.enabled && v.problem).map((v) => html`<div class="note warn" key=${v.id}><${Icon} name="triangle-alert"/> ${t("backups.vault_problem", { name: v.name, why: v.problem })} <a href="/admin/backups?tab=vaults">${t("backups.tab.vaults")}</a></div>`)}
  <${Running} of=${s.running}/><${Matrix} refresh=${s.newest?.id}/>`;

/* ---- who, when ---- */

const RANGES = ["7", "14", "31", "62"],
  LIMIT = 25;
const looks = {
  proven: ["shield-check", "good"],
  verified: ["check", "good"],
  made: ["triangle-alert", "warn"],
  running: ["circle-dashed", "busy"],
  failed: ["x", "bad"],
  gone: ["minus", ""],
  none: ["circle-dot", "none"],
  absent: ["", ""],
};
const date = (d, options) =>
  new Intl.DateTimeFormat(lang.value, { timeZone: "UTC", ...options }).format(Date.parse(d + "T12:00:00Z"));

/** What a cell says in words: "26 Nov 2026, Acme: verified, whole box, snapshot 12; 1 failed". */
const say = (who, d, c) =>
  [
    `${date(d.date, { dateStyle: "medium" })}, ${who}: ${word("backups.cell", c.state)}`,
    c.scope && word("backups.scope", c.scope),
    c.number && t("backups.snapshot_n", { n: String(c.number) }),
    c.failed && c.state !== "failed" && t("backups.tries_failed", { n: c.failed }),
  ]
    .filter(Boolean)
    .join(", ");

function Cell({ who, d, c, at, first }) {
  const [icon, kind] = looks[c.state] || looks.none,
    text = say(who, d, c);
  if (c.state === "absent") return html`<td class="absent"><span class="unseen">${text}</span></td>`;
  return html`<td><button type="button" class=${"cell " + kind + (c.scope === "own" || c.scope === "both" ? " own" : "")} data-at=${at} tabindex=${first ? 0 : -1} title=${text} aria-label=${text}
    onClick=${() => c.snapshot_id && go("/admin/backups/" + c.snapshot_id)}><${Icon} name=${icon}/>${c.failed && c.state !== "failed" ? html`<i></i>` : ""}</button></td>`;
}

function Grid({ rows, days }) {
  const box = useRef();
  const walk = (e) => {
    // one cell is in the order of Tab; arrows, Home and End lead to the others
    const here = e.target.closest("[data-at]");
    const step = {
      ArrowLeft: [0, -1],
      ArrowRight: [0, 1],
      ArrowUp: [-1, 0],
      ArrowDown: [1, 0],
      Home: [0, -99],
      End: [0, 99],
    }[e.key];
    if (!here || !step) return;
    e.preventDefault();
    e.stopPropagation();
    const [r, c] = here.dataset.at.split(" ").map(Number),
      find = (i, k) => box.current.querySelector(`[data-at="${i} ${k}"]`);
    let i = r + step[0],
      k = Math.max(0, Math.min(days.length - 1, c + step[1])),
      to = find(i, k);
    while (!to && k !== c && k >= 0 && k < days.length) {
      k += step[1] > 0 ? -1 : 1;
      to = find(i, k);
    }
    if (!to) return;
    here.tabIndex = -1;
    to.tabIndex = 0;
    to.focus();
  };
  const cells = (who, list, i) =>
    list.map(
      (c, k) =>
        html`<${Cell} key=${k} who=${who} d=${days[k]} c=${c} at=${i + " " + k} first=${i === 0 && k === 0}/>`,
    );
  return html`<div class="scroll matrix" ref=${box} onKeyDown=${walk}><table><caption class="unseen">${t("backups.matrix_help")}</caption>
    <thead><tr><th scope="col">${t("backups.tenant")}</th>${days.map((d) => html`<th scope="col" key=${d.date} title=${date(d.date, { dateStyle: "full" })}><small>${date(d.date, { weekday: "narrow" })}</small>${date(d.date, { day: "numeric" })}<span class="unseen"> ${date(d.date, { month: "long" })}</span></th>`)}</tr></thead>
    <tbody><tr><th scope="row">${t("backups.whole_box")}</th>${cells(
      t("backups.whole_box"),
      days.map((d) => d.box),
      0,
    )}</tr>
      ${rows.map((r, i) => html`<tr key=${r.id}><th scope="row"><a class="row" href=${"/admin/tenants/" + r.id}>${r.name}</a></th>${cells(r.name, r.cells, i + 1)}</tr>`)}</tbody></table></div>`;
}

const good = ["made", "verified", "proven"];
/** The same in words: of each the last good one, what is missing, what failed, what comes next. */
function Twin({ rows, days }) {
  const of = (r, states) => r.cells.map((c, i) => [c, days[i]]).filter(([c]) => states.includes(c.state));
  const dates = (state) => ({
    id: state,
    label: t("backups.cell." + state),
    wide: true,
    show: (r) =>
      of(r, [state])
        .map(([, d]) => date(d.date, { day: "numeric", month: "short" }))
        .join(", ") || "–",
  });
  const columns = [
    {
      id: "name",
      label: t("backups.tenant"),
      always: true,
      show: (r) => html`<a class="row" href=${"/admin/tenants/" + r.id}>${r.name}</a>`,
    },
    {
      id: "last",
      label: t("backups.last_good"),
      show: (r) => {
        const [last] = of(r, good);
        return last
          ? html`<a href=${"/admin/backups/" + last[0].snapshot_id}>${day(last[1].from)}</a>`
          : t("backups.never");
      },
    },
    {
      id: "covered",
      label: t("backups.days_covered"),
      end: true,
      show: (r) => `${of(r, good).length} / ${r.cells.filter((c) => c.state !== "absent").length}`,
    },
    dates("none"),
    dates("failed"),
    { id: "next_at", label: t("backups.next_own"), show: (r) => html`<${Time} at=${r.next_at}/>` },
    {
      id: "acts",
      label: t("backups.restore"),
      show: (r) =>
        may("admin") &&
        html`<${Button} kind="quiet" icon="archive-restore" label=${t("backups.restore") + " " + r.name} onClick=${() => restore({ tenant: r })}/>`,
    },
  ];
  return html`<${Table} name="matrix" data=${rows} columns=${columns} caption=${t("backups.matrix")}/>`;
}

const Legend = () => html`<p class="legend quiet">${Object.keys(looks)
  .slice(0, 7)
  .map(
    (s) =>
      html`<span key=${s}><span class=${"cell " + looks[s][1]}><${Icon} name=${looks[s][0]}/></span>${word("backups.cell", s)}</span>`,
  )}
  <span><span class="cell good own"><${Icon} name="check"/></span>${t("backups.own_help")}</span></p>`;

/** <Matrix refresh=${newest}/>: search, days, page and the twin stand in the address. */
function Matrix({ refresh }) {
  const q = query.value,
    days = RANGES.includes(q.days) ? q.days : innerWidth < 600 ? "7" : "14",
    [twin, setTwin] = useState(localStorage.getItem("sett.matrix") === "words");
  const asked = {
    days,
    text: q.q,
    uncovered: q.uncovered,
    until: q.until,
    starting_after: q.after,
    ending_before: q.before,
    limit: LIMIT,
  };
  const { data, problem, busy, again } = useLoad(
    () => get("/api/snapshots/matrix", asked),
    [JSON.stringify(asked), refresh],
  );
  useLive(["snapshot", "tenant"], again);
  const turn = () => {
    localStorage.setItem("sett.matrix", twin ? "grid" : "words");
    setTwin(!twin);
  };
  const move = (by) => setQuery({ until: by < 0 ? data.days.at(-1).from.slice(0, 10) + "T00:00:00Z" : null });
  const rows = data?.data || [];
  return html`<${Card} title=${t("backups.matrix")} acts=${html`<span class="segments" role="group" aria-label=${t("base.range")}>${RANGES.map((r) => html`<button type="button" key=${r} aria-pressed=${r === days} onClick=${() => setQuery({ days: r })}>${t("backups.days_n", { n: +r })}</button>`)}</span>
      <${Button} kind="quiet" icon="chevron-left" label=${t("backups.earlier")} disabled=${!data} onClick=${() => move(-1)}/>${q.until && html`<${Button} kind="quiet" icon="chevron-right" label=${t("backups.today")} onClick=${() => move(1)}/>`}
      <${Button} kind="quiet" icon=${twin ? "table" : "file-text"} label=${t(twin ? "backups.as_grid" : "backups.as_words")} onClick=${turn}/>`}>
    <div class="tools"><${Search} value=${q.q} label=${t("backups.find_tenant")} change=${(v) => setQuery({ q: v, after: null, before: null })}/>
      <${Button} icon="funnel" aria-pressed=${q.uncovered === "true"} onClick=${() => setQuery({ uncovered: q.uncovered ? null : "true", after: null, before: null })}>${t("backups.uncovered")}<//></div>
    <${Trouble} of=${problem} again=${again}/>
    ${
      !data
        ? !problem && html`<${Loading}/>`
        : html`<div class=${busy ? "busy" : ""}>${twin ? html`<${Twin} rows=${rows} days=${data.days}/>` : html`<${Grid} rows=${rows} days=${data.days}/>`}</div>
      ${rows.length === 0 && html`<p class="none">${t(q.uncovered ? "backups.all_covered" : q.q ? "base.no_match" : "backups.no_tenants")}</p>`}
      ${!twin && html`<${Legend}/>`}
      ${
        (data.has_more || q.after || q.before) &&
        html`<nav class="pager" aria-label=${t("base.pages")}>
        <${Button} icon="chevron-left" disabled=${!(q.before ? data.has_more : q.after)} onClick=${() => setQuery({ before: rows[0]?.id, after: null })}>${t("base.newer")}<//>
        <${Button} disabled=${!(q.before || data.has_more)} onClick=${() => setQuery({ after: data.next || rows.at(-1)?.id, before: null })}>${t("base.older")}<${Icon} name="chevron-right"/><//></nav>`
      }`
    }<//>`;
}

/* ---- snapshots ---- */

const states = ["done", "writing", "sending", "failed", "gone", "imported"];
const Quality = ({ of: s }) =>
  s.state !== "done"
    ? html`<${State} of=${s.state} group="backups.state" look=${{ writing: "busy", sending: "busy", imported: "" }[s.state]} title=${s.state_reason}/>`
    : html`<${State} of=${s.proven_at ? "proven" : s.verified ? "verified" : "made"} group="backups.cell" look=${s.verified ? "good" : "warn"}/>`;

function Snapshots() {
  const { data: vaults } = useLoad(() => all("/api/vaults"), []);
  const name = (id) => (vaults || []).find((v) => v.id === id)?.name || id;
  const columns = [
    {
      id: "number",
      label: t("backups.number"),
      always: true,
      show: (s) => t("backups.snapshot_n", { n: String(s.number) }),
    },
    { id: "of", label: t("backups.of"), show: whose },
    { id: "state", label: t("backups.quality"), show: (s) => html`<${Quality} of=${s}/>` },
    { id: "created_at", label: t("backups.made"), show: (s) => html`<${Time} at=${s.created_at}/>` },
    { id: "bytes", label: t("backups.size"), end: true, show: (s) => (s.bytes ? bytes(s.bytes) : "–") },
    {
      id: "chain",
      label: t("backups.chain"),
      show: (s) => (s.chain > 1 ? t("backups.chain_n", { n: s.chain }) : t("backups.alone")),
    },
    {
      id: "copies",
      label: t("backups.tab.vaults"),
      show: (s) => s.copies.map((c) => name(c.vault_id)).join(", ") || "–",
    },
    { id: "took_ms", label: t("backups.took"), end: true, hidden: true, show: (s) => took(s.took_ms) },
    { id: "tenants", label: t("base.page.tenants"), end: true, hidden: true },
    { id: "files", label: t("backups.files"), end: true, hidden: true, show: (s) => number(s.files) },
    {
      id: "proven_at",
      label: t("backups.cell.proven"),
      hidden: true,
      show: (s) => html`<${Time} at=${s.proven_at}/>`,
    },
  ];
  const filters = [
    { id: "state", label: t("backups.quality"), options: states.map((s) => [s, word("backups.state", s)]) },
    {
      id: "box",
      label: t("backups.of"),
      options: [
        ["true", t("backups.whole_box")],
        ["false", t("backups.one_tenant")],
      ],
    },
    { id: "vault", label: t("backups.vault"), options: (vaults || []).map((v) => [v.name, v.name]) },
    { id: "tenant_id", label: t("backups.tenant"), type: "text" },
  ];
  return html`<${Table} name="snapshots" list="/api/snapshots" live=${["snapshot"]} columns=${columns} filters=${filters} href=${(s) => "/admin/backups/" + s.id}
    empty=${html`<${Empty} icon="archive" title=${t("backups.no_snapshots")} command="sett snapshot create">${t("backups.no_snapshots_help")}<//>`}/>`;
}

/* ---- one of them ---- */

function Copies({ of: s, vaults }) {
  const name = (id) => vaults.find((v) => v.id === id)?.name || id,
    time = (id, label) => ({ id, label: t("backups." + label), show: (c) => html`<${Time} at=${c[id]}/>` });
  const columns = [
    { id: "vault", label: t("backups.vault"), show: (c) => name(c.vault_id) },
    { id: "bytes", label: t("backups.size"), end: true, show: (c) => bytes(c.bytes) },
    time("stored_at", "stored"),
    time("checked_at", "looked_at"),
    time("proven_at", "cell.proven"),
    {
      id: "problem",
      label: t("backups.problem"),
      wide: true,
      show: (c) =>
        html`<span><${State} of=${c.problem ? "damaged" : "ok"} group="backups.state"/> ${c.problem}</span>`,
    },
  ];
  return html`<${Table} name="copies" data=${s.copies} rowKey=${(c) => c.vault_id} columns=${columns} empty=${html`<p class="none">${t("backups.no_copies")}</p>`}/>`;
}

export function snapshot({ params }) {
  const { data, problem, again } = useLoad(
    () => Promise.all([get("/api/snapshots/" + params.id), all("/api/vaults")]),
    [params.id],
  );
  useLive(["snapshot", "drill"], again);
  if (!data) return problem ? html`<${Trouble} of=${problem} again=${again}/>` : html`<${Loading}/>`;
  const [s, vaults] = data,
    done = s.state === "done",
    title = t("backups.snapshot_n", { n: String(s.number) });
  const check = () =>
    send("POST", `/api/snapshots/${s.id}/check`).then(
      (a) => watchJob(a, t("backups.check")),
      (p) => toast(p.message, { kind: "bad" }),
    );
  const forget = () =>
    confirm({
      title: t("backups.forget"),
      body: t("backups.forget_help"),
      dies: [s.file],
      name: String(s.number),
      command: `sett snapshot forget ${s.number}`,
      run: () => send("DELETE", "/api/snapshots/" + s.id),
    }).then((a) => a && watchJob(a, t("backups.forget")));
  const acts = html`${may("admin") && done && html`<${Button} kind="primary" icon="archive-restore" onClick=${() => restore({ snapshot: s })}>${t("backups.restore_tenant")}<//>`}
    ${may("operator") && done && html`<${Button} icon="shield-check" onClick=${check}>${t("backups.check")}<//>`}
    ${may("admin") && s.copies.length > 0 && html`<${LinkButton} icon="download" href=${`/api/snapshots/${s.id}/file`} download=${s.file}>${t("backups.download")}<//>`}
    ${may("admin") && s.state === "imported" && html`<${Button} kind="danger" icon="trash-2" onClick=${forget}>${t("backups.forget")}<//>`}`;
  return html`<${Page} title=${title} lead=${whose(s)} back=${["/admin/backups?tab=snapshots", t("base.page.backups")]} acts=${acts}>
    <${Card}><${Facts} of=${[
      [t("backups.quality"), html`<${Quality} of=${s}/>`],
      [t("backups.reason"), s.state_reason],
      [
        t("backups.of"),
        s.tenant_id ? html`<a href=${"/admin/tenants/" + s.tenant_id}>${whose(s)}</a>` : whose(s),
      ],
      [
        t("backups.made"),
        html`<${Time} at=${s.created_at}/> <span class="quiet">${exact(s.created_at)}</span>`,
      ],
      [t("backups.took"), took(s.took_ms)],
      [t("backups.cell.verified"), html`<${Time} at=${s.verified_at} never=${t("backups.never")}/>`],
      [t("backups.cell.proven"), html`<${Time} at=${s.proven_at} never=${t("backups.never")}/>`],
      [t("backups.size"), bytes(s.bytes)],
      [t("backups.read"), bytes(s.source_bytes)],
      [t("backups.files"), number(s.files)],
      [t("backups.kept_files"), s.kept ? number(s.kept) : null],
      [t("backups.changed"), s.changed ? number(s.changed) : null],
      [t("base.page.tenants"), number(s.tenants)],
      [
        t("backups.chain"),
        s.base_id
          ? html`${t("backups.chain_n", { n: s.chain })} <a href=${"/admin/backups/" + s.base_id}>${t("backups.base")}</a>`
          : t("backups.alone"),
      ],
      [t("backups.file"), html`<code>${s.file}</code>`],
      [t("backups.job"), s.job_id && html`<a href=${"/admin/jobs/" + s.job_id}>${s.job_id}</a>`],
    ]}/><//>
    <${Card} title=${t("backups.copies")} kind="flush"><${Copies} of=${s} vaults=${vaults}/><//>
    ${["writing", "sending", "failed"].includes(s.state) && s.job_id && html`<${Card} title=${t("backups.job")}><${JobView} id=${s.job_id}/><//>`}
    <${Card} title=${t("backups.by_command")}><p class="quiet">${t("backups.by_command_help")}</p>
      <${Code} block>sett snapshot verify ${s.number} --recovery-file FILE<//><${Code} block>sett snapshot export ${s.number} FOLDER<//>${!s.tenant_id && html`<${Code} block>sett restore ${s.file || "FILE"} --recovery-file FILE<//>`}<//><//>`;
}

/* ---- the page ---- */

const tabs = ["overview", "snapshots", "drills", "restores", "vaults", "rules"];
export default function Backups({ query }) {
  const at = tabs.includes(query.tab) ? query.tab : "overview";
  const { data, problem, again } = useLoad(() => get("/api/snapshots/summary"), []);
  useLive(["snapshot", "vault", "recipient", "drill", "snapshot_round", "setting", "plan"], again);
  if (query.run) {
    setQuery({ run: null });
    run();
  }
  const acts =
    may("operator") &&
    html`<${Button} kind="primary" icon="archive" onClick=${run}>${t("base.act.snapshot")}<//>
    <${Menu} kind="" label=${t("base.more")} items=${[
      { label: t("backups.drill_now"), icon: "test-tube", act: drill },
      may("admin") && { label: t("backups.restore_tenant"), icon: "archive-restore", act: () => restore({}) },
      may("admin") && { label: t("backups.vault_add"), icon: "plus", act: addVault },
    ]}/>`;
  const href = (id) => url("/admin/backups", { tab: id === "overview" ? null : id });
  const body = {
    snapshots: Snapshots,
    restores: () => html`<${Restores}/>`,
    drills: () => html`<${Drills} vaults=${data?.vaults || []} now=${drill}/>`,
    vaults: () => data && html`<${Vaults} of=${data.vaults}/>`,
    rules: () => data && html`<${Keys}/><${Retention} summary=${data}/>`,
  }[at];
  return html`<${Page} title=${t("base.page.backups")} lead=${t("backups.lead")} acts=${acts}>
    <${Tabs} at=${at} href=${href} tabs=${tabs.map((id) => [id, t("backups.tab." + id)])}/>
    <${Trouble} of=${problem} again=${again}/>
    ${at !== "overview" ? html`<${Fixed} key=${at} show=${body}/>` : data ? html`<${Overview} of=${data}/>` : !problem && html`<${Loading}/>`}<//>`;
}
const Fixed = ({ show: render }) => render();
