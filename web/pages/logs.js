// Logs of everything in one order: found by source, level, words and time, followed live, taken away.
import { html, useEffect, useRef, useState } from "../base/h.js";
import { placed } from "../base/place.js";
import { get, url } from "../base/api.js";
import { t, word } from "../base/lang.js";
import { day, exact } from "../base/say.js";
import { setQuery } from "../base/route.js";
import { Button, Icon, LinkButton, Page, Trouble } from "../base/ui.js";
import { Search } from "../base/table.js";
import { Says } from "../base/form.js";

const own = ["front", "worker", "hands", "web", "connectors"],
  levels = ["error", "warning", "info", "debug"];
const spans = { "15m": 900, "1h": 3600, "24h": 86400, "7d": 604800 };
const looks = {
  error: ["bad", "circle-x"],
  warning: ["warn", "triangle-alert"],
  info: ["", "info"],
  debug: ["quiet", "minus"],
};
const KEPT = 3000,
  PAGE = 200;
const since = (span) => (spans[span] ? new Date(Date.now() - spans[span] * 1000).toISOString() : undefined);

/** Lines, oldest first: the newest page, older ones on demand, new ones as they come. */
function useLines(params, live, around) {
  const key = JSON.stringify(params);
  const [state, set] = useState({ lines: [], busy: true });
  const lines = useRef([]);
  const put = (next, more) => {
    lines.current = next;
    set((s) => ({ ...s, lines: next, busy: false, problem: null, ...more }));
  };
  const ask = (more) => get("/api/logs", { ...params, since: since(params.since), limit: PAGE, ...more });
  const add = (fresh) => {
    const seen = new Set(lines.current.slice(-PAGE).map((l) => l.id));
    put([...lines.current, ...fresh.filter((l) => !seen.has(l.id))].slice(-KEPT));
  };
  const fail = (problem) => set((s) => ({ ...s, busy: false, problem }));
  useEffect(() => {
    if (around) {
      // what was written before and behind one line
      set({ lines: [], busy: true });
      ask({ ending_before: around, limit: 100 })
        .then((newer) =>
          ask({ starting_after: newer.data.at(-1)?.id, limit: 100 }).then((old) =>
            put([...old.data.reverse(), ...newer.data.reverse()], { more: old.has_more }),
          ),
        )
        .catch(fail);
      return;
    }
    let over = false,
      stream = null,
      again = 0,
      wait = 0,
      waiting = [];
    set({ lines: [], busy: true });
    const last = () => lines.current.at(-1)?.id;
    const flush = () => {
      wait = 0;
      add(waiting);
      waiting = [];
    };
    const follow = () => {
      stream = new EventSource(
        placed(
          url("/api/logs/stream", {
            ...params,
            since: since(params.since),
            limit: PAGE,
            ending_before: last(),
          }),
        ),
      );
      stream.addEventListener("line", (e) => {
        waiting.push(JSON.parse(e.data));
        wait ||= setTimeout(flush, 150);
      });
      stream.addEventListener("error", () => {
        if (stream.readyState === EventSource.CLOSED && !over) again = setTimeout(follow, 2000);
      }); // refused: the box begins anew
    };
    ask().then(
      (a) => {
        if (over) return;
        put(a.data.reverse(), { more: a.has_more });
        if (live) follow();
      },
      (p) => over || fail(p),
    );
    return () => {
      over = true;
      stream?.close();
      clearTimeout(again);
      clearTimeout(wait);
    };
  }, [key, live, around]);
  const older = () =>
    ask({ starting_after: lines.current[0]?.id }).then(
      (a) => put([...a.data.reverse(), ...lines.current], { more: a.has_more }),
      fail,
    );
  return { ...state, older };
}

/** The text with what was searched for marked in it. */
function Marked({ text, q }) {
  const at = q ? text.toLowerCase().indexOf(q.toLowerCase()) : -1;
  return at < 0
    ? text
    : html`${text.slice(0, at)}<mark>${text.slice(at, at + q.length)}</mark><${Marked} text=${text.slice(at + q.length)} q=${q}/>`;
}

const Line = ({ of: l, newDay, q, around }) => {
  const [kind, icon] = looks[l.level] || looks.info,
    [what, id] = l.source.split(":");
  return html`${newDay && html`<li class="log-day" aria-hidden="true">${day(l.at)}</li>`}
    <li class=${kind} data-id=${l.id}><a class="log-time" href=${"/admin/logs?around=" + l.id} title=${`${l.at ? exact(l.at) : ""} · ${t("logs.around")}`} aria-current=${around === l.id ? "true" : null}><time datetime=${l.at}>${l.at ? new Date(l.at).toLocaleTimeString("en-GB") : "–"}</time></a>
    <span class="log-level"><${Icon} name=${icon} label=${word("logs.level", l.level)}/></span>
    ${id ? html`<a href=${`/admin/${what}s/${id}`}>${word("logs.of", what)} ${id}</a>` : html`<b>${word("logs.source", l.source)}</b>`}<span class="log-text"><${Marked} text=${l.text} q=${q}/></span></li>`;
};

/** A list of sources; of a tenant or a tunnel by its name or number. */
function Source({ value = "", change }) {
  const [what, id] = value.split(":"),
    [kind, setKind] = useState(id === undefined ? "" : what);
  const pick = (v) => {
    const named = v === "tenant" || v === "tunnel";
    setKind(named ? v : "");
    if (!named) change(v);
  };
  const shown = kind || value;
  return html`<label class="filter"><span class="unseen">${t("logs.sources")}</span><select class=${shown ? "on" : ""} onChange=${(e) => pick(e.target.value)}>
      <option value="" selected=${!shown}>${t("logs.all")}</option>${own.map((s) => html`<option value=${s} selected=${shown === s}>${word("logs.source", s)}</option>`)}
      ${["tunnel", "tenant"].map((s) => html`<option value=${s} selected=${shown === s}>${t("logs.one_" + s)}</option>`)}</select></label>
    ${
      kind &&
      html`<label class="filter"><span class="unseen">${t("logs.which")}</span><input class="on" value=${what === kind ? id : ""} placeholder=${t("logs.which")} autocomplete="off" spellcheck=${false}
      onChange=${(e) => change(e.target.value.trim() ? `${kind}:${e.target.value.trim()}` : null)}/></label>`
    }`;
}

export default function Logs({ query: q }) {
  const live = q.live !== "no" && !q.around,
    params = { source: q.source, level: q.level, q: q.q, since: q.since };
  const { lines, more, busy, problem, older } = useLines(params, live, q.around);
  const [wrap, setWrap] = useState(localStorage.getItem("sett.wrap") !== "no"),
    [below, setBelow] = useState(0);
  const box = useRef(),
    atEnd = useRef(true),
    count = useRef(0);
  const toEnd = () => {
    box.current.scrollTop = box.current.scrollHeight;
    atEnd.current = true;
    setBelow(0);
  };
  useEffect(() => {
    const grown = lines.length - count.current;
    count.current = lines.length;
    if (!box.current || !lines.length) return;
    const line = q.around && box.current.querySelector(`[data-id="${CSS.escape(q.around)}"]`);
    if (line) {
      box.current.scrollTop +=
        line.getBoundingClientRect().top -
        box.current.getBoundingClientRect().top -
        box.current.clientHeight / 2;
      return;
    }
    if (atEnd.current) toEnd();
    else if (grown > 0) setBelow((n) => n + grown);
  }, [lines]);
  const scrolled = () => {
    const b = box.current;
    atEnd.current = b.scrollHeight - b.scrollTop - b.clientHeight < 40;
    if (atEnd.current) setBelow(0);
  };
  const more_ = async () => {
    const b = box.current,
      from = b.scrollHeight - b.scrollTop;
    atEnd.current = false;
    await older();
    requestAnimationFrame(() => {
      b.scrollTop = b.scrollHeight - from;
      setBelow(0);
    });
  };
  const keepWrap = () => {
    localStorage.setItem("sett.wrap", wrap ? "no" : "yes");
    setWrap(!wrap);
  };
  const said = {
    ...Object.fromEntries(Object.entries(params).filter(([, v]) => v)),
    ...(q.since && { since: since(q.since) }),
  };
  const file = (format) => url("/api/logs", { ...said, format, limit: 5000 });
  let last = "";
  return html`<${Page} title=${t("base.page.logs")} acts=${html`
      <${LinkButton} icon="download" href=${file("csv")} download="sett-logs.csv">CSV<//><${LinkButton} icon="file-text" href=${file("text")} download="sett-logs.txt">${t("logs.text")}<//>`}>
    <div class="tools"><${Search} value=${q.q} change=${(v) => setQuery({ q: v })}/><${Source} key=${q.source || ""} value=${q.source} change=${(v) => setQuery({ source: v })}/>
      <label class="filter"><span class="unseen">${t("logs.level")}</span><select class=${q.level ? "on" : ""} onChange=${(e) => setQuery({ level: e.target.value })}>
        <option value="" selected=${!q.level}>${t("logs.all_levels")}</option>${levels.slice(0, 3).map((l) => html`<option value=${l} selected=${q.level === l}>${t("logs.from_" + l)}</option>`)}</select></label>
      <span class="segments" role="group" aria-label=${t("base.range")}>${Object.keys(spans).map((s) => html`<button type="button" aria-pressed=${q.since === s} onClick=${() => setQuery({ since: q.since === s ? null : s })}>${s}</button>`)}</span>
      <span class="grow"></span><${Button} icon=${live ? "pause" : "play"} aria-pressed=${live} onClick=${() => setQuery({ live: live ? "no" : null })}>${live ? t("logs.live") : t("logs.paused")}<//>
      <${Button} aria-pressed=${wrap} onClick=${keepWrap}>${t("logs.wrap")}<//></div>
    <${Trouble} of=${problem}/>
    ${q.around && html`<p class="note row"><span>${t("logs.around_note")}</span><${LinkButton} kind="quiet" icon="x" href="/admin/logs">${t("base.clear")}<//></p>`}
    <div class=${"log" + (wrap ? " wrap" : "")} ref=${box} onScroll=${scrolled} role="log" aria-live="off" aria-label=${t("base.page.logs")} aria-busy=${busy} tabindex="0">
      ${more && html`<p class="log-more"><${Button} kind="quiet" icon="chevron-up" onClick=${more_}>${t("logs.older")}<//></p>`}
      <ol>${lines.map((l) => {
        const d = l.at ? l.at.slice(0, 10) : "",
          fresh = d && d !== last;
        if (d) last = d;
        return html`<${Line} key=${l.id} of=${l} newDay=${fresh} q=${q.q} around=${q.around}/>`;
      })}</ol>
      ${!busy && !lines.length && !problem && html`<p class="none">${t(q.q || q.level || q.since || q.source ? "base.no_match" : "logs.none")}</p>`}</div>
    <div class="tools"><${Says} op="log.list" values=${said} method="GET" path=${url("/api/logs", said)}/>
      ${below > 0 && html`<${Button} kind="primary" icon="arrow-down" onClick=${toEnd}>${t("logs.new_lines", { n: below })}<//>`}<span class="quiet">${t("logs.lines", { n: lines.length })}</span></div><//>`;
}
