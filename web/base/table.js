// Tables over lists of the API: search, filters, sort, columns and page all stand in the address, so that
// a table can be sent to somebody as a link. The box searches, sorts and pages; here only a page is held.
import { html, useEffect, useRef, useState } from "./h.js";
import { get } from "./api.js";
import { t } from "./lang.js";
import { number } from "./say.js";
import { query, setQuery, go } from "./route.js";
import { useLive } from "./live.js";
import { Button, Icon, Menu, Trouble, Loading, useLoad } from "./ui.js";

const LIMIT = 50;

/**
 * <Table list="/api/tenants" live={["tenant"]} name="tenants"
 *   columns=[{id, label, show: (row) => vnode, sort: "name", hidden, end, wide}]   hidden: not shown at first; end: right-aligned numbers
 *   filters=[{id, label, options: [[value, label], …]} or {id, label, type: "text"|"date"}]
 *   search="q"  href={(row) => "/admin/…"}  select={[…acts]}  empty={vnode}  params={…fixed}  acts={vnode} bar={(rows, clear) => vnode}/>
 * `asked(value)` of a filter: what the box is asked for, if not the value itself.
 * `select`: rows can be chosen, and `bar(ids, clear, rows)` shows what can be done with them. `key`: of a row (id).
 */
export function Table({
  list,
  params,
  columns,
  filters = [],
  search,
  live = [],
  href,
  empty,
  bar,
  name,
  acts,
  rowKey = (r) => r.id,
  limit = LIMIT,
  data: given,
  caption,
  refresh,
}) {
  const q = query.value,
    box = useRef();
  const asked = { ...params, limit, starting_after: q.after, ending_before: q.before, sort: q.sort };
  if (search) asked[search] = q.q;
  for (const f of filters) asked[f.id] = f.asked ? f.asked(q[f.id]) : q[f.id];
  const { data, problem, busy, again } = useLoad(
    () => (given ? { data: given, has_more: false } : page(list, asked)),
    [list, JSON.stringify(asked), given, refresh],
  );
  useLive(live, again);
  const [chosen, setChosen] = useState(new Set());
  useEffect(() => setChosen(new Set()), [JSON.stringify(asked)]);

  const kept = JSON.parse(localStorage.getItem("sett.columns." + name) || "null");
  const shownIds = q.columns?.split(",") || kept || columns.filter((c) => !c.hidden).map((c) => c.id);
  const shown = columns.filter((c) => shownIds.includes(c.id) || c.always);
  const setColumns = (ids) => {
    localStorage.setItem("sett.columns." + name, JSON.stringify(ids));
    setQuery({ columns: ids.join(",") });
  };
  const filtered = (search && q.q) || filters.some((f) => q[f.id]);
  const rows = data?.data || [];
  const further = data && rows.length === 0 && data.has_more && (q.before ? data.previous : data.next); // the box has not looked at all yet
  useEffect(() => {
    if (further) setQuery(q.before ? { before: further } : { after: further });
  }, [further]);

  const sortBy = (c) =>
    setQuery({
      sort: q.sort === c.sort ? "-" + c.sort : q.sort === "-" + c.sort ? null : c.sort,
      after: null,
      before: null,
    });
  const order = (c) => (q.sort === c.sort ? "ascending" : q.sort === "-" + c.sort ? "descending" : "none");
  const choose = (key, on) =>
    setChosen((old) => {
      const s = new Set(old);
      if (on) s.add(key);
      else s.delete(key);
      return s;
    });
  const keys = (e) => {
    // j and k walk over rows, as arrows do
    const step = { j: 1, k: -1, ArrowDown: 1, ArrowUp: -1 }[e.key];
    if (!step || e.ctrlKey || e.metaKey || /^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName)) return;
    const links = [...box.current.querySelectorAll("tbody tr a.row, tbody tr[tabindex]")],
      i = links.indexOf(document.activeElement);
    links[Math.max(0, Math.min(links.length - 1, i + step))]?.focus();
    e.preventDefault();
  };
  useEffect(() => {
    // also when nothing is focused yet
    const hear = (e) => {
      if (
        ["BODY", "H1"].includes(document.activeElement?.tagName) &&
        (e.key === "j" || e.key === "ArrowDown") &&
        localStorage.getItem("sett.keys") !== "off" &&
        !document.querySelector("dialog[open]")
      )
        keys(e);
    };
    addEventListener("keydown", hear);
    return () => removeEventListener("keydown", hear);
  }, []);

  const head = (c) => html`<th scope="col" class=${c.end ? "end" : ""} aria-sort=${c.sort ? order(c) : null}>
    ${c.sort ? html`<button type="button" onClick=${() => sortBy(c)}>${c.label}<${Icon} name=${{ ascending: "arrow-up", descending: "arrow-down", none: "chevrons-up-down" }[order(c)]}/></button>` : c.label}</th>`;
  const cell = (
    c,
    i,
    row,
  ) => html`<td class=${(c.end ? "end " : "") + (c.wide ? "wide" : "")} data-label=${c.label}>
    ${i === 0 && href ? html`<a class="row" href=${href(row)}>${c.show ? c.show(row) : row[c.id]}</a>` : c.show ? c.show(row) : row[c.id]}</td>`;
  const open = (row) => (e) => {
    if (e.target.closest("a,button,input,label,select,summary") || String(getSelection())) return;
    if (href) go(href(row));
    else e.currentTarget.querySelector("button.row")?.click();
  };

  return html`<div class="table" onKeyDown=${keys} ref=${box}>
    <div class="tools">
      ${search && html`<${Search} value=${q.q} change=${(v) => setQuery({ q: v, after: null, before: null })}/>`}
      ${filters.map((f) => html`<${Filter} key=${f.id} of=${f} value=${q[f.id]} change=${(v) => setQuery({ [f.id]: v, after: null, before: null })}/>`)}
      ${filtered && html`<${Button} kind="quiet" icon="x" onClick=${() => setQuery({ q: null, after: null, before: null, ...Object.fromEntries(filters.map((f) => [f.id, null])) })}>${t("base.clear")}<//>`}
      <span class="grow"></span>${acts}
      ${
        columns.length > 3 &&
        html`<${Menu} icon="columns-3" label=${t("base.columns")} items=${columns
          .filter((c) => !c.always)
          .map((c) => ({
            label: c.label,
            checked: shownIds.includes(c.id),
            keep: true,
            act: () =>
              setColumns(shownIds.includes(c.id) ? shownIds.filter((x) => x !== c.id) : [...shownIds, c.id]),
          }))}/>`
      }
    </div>
    ${
      bar &&
      chosen.size > 0 &&
      html`<div class="bar" role="region" aria-label=${t("base.chosen", { n: chosen.size })}><b>${t("base.chosen", { n: chosen.size })}</b>
      ${bar(
        [...chosen],
        () => setChosen(new Set()),
        rows.filter((r) => chosen.has(rowKey(r))),
      )}
      <${Button} kind="quiet" onClick=${() => setChosen(new Set())}>${t("base.clear")}<//></div>`
    }
    <${Trouble} of=${problem} again=${again}/>
    ${
      !data || further
        ? !problem && html`<${Loading}/>`
        : rows.length === 0
          ? filtered
            ? html`<p class="none">${t("base.no_match")}</p>`
            : empty || html`<p class="none">${t("base.none")}</p>`
          : html`
      <div class=${"scroll" + (busy ? " busy" : "")} tabindex="-1"><table><caption class="unseen">${caption || document.title}</caption>
        <thead><tr>${
          bar &&
          html`<th class="tick"><input type="checkbox" aria-label=${t("base.choose_all")} checked=${rows.every((r) => chosen.has(rowKey(r)))}
          onChange=${(e) => setChosen(e.target.checked ? new Set(rows.map(rowKey)) : new Set())}/></th>`
        }${shown.map(head)}</tr></thead>
        <tbody>${rows.map(
          (row) => html`<tr key=${rowKey(row)} class=${href ? "leads" : ""} onClick=${open(row)}>
          ${bar && html`<td class="tick"><input type="checkbox" aria-label=${t("base.choose", { name: row.name || rowKey(row) })} checked=${chosen.has(rowKey(row))} onChange=${(e) => choose(rowKey(row), e.target.checked)}/></td>`}
          ${shown.map((c, i) => cell(c, i, row))}</tr>`,
        )}</tbody></table></div>`
    }
    ${data && (data.has_more || q.after || q.before) && html`<${Pager} data=${data} rows=${rows} rowKey=${rowKey}/>`}</div>`;
}

/** A page of a list. What no index knows is looked for piece by piece: an empty piece that has more is gone on from. */
async function page(list, asked) {
  let p = await get(list, asked);
  for (let i = 0; !p.data.length && p.next && i < 25; i++)
    p = await get(list, { ...asked, [asked.ending_before ? "ending_before" : "starting_after"]: p.next });
  return p;
}

/** Pages by cursors: they stay good whatever comes and goes meanwhile. */
function Pager({ data, rows, rowKey }) {
  const q = query.value;
  const more = q.before ? true : data.has_more,
    less = q.before ? data.has_more : !!q.after;
  return html`<nav class="pager" aria-label=${t("base.pages")}>
    <${Button} icon="chevron-left" disabled=${!less} onClick=${() => setQuery({ before: data.previous || (rows.length ? rowKey(rows[0]) : null), after: null }, { replace: false })}>${t("base.newer")}<//>
    <${Button} disabled=${!more} onClick=${() => setQuery({ after: data.next || (rows.length ? rowKey(rows.at(-1)) : null), before: null }, { replace: false })}>${t("base.older")}<${Icon} name="chevron-right"/><//>
    ${data.total !== undefined && data.total !== null && html`<span class="quiet">${t("base.total", { n: data.total_exact === false ? "≈ " + number(data.total) : data.total })}</span>`}</nav>`;
}

/** A search that waits until typing pauses; "/" leads to it. */
export function Search({ value = "", change, label }) {
  const [text, set] = useState(value),
    wait = useRef(0);
  useEffect(() => set(value || ""), [value]);
  const hear = (e) => {
    set(e.target.value);
    clearTimeout(wait.current);
    const v = e.target.value;
    wait.current = setTimeout(() => change(v.trim()), 200);
  };
  return html`<label class="search"><${Icon} name="search"/><span class="unseen">${label || t("base.search")}</span>
    <input type="search" data-search value=${text} placeholder=${label || t("base.search")} onInput=${hear} autocomplete="off" spellcheck=${false}/></label>`;
}
const Filter = ({ of: f, value, change }) =>
  f.options
    ? html`<label class="filter"><span class="unseen">${f.label}</span>
    <select value=${value || ""} class=${value ? "on" : ""} onChange=${(e) => change(e.target.value)}><option value="" selected=${!value}>${f.label}</option>
      ${f.options.map(([v, label]) => html`<option value=${v} selected=${value === v}>${label}</option>`)}</select></label>`
    : html`<label class="filter"><span class=${f.type === "date" ? "quiet" : "unseen"}>${f.label} </span><input type=${f.type || "text"} value=${value || ""} placeholder=${f.label} title=${f.label} onChange=${(e) => change(e.target.value)}/></label>`;
