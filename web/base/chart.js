// Charts by uPlot, loaded when the first one is shown. Each has a twin as a table, and ranges as buttons.
import { html, useEffect, useRef, useState } from "./h.js";
import { file } from "./place.js";
import { t, lang } from "./lang.js";
import { bytes, exact, number } from "./say.js";
import { Button } from "./ui.js";

let loading = null;
const plot = () =>
  (loading ||= Promise.all([import("../vendor/uplot.js"), sheet(file("vendor/uplot.css"))]).then(
    ([m]) => m.default,
  ));
const sheet = (href) =>
  new Promise((done) => {
    const link = Object.assign(document.createElement("link"), {
      rel: "stylesheet",
      href,
      onload: done,
      onerror: done,
    });
    document.head.append(link);
  });
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const BINARY = Array.from({ length: 50 }, (_, i) => 2 ** i); // steps of an axis of bytes

/**
 * <Chart title times=[seconds…] series=[{label, values, say, colour: "--accent"}] height ranges=["2h","2d"] range setRange/>
 * A missing value (null) is a gap. `say(value)`: as people read it.
 */
export function Chart({ title, times, series, height = 180, ranges, range, setRange, max, from0 = true }) {
  const box = useRef(),
    [asTable, setTable] = useState(false);
  const empty = !times?.length;
  const draw = JSON.stringify([
    times?.length,
    times?.[0],
    times?.at(-1),
    series.map((s) => [s.label, s.values?.at(-1)]),
  ]);
  useEffect(() => {
    if (empty || asTable) return;
    let chart = null,
      over = false,
      watch = null;
    plot().then((uPlot) => {
      if (over || !box.current) return;
      const axis = {
        stroke: colour("--quiet"),
        grid: { stroke: colour("--line"), width: 1 },
        ticks: { show: false },
        font: "11px system-ui",
      };
      const dates = new Intl.DateTimeFormat(lang.value, {
        hour: "2-digit",
        minute: "2-digit",
        ...(times.at(-1) - times[0] > 172800
          ? { day: "numeric", month: "short", hour: undefined, minute: undefined }
          : {}),
      });
      const say = series[0].say || number;
      chart = new uPlot(
        {
          width: box.current.clientWidth,
          height,
          legend: { live: true },
          cursor: { drag: { x: true, y: false } },
          scales: {
            y: {
              range: (u, lo, hi) => [
                from0 ? 0 : lo,
                max ?? Math.max(hi * 1.1, from0 ? (say === bytes ? 1024 : 0.001) : hi),
              ],
            },
          },
          axes: [
            {
              ...axis,
              space: 90,
              incrs: [60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 604800],
              values: (u, v) => v.map((s) => dates.format(s * 1000)),
            },
            {
              ...axis,
              size: 64,
              ...(say === bytes && { incrs: BINARY }),
              values: (u, v) => v.map((n, i) => (i && say(n) === say(v[i - 1]) ? "" : say(n))),
            },
          ],
          series: [
            { label: t("base.time"), value: (u, v) => (v ? exact(v * 1000) : "–") },
            ...series.map((s, i) => ({
              label: s.label,
              stroke: colour(s.colour || ["--accent", "--good", "--warn"][i % 3]),
              width: 1.5,
              dash: i ? [4 * i, 3] : undefined,
              fill: i ? undefined : colour("--accent-soft"),
              spanGaps: false,
              points: { show: times.length < 3 },
              value: (u, v) => (v === null || v === undefined ? "–" : (s.say || number)(v)),
            })),
          ],
        },
        [times, ...series.map((s) => s.values)],
        box.current,
      );
      watch = new ResizeObserver(() => {
        if (!over && box.current) chart.setSize({ width: box.current.clientWidth, height });
      });
      watch.observe(box.current);
    });
    return () => {
      over = true;
      watch?.disconnect();
      chart?.destroy();
    };
  }, [draw, asTable, empty, lang.value, document.documentElement.dataset.theme]);
  const newest = [...(times || []).keys()].reverse().slice(0, 200);
  return html`<figure class="chart"><figcaption><b>${title}</b><span class="grow"></span>
      ${ranges && html`<span class="segments" role="group" aria-label=${t("base.range")}>${ranges.map((r) => html`<button type="button" aria-pressed=${r === range} onClick=${() => setRange(r)}>${r}</button>`)}</span>`}
      ${!empty && html`<${Button} kind="quiet" icon=${asTable ? "chart-line" : "table"} label=${asTable ? t("base.as_chart") : t("base.as_table")} onClick=${() => setTable(!asTable)}/>`}</figcaption>
    ${
      empty
        ? html`<p class="none">${t("base.no_figures")}</p>`
        : asTable
          ? html`<div class="scroll figures" tabindex="0"><table><caption class="unseen">${title}</caption>
      <thead><tr><th scope="col">${t("base.time")}</th>${series.map((s) => html`<th scope="col" class="end">${s.label}</th>`)}</tr></thead>
      <tbody>${newest.map((i) => html`<tr><td>${exact(times[i] * 1000)}</td>${series.map((s) => html`<td class="end">${s.values[i] === null || s.values[i] === undefined ? "–" : (s.say || number)(s.values[i])}</td>`)}</tr>`)}</tbody></table></div>`
          : html`<div class="plot" ref=${box} style=${{ minHeight: height + "px" }} role="img" aria-label=${title}></div>`
    }</figure>`;
}
