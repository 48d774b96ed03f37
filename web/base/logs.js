// A log, live: newest at the end, by level and text, to pause and to take away. With `source` it comes as a
// stream of the box's logs (operators); else, and when there is no stream, `path` is asked now and then.
import { html, useEffect, useRef, useState } from "./h.js";
import { placed } from "./place.js";
import { get, may, url } from "./api.js";
import { needTexts, t, word } from "./lang.js";
import { clock, exact } from "./say.js";
import { Button, Icon, Trouble } from "./ui.js";
import { Search } from "./table.js";

await needTexts("logview");

const MOST = 2000,
  EACH_MS = 2500;
const levels = ["debug", "info", "warning", "error"];
const looks = {
  error: ["bad", "circle-x"],
  warning: ["warn", "triangle-alert"],
  info: ["", "info"],
  debug: ["quiet", "minus"],
};

/** useLog({path, source, level, q, paused}): {lines: [{key, at, level, text, cause, remedy}], problem, live, clear}. */
function useLog({ path, source, level, q, paused }) {
  const [state, set] = useState({ lines: [] }),
    serial = useRef(0),
    held = useRef(paused),
    kept = useRef([]);
  held.current = paused;
  useEffect(() => {
    let over = false,
      wait = 0,
      stream = null,
      cursor = "";
    const add = (more, extra = {}) => {
      if (over) return;
      kept.current = [...kept.current, ...more.map((l) => ({ key: ++serial.current, ...l }))].slice(-MOST);
      set((s) => ({ lines: held.current ? s.lines : kept.current, ...extra }));
    };
    const ask = async () => {
      try {
        const said = await get(path, { parsed: true, lines: 500, level: level || null, q, after: cursor });
        add(
          said.entries.map((e) => ({ ...e, text: e.line })),
          { problem: null, ready: true },
        );
        cursor = said.cursor;
      } catch (problem) {
        if (!over) set((s) => ({ ...s, problem, ready: true }));
      }
      if (!over && !stream) wait = setTimeout(ask, document.hidden ? EACH_MS * 4 : EACH_MS);
    };
    const listen = () => {
      const batch = []; // many lines at once are one change of the page
      stream = new EventSource(placed(url("/api/logs/stream", { source, level: level || null, q, limit: 500 })));
      stream.addEventListener("line", (e) => {
        if (batch.push(JSON.parse(e.data)) === 1)
          setTimeout(() => add(batch.splice(0), { live: true, ready: true }), 60);
      });
      stream.addEventListener("open", () => add([], { live: true, ready: true }));
      stream.addEventListener("error", () => {
        if (stream?.readyState !== EventSource.CLOSED) return;
        stream = null;
        ask();
      });
    };
    kept.current = [];
    set({ lines: [] });
    if (source && may("operator")) listen();
    else ask();
    return () => {
      over = true;
      clearTimeout(wait);
      stream?.close();
    };
  }, [path, source, level, q]);
  useEffect(() => {
    if (!paused) set((s) => ({ ...s, lines: kept.current }));
  }, [paused]);
  return state;
}

const mark = (text, q) => {
  const at = q ? text.toLowerCase().indexOf(q.toLowerCase()) : -1;
  return at < 0
    ? text
    : html`${text.slice(0, at)}<mark>${text.slice(at, at + q.length)}</mark>${text.slice(at + q.length)}`;
};

/** <LogView path="/api/tenants/…/logs" source="tenant:…" name="acme" empty=${vnode}/> */
export function LogView({ path, source, name, empty }) {
  const [level, setLevel] = useState(""),
    [q, setQ] = useState(""),
    [paused, setPaused] = useState(false);
  const { lines, problem, live, ready } = useLog({ path, source, level, q, paused });
  const box = useRef(),
    below = useRef(true);
  useEffect(() => {
    if (below.current && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [lines]);
  const scrolled = (e) => {
    below.current = e.target.scrollHeight - e.target.scrollTop - e.target.clientHeight < 40;
  };
  const take = () => {
    const text = lines.map((l) => `${l.at || ""} ${l.level} ${l.text}`.trim()).join("\n") + "\n";
    const a = Object.assign(document.createElement("a"), {
      href: URL.createObjectURL(new Blob([text], { type: "text/plain" })),
      download: `${name}.log`,
    });
    a.click();
    URL.revokeObjectURL(a.href);
  };
  const file =
    source && may("operator")
      ? url("/api/logs", { source, level: level || null, q, format: "text", limit: 5000 })
      : null;
  return html`<div class="stack">
    <div class="tools"><${Search} value=${q} change=${setQ} label=${t("logview.search")}/>
      <label class="filter"><span class="unseen">${t("logview.level")}</span><select value=${level} class=${level ? "on" : ""} onChange=${(e) => setLevel(e.target.value)}>
        <option value="">${t("logview.level")}</option>${levels.slice(1).map((l) => html`<option value=${l} selected=${l === level}>${word("logview.from", l)}</option>`)}</select></label>
      <span class="grow"></span>
      <span class=${"state " + (paused ? "" : "good")}><${Icon} name=${paused ? "circle-pause" : live ? "activity" : "refresh-cw"}/>${t(paused ? "logview.paused" : live ? "logview.live" : "logview.asked")}</span>
      <${Button} icon=${paused ? "play" : "pause"} onClick=${() => setPaused(!paused)}>${t(paused ? "logview.go_on" : "logview.pause")}<//>
      ${file ? html`<a class="button" href=${file} download=${name + ".log"}><${Icon} name="download"/>${t("logview.download")}</a>` : html`<${Button} icon="download" disabled=${!lines.length} onClick=${take}>${t("logview.download")}<//>`}</div>
    <${Trouble} of=${problem}/>
    <div class="log wrap plain" role="log" aria-label=${t("logview.of", { name })} tabindex="0" ref=${box} onScroll=${scrolled}>
      ${lines.length === 0 && ready && html`<p class="none">${q || level ? t("base.no_match") : empty || t("logview.empty")}</p>`}
      <ol>${lines.map(
        (
          l,
        ) => html`<li key=${l.key} class=${looks[l.level]?.[0]}><time title=${l.at && exact(l.at)}>${l.at ? clock(l.at) : ""}</time>
        <${Icon} name=${looks[l.level]?.[1] || "info"} label=${l.level}/><span class="log-text">${mark(l.text, q)}${l.cause && html`<small>${l.cause} ${l.remedy}</small>`}</span></li>`,
      )}</ol></div></div>`;
}
