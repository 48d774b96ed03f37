// How a tenant was: charts of the history the box keeps, and the days of two months.
import { html, useState } from "../base/h.js";
import { get } from "../base/api.js";
import { needTexts, t } from "../base/lang.js";
import { bytes, day, number, took } from "../base/say.js";
import { useLive } from "../base/live.js";
import { Button, Card, Loading, State, Trouble, useLoad } from "../base/ui.js";
import { Chart } from "../base/chart.js";

await needTexts("tenant");

const ranges = ["2h", "2d", "60d"];
const percent = (n) => (n === null ? "–" : number(n, { style: "percent", maximumFractionDigits: 2 }));
const cpu = (n) => number(n, { maximumFractionDigits: 2 });

/** Columns of the answer as lists of their own; a gap between points becomes a missing value. */
function columnsOf(data) {
  const out = { at: [] };
  for (const c of data.columns.slice(1)) out[c] = [];
  let last = 0;
  for (const p of data.points) {
    const at = Date.parse(p[0]) / 1000;
    if (last && at - last > data.step_s * 1.5) {
      out.at.push(last + data.step_s);
      for (const c of data.columns.slice(1)) out[c].push(null);
    }
    out.at.push(at);
    data.columns.slice(1).forEach((c, i) => out[c].push(p[i + 1]));
    last = at;
  }
  return out;
}
const rate = (list, step) => list.map((n) => (n === null ? null : n / step));

const DAYS = 60,
  DAY_MS = 86400000;
/** The newest sixty days, those that were not measured among them. */
function allDays(days) {
  const by = new Map(days.map((d) => [d.date, d])),
    today = Date.now();
  return Array.from({ length: DAYS }, (_, i) =>
    new Date(today - (DAYS - 1 - i) * DAY_MS).toISOString().slice(0, 10),
  ).map((date) => by.get(date) || { date, up_millis: null, down_minutes: 0, maintenance_minutes: 0 });
}

/** Up or not, a bar a day; its twin is a table. */
function Days({ of: measuredDays }) {
  const [table, setTable] = useState(false),
    of = allDays(measuredDays);
  const kind = (d) =>
    d.up_millis === null ? "" : d.down_minutes === 0 ? "good" : d.up_millis >= 990 ? "warn" : "bad";
  const said = (d) =>
    `${day(d.date)}: ${percent(d.up_millis === null ? null : d.up_millis / 1000)}${d.down_minutes ? `, ${t("tenant.down", { n: d.down_minutes })}` : ""}`;
  const measured = of.filter((d) => d.up_millis !== null),
    mean = measured.length ? measured.reduce((s, d) => s + d.up_millis, 0) / measured.length / 1000 : null;
  return html`<${Card} title=${t("tenant.days")} 
    acts=${html`<span class="quiet">${percent(mean)}</span><${Button} kind="quiet" icon=${table ? "chart-line" : "table"} label=${t(table ? "base.as_chart" : "base.as_table")} onClick=${() => setTable(!table)}/>`}>
    ${
      table
        ? html`<div class="scroll figures" tabindex="0"><table><thead><tr><th scope="col">${t("base.time")}</th><th scope="col" class="end">${t("tenant.up")}</th><th scope="col" class="end">${t("tenant.down_minutes")}</th><th scope="col" class="end">${t("tenants.maintenance")}</th></tr></thead>
      <tbody>${[...of].reverse().map((d) => html`<tr><td>${day(d.date)}</td><td class="end">${percent(d.up_millis === null ? null : d.up_millis / 1000)}</td><td class="end">${number(d.down_minutes)}</td><td class="end">${number(d.maintenance_minutes)}</td></tr>`)}</tbody></table></div>`
        : html`<div class="days" role="img" aria-label=${`${t("tenant.days")}: ${percent(mean)}`}>${of.map((d) => html`<i class=${kind(d)} title=${said(d)}></i>`)}</div>`
    }<//>`;
}

export function Health({ id }) {
  const [range, setRange] = useState("2h");
  const { data, problem, again } = useLoad(() => get(`/api/tenants/${id}/health`, { range }), [id, range]);
  useLive(["tenant", "health"], again, [id]);
  if (!data) return problem ? html`<${Trouble} of=${problem} again=${again}/>` : html`<${Loading}/>`;
  const c = columnsOf(data),
    more = { times: c.at };
  return html`<div class="stack">
    <div class="tiles">${["program", "connector", "outside"].map((p) => html`<div class="tile"><span class="quiet">${t("tenant.part." + p)}</span><${State} of=${data.parts[p]} group="base.health"/></div>`)}
      <div class="tile"><span class="quiet">${t("tenant.restarts")}</span><b>${number(data.restarts)}</b></div></div>
    ${data.reason && html`<p class="note warn">${data.reason}</p>`}
    ${data.days?.length > 0 && html`<${Days} of=${data.days}/>`}
    <div class="row"><span class="grow"></span><span class="segments" role="group" aria-label=${t("base.range")}>${ranges.map(
      (r) => html`
      <button type="button" aria-pressed=${r === range} onClick=${() => setRange(r)}>${r}</button>`,
    )}</span></div>
    <div class="halves">
      <${Card}><${Chart} title=${t("tenant.latency")} ...${more} series=${[
        { label: t("tenant.mean"), values: c.latency_ms, say: took },
        { label: t("tenant.most"), values: c.latency_max_ms, say: took, colour: "--warn" },
      ]}/><//>
      <${Card}><${Chart} title=${t("tenant.memory")} ...${more} series=${[{ label: t("tenant.memory"), values: c.memory_bytes, say: bytes }]}/><//>
      <${Card}><${Chart} title=${t("tenant.cpu")} ...${more} series=${[
        {
          label: t("tenant.mean"),
          values: c.cpu_millis.map((n) => (n === null ? null : n / 1000)),
          say: cpu,
        },
        {
          label: t("tenant.most"),
          values: c.cpu_max_millis.map((n) => (n === null ? null : n / 1000)),
          say: cpu,
          colour: "--warn",
        },
      ]}/><//>
      <${Card}><${Chart} title=${t("tenant.traffic")} ...${more} series=${[
        {
          label: t("tenant.received"),
          values: rate(c.received_bytes, data.step_s),
          say: (n) => bytes(n) + "/s",
        },
        {
          label: t("tenant.sent"),
          values: rate(c.sent_bytes, data.step_s),
          say: (n) => bytes(n) + "/s",
          colour: "--good",
        },
      ]}/><//>
      <${Card}><${Chart} title=${t("tenant.storage")} ...${more} series=${[{ label: t("tenant.storage"), values: c.storage_bytes, say: bytes }]}/><//>
    </div></div>`;
}
