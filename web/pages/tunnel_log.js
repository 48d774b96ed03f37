// A log that goes on: from a level on, with a text in it, and what an error means where that is known.
import { html, useEffect, useRef, useState } from "../base/h.js";
import { get } from "../base/api.js";
import { needTexts, t } from "../base/lang.js";
import { Button, Icon, Loading, Trouble } from "../base/ui.js";
import { Says } from "../base/form.js";
import { Search } from "../base/table.js";

await needTexts("tunnels");
const MOST = 1000, EVERY = 3000;
const levels = ["debug", "info", "warning", "error"];
const icons = { debug: ["circle-dot", ""], info: ["info", ""], warning: ["triangle-alert", "warn"], error: ["circle-x", "bad"] };

/** <LogView path="/api/tunnels/…/logs" op="tunnel.logs" name="pbx"/>: follows the log while it is shown. */
export function LogView({ path, op, name }) {
  const [level, setLevel] = useState("debug"), [q, setQ] = useState(""), [live, setLive] = useState(true);
  const [log, set] = useState(null), [problem, setProblem] = useState(null), box = useRef(), down = useRef(true);
  useEffect(() => {
    const stop = new AbortController();
    let cursor = "", wait = 0, kept = null;
    const look = () => get(path, { parsed: true, level, q, lines: 300, after: cursor }, stop.signal).then((said) => {
      kept = cursor && !said.gap ? [...kept, ...said.entries].slice(-MOST) : said.entries;
      if (!cursor || said.entries.length || said.gap) set(kept);
      cursor = said.cursor;
      setProblem(null);
    }, (p) => { if (p.name !== "AbortError") setProblem(p); }).then(() => { if (live && !stop.signal.aborted) wait = setTimeout(look, EVERY); });
    look();
    return () => { stop.abort(); clearTimeout(wait); };
  }, [path, level, q, live]);
  useEffect(() => { if (down.current && box.current) box.current.scrollTop = box.current.scrollHeight; }, [log]);
  const scrolled = () => { const b = box.current; down.current = b.scrollHeight - b.scrollTop - b.clientHeight < 40; };
  return html`<div class="stack"><div class="tools"><${Search} value=${q} change=${setQ}/>
      <label class="filter"><span class="unseen">${t("tunnels.level")}</span><select value=${level} onChange=${(e) => setLevel(e.target.value)}>
        ${levels.map((l) => html`<option value=${l} selected=${l === level}>${t("tunnels.level_" + l)}</option>`)}</select></label>
      <${Button} icon=${live ? "pause" : "play"} aria-pressed=${live} onClick=${() => setLive(!live)}>${t("tunnels.follow")}<//></div>
    <${Trouble} of=${problem}/>
    ${!log ? !problem && html`<${Loading}/>` : log.length === 0 ? html`<p class="none">${t(q || level !== "debug" ? "base.no_match" : "tunnels.log_none")}</p>`
      : html`<ol class="log" ref=${box} onScroll=${scrolled} tabindex="0" aria-label=${t("tunnels.log_of", { name })}>${log.map((e, i) => html`
        <li key=${i} class=${icons[e.level][1]}><${Icon} name=${icons[e.level][0]} label=${t("tunnels.level_" + e.level)}/><span>${e.line}
          ${e.cause && html`<small>${e.cause} ${e.remedy}</small>`}</span></li>`)}</ol>`}
    <${Says} op=${op} id=${name} values=${{ level: level === "debug" ? "" : level, q }} method="GET" path=${path}/></div>`;
}
