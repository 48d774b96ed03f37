// The box itself: what is wrong with it, what runs, the store, disks, versions, certificates; what a
// person may have done to it, and what to hand to somebody who is to help.
import { html, useEffect } from "../base/h.js";
import { get, may, send } from "../base/api.js";
import { t, word } from "../base/lang.js";
import { ago, bytes, day, number, percent, Time } from "../base/say.js";
import {
  Button,
  Card,
  Code,
  Facts,
  Icon,
  Loading,
  Menu,
  Meter,
  Page,
  State,
  Tile,
  toast,
  Trouble,
  useLoad,
} from "../base/ui.js";
import { confirm, Dialog, show } from "../base/dialog.js";
import { watchJob } from "../base/job.js";
import { Says } from "../base/form.js";
import { BoxPlace } from "../parts/box-place.js";
import { Engines } from "../parts/engines.js";

const EVERY = 5000;
const looks = { ok: "good", warning: "warn", broken: "bad", skipped: "" };
const ACT = "/api/system/admin-action",
  command = (action) => `sett system act ${action}`;

/** Asked again and again while the page is looked at. */
function usePolled(path, every = EVERY) {
  const state = useLoad(() => get(path), [path]);
  useEffect(() => {
    const i = setInterval(() => document.hidden || state.again(), every);
    return () => clearInterval(i);
  }, [path]);
  return state;
}
/** A card of what one question answers. */
const Asked = ({
  title,
  of: { data, problem, again, busy },
  acts,
  kind,
  children,
}) => html`<${Card} title=${title} kind=${kind}
  acts=${html`${acts}<${Button} kind="quiet" icon="refresh-cw" busy=${busy} label=${t("system.look_again")} onClick=${again}/>`}>
  <${Trouble} of=${problem}/>${data ? children(data) : !problem && html`<${Loading}/>`}<//>`;
const table = (
  title,
  heads,
  rows,
) => html`<div class="table"><div class="scroll" tabindex="0"><table><caption class="unseen">${title}</caption>
  <thead><tr>${heads.map((h) => html`<th scope="col">${h}</th>`)}</tr></thead>
  <tbody>${rows.map((r) => html`<tr>${r.map((c, i) => html`<td data-label=${heads[i]}>${c ?? "–"}</td>`)}</tr>`)}</tbody></table></div></div>`;

// ---- acts

/** What came of an act: figures, or secrets that are shown this once. */
const result = (action, said) =>
  show(
    ({ close }) => html`<${Dialog} title=${t("system.act." + action)} close=${close}>
  ${
    said.secrets
      ? html`<p class="note warn">${t("base.shown_once")}</p>${Object.entries(said.secrets).map(([n, s]) => html`<p>${n}<${Code} block>${s}<//></p>`)}`
      : html`<${Facts} of=${Object.entries(said)
          .filter(([k]) => !["object", "action", "test"].includes(k))
          .map(([k, v]) => [t("system.figure." + k), k.endsWith("bytes") ? bytes(v) : String(v)])}/>`
  }<//>`,
  );
const done = (action) => (said) => {
  const figures = Object.keys(said).filter((k) => !["object", "action"].includes(k));
  if (figures.length) result(action, said);
  else toast(t("system.done"), { kind: "good" });
};
const restart = (name) =>
  confirm({
    title: t("system.restart", { name: word("system.program", name) }),
    name,
    kind: "danger",
    body: t("system.restart_" + name),
    command: command("restart-" + name),
    run: () => send("POST", ACT, { action: "restart-" + name }).then(done("restart")),
  });
const restartConnector = (number) =>
  confirm({
    title: t("system.restart", { name: t("system.tunnel", { n: number }) }),
    name: String(number),
    body: t("system.restart_connector"),
    command: `sett tunnel restart ${number}`,
    run: () =>
      send("POST", `/api/tunnels/${number}/restart`).then((a) => {
        watchJob(a);
      }),
  });
const guarded = [
  ["check-store", "database"],
  ["check-copy", "copy"],
  ["check-alerts", "bell"],
  ["scan-drift", "git-compare"],
  ["read-events", "credit-card"],
  ["prune", "trash-2"],
  ["rotate-webhooks", "rotate-cw", true],
  ["unstick", "zap", true],
];
const act = (action, grave) =>
  confirm({
    title: t("system.act." + action),
    body: t("system.about." + action),
    kind: grave ? "danger" : "primary",
    name: grave ? action : undefined,
    command: command(action),
    run: () =>
      send("POST", ACT, { action }).then((said) => {
        setTimeout(() => done(action)(said));
      }),
  });
const backup = () =>
  confirm({
    title: t("base.act.snapshot"),
    kind: "primary",
    body: t("system.about.backup"),
    command: "sett snapshot create",
    run: () =>
      send("POST", "/api/snapshots", {}).then((a) => {
        setTimeout(() => watchJob(a));
      }),
  });

async function bundle() {
  try {
    const { text } = await send("GET", "/api/system/support-bundle");
    const link = Object.assign(document.createElement("a"), {
      href: URL.createObjectURL(new Blob([text], { type: "application/x-tar" })),
      download: `sett-support-${new Date().toISOString().slice(0, 16).replace(/\D/g, "")}.tar`,
    });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  } catch (p) {
    toast(p.message, { kind: "bad" });
  }
}

// ---- cards

const Finding = ({
  of: c,
}) => html`<li class="finding"><${State} of=${c.finding} group="system.finding" look=${looks[c.finding]}/>
  <div class="grow"><b>${word("system.check", c.name)}</b> <span class="quiet">${c.what}</span>
  ${c.fix && html`<div>${/^(sett|systemctl|apt|chmod|docker) /.test(c.fix) ? html`<${Code}>${c.fix}<//>` : html`<p><${Icon} name="wrench"/> ${c.fix}</p>`}</div>`}</div></li>`;
const Doctor = () => {
  const state = useLoad(() => get("/api/system/doctor"), []),
    list = (rows) =>
      html`<ul class="rows">${rows.map((c) => html`<${Finding} key=${c.name} of=${c}/>`)}</ul>`;
  return html`<${Asked} title=${t("system.doctor")} of=${state} acts=${state.data && html`<span class="quiet">${t("system.looked")} <${Time} at=${state.data.at}/></span>`}>${(
    d,
  ) => {
    const fine = d.checks.filter((c) => c.ok),
      wrong = d.checks
        .filter((c) => !c.ok)
        .sort((a, b) => "bws".indexOf(a.finding[0]) - "bws".indexOf(b.finding[0]));
    return html`${wrong.length > 0 && list(wrong)}<details><summary><${State} of="ok" group="system.finding"/> ${t("system.fine", { n: fine.length })}</summary>${list(fine)}</details>
      <${Says} op="system.doctor" method="GET" path="/api/system/doctor"/>`;
  }}<//>`;
};

function Programs({ state }) {
  const heads = ["what", "state", "memory", "since", "restarts", "beat"].map((k) => t("system." + k));
  const row = (p, name, menu) => [
    name,
    html`<${State} of=${p.running ? "running" : "down"} look=${p.running ? "good" : "bad"} group="system.runs"/>`,
    p.pss_bytes && bytes(p.pss_bytes),
    html`<${Time} at=${p.started_at}/>`,
    p.restarts === null ? "–" : number(p.restarts),
    html`<span class="row">${p.beat_at ? html`<${Time} at=${p.beat_at}/>` : "–"}${menu}</span>`,
  ];
  return html`<${Asked} title=${t("system.programs")} of=${state}>${(d) => html`
    ${table(
      t("system.programs"),
      heads,
      d.programs.map((p) =>
        row(
          p,
          html`<b>${word("system.program", p.name)}</b>${p.pid && html` <span class="quiet">${p.pid}</span>`}`,
          may("admin") &&
            p.name !== "web" &&
            html`<${Button} kind="quiet" icon="rotate-cw" label=${t("system.restart", { name: word("system.program", p.name) })} onClick=${() => restart(p.name)}/>`,
        ),
      ),
    )}
    ${
      d.connectors.length > 0 &&
      html`<details open=${d.connectors.length < 6}><summary>${t("system.connectors", { n: d.connectors.length })}</summary>${table(
        t("system.programs"),
        heads,
        d.connectors.map((c) =>
          row(
            c,
            html`<a href=${"/admin/tunnels/" + c.name}>${t("system.tunnel", { n: c.name })}</a>`,
            may("operator") &&
              html`<${Button} kind="quiet" icon="rotate-cw" label=${t("system.restart", { name: t("system.tunnel", { n: c.name }) })} onClick=${() => restartConnector(c.name)}/>`,
          ),
        ),
      )}</details>`
    }`}<//>`;
}

const used = (
  name,
  of,
  most,
  note,
) => html`<div class="stack"><div class="row"><b>${name}</b><span class="grow"></span><span class="quiet">${t("system.used", { used: bytes(of), all: bytes(most), part: percent(most ? of / most : 0) })}</span></div>
  <${Meter} of=${of} most=${most} label=${name} text=${t("system.used", { used: bytes(of), all: bytes(most), part: percent(most ? of / most : 0) })}/>${note && html`<small class="quiet">${note}</small>`}</div>`;
const Environment = ({ name, of: e }) => html`${used(name, e.used_bytes, e.map_bytes)}
  <${Facts} of=${[
    [t("system.free_pages"), bytes(e.free_bytes)],
    [t("system.last_txn"), number(e.last_txn)],
    [t("system.readers"), `${e.readers.length} / ${number(e.readers_max)}`],
    [t("system.lag"), number(e.oldest_reader_lag)],
  ]}/>`;
const Store = () => {
  const state = usePolled("/api/system/database", 15000);
  return html`<${Asked} title=${t("system.store")} of=${state}>${(
    d,
  ) => html`<${Environment} name=${t("system.records")} of=${d.store || d}/>
    ${d.history && html`<${Environment} name=${t("system.history")} of=${d.history}/>`}
    ${
      d.tables &&
      html`<details><summary>${t("system.tables")}</summary>${table(
        t("system.tables"),
        [t("system.table"), t("system.count")],
        Object.entries(d.tables)
          .filter(([, n]) => n)
          .sort((a, b) => b[1] - a[1])
          .map(([name, n]) => [html`<code>${name}</code>`, number(n)]),
      )}</details>`
    }`}<//>`;
};
const Disks = ({ state }) =>
  html`<${Asked} title=${t("system.disks")} of=${state}>${(d) =>
    d.disks.map(
      (v) =>
        html`<div key=${v.path}>${used(
          word("system.disk", v.name),
          v.total_bytes - v.free_bytes,
          v.total_bytes,
          html`<code>${v.path}</code>${v.inodes > 0 && " · " + t("system.inodes", { part: percent(v.inodes_free / v.inodes) })}`,
        )}</div>`,
    )}<//>`;

const Versions = () =>
  html`<${Asked} title=${t("system.versions")} of=${useLoad(() => get("/api/system/versions"), [])}>${(d) => html`<${Facts} of=${d.data.map((v) => [word("system.version", v.name), v.version])}/>`}<//>`;

const Certificates = () =>
  html`<${Asked} title=${t("system.certificates")} of=${useLoad(() => get("/api/system/certificates"), [])}>${(
    d,
  ) =>
    d.data.length === 0
      ? html`<p class="quiet">${t("system.no_certificates")}</p><${Code} block>sett setting set alerts.certificates www.example.com<//>`
      : table(
          t("system.certificates"),
          [t("system.host"), t("system.ends"), t("system.state")],
          d.data.map((c) => {
            const look = c.problem || c.days < 7 ? "bad" : c.days < 21 ? "warn" : "good";
            return [
              c.kind === "file" ? html`<code>${c.host}</code>` : html`<a href=${"https://" + c.host}>${c.host}</a>`,
              c.expires_at && html`<span title=${day(c.expires_at)}>${ago(c.expires_at)}</span>`,
              html`<${State} of=${look} look=${look} group="system.certificate" title=${c.problem}/> <span class="quiet">${c.problem}</span>`,
            ];
          }),
        )}<//>`;

export default function System() {
  const health = usePolled("/api/system/health"),
    programs = usePolled("/api/system/programs");
  const h = health.data,
    acts = html`${may("operator") && html`<${Button} icon="archive" onClick=${backup}>${t("base.act.snapshot")}<//>`}${
      may("admin") &&
      html`
    <${Button} icon="life-buoy" onClick=${bundle}>${t("system.bundle")}<//>
    <${Menu} label=${t("system.acts")} kind="" icon="wrench" items=${guarded.map(([action, icon, grave]) => ({ label: t("system.act." + action), icon, kind: grave ? "danger" : "", act: () => act(action, grave) }))}>${t("system.acts")}<//>`
    }`;
  return html`<${Page} title=${t("base.page.system")} lead=${h && `sett ${h.version}`} acts=${acts}>
    <${Trouble} of=${health.problem} again=${health.again}/><${BoxPlace}/>
    ${
      h &&
      html`<div class="tiles"><${Tile} name=${t("system.program.worker")} value=${t(h.worker.alive ? "system.runs.running" : "system.runs.down")} kind=${h.worker.alive ? "" : "bad"}/>
      <${Tile} name=${t("system.stuck")} value=${number(h.jobs_stuck)} kind=${h.jobs_stuck ? "bad" : ""} href="/admin/jobs?state=stuck"/>
      <${Tile} name=${t("system.disk_free")} value=${bytes(h.store.disk_free_bytes)} kind=${h.problems.includes("disk_nearly_full") ? "bad" : ""}/>
      <${Tile} name=${t("system.store_used")} value=${bytes(h.store.used_bytes)} kind=${h.problems.includes("store_nearly_full") ? "bad" : ""}/></div>`
    }
    <${Doctor}/><${Programs} state=${programs}/>
    <div class="grid"><${Store}/><div class="stack"><${Disks} state=${programs}/><${Certificates}/></div></div><${Engines}/><${Versions}/><//>`;
}
