// The pool of ports as a map: who sits where. Each square is a button; the same stands in a table.
import { html, useEffect, useRef, useState } from "../base/h.js";
import { get, may, send } from "../base/api.js";
import { t } from "../base/lang.js";
import { Time, number } from "../base/say.js";
import { path, setQuery } from "../base/route.js";
import {
  Button,
  Card,
  Facts,
  Loading,
  Page,
  State,
  Tabs,
  Tile,
  toast,
  Trouble,
  useLoad,
} from "../base/ui.js";
import { Dialog, show } from "../base/dialog.js";
import { Form } from "../base/form.js";
import { Table } from "../base/table.js";
import { useLive } from "../base/live.js";

const BLOCK = 500; // squares at once
const looks = { free: "", tenant: "good", foreign: "bad", reserved: "warn" };
const marks = { free: "", tenant: "T", foreign: "!", reserved: "R" }; // never by colour alone
const stateOf = (s) => html`<${State} of=${s} look=${looks[s]} group="ports.state"/>`;

const reserve = (port, again) =>
  show(
    ({
      close,
    }) => html`<${Dialog} title=${t("ports.reserve_of", { n: String(port) })} close=${close}><p>${t("ports.reserve_help")}</p>
  <${Form} fields=${[{ name: "note", label: t("ports.note"), required: true, maxlength: 90, autofocus: true }]} op="port.reserve" id=${String(port)} path=${`/api/ports/${port}/reserve`}
    submit=${t("ports.reserve")} cancel=${close} done=${() => {
      close();
      again();
    }}/><//>`,
  );

/** One port: who has it, and what can be done about it. */
function Port({ port, again, at }) {
  const { data: p, problem, again: reload } = useLoad(() => get("/api/ports/" + port), [port, at]);
  const release = async () => {
    try {
      await send("POST", `/api/ports/${port}/release`);
      again();
      reload();
    } catch (e) {
      toast(e.message, { kind: "bad" });
    }
  };
  return html`<${Card} title=${t("ports.port_n", { n: String(port) })} acts=${
    p &&
    may("operator") &&
    (p.state === "free"
      ? html`<${Button} icon="lock" onClick=${() =>
          reserve(port, () => {
            again();
            reload();
          })}>${t("ports.reserve")}<//>`
      : p.state !== "tenant" &&
        html`<${Button} icon="lock-open" onClick=${release}>${t("ports.release")}<//>`)
  }><${Trouble} of=${problem}/>
    ${
      p &&
      html`<div aria-live="polite"><${Facts} of=${[
        [t("ports.how"), stateOf(p.state)],
        [
          t("ports.owner"),
          p.owner &&
            (p.tenant_id ? html`<a href=${"/admin/tenants/" + p.tenant_id}>${p.owner}</a>` : p.owner),
        ],
        p.created_at && [t("ports.since"), html`<${Time} at=${p.created_at}/>`],
        p.state === "foreign" && [t("ports.until"), html`<${Time} at=${p.until}/>`],
      ]}/></div>`
    }<//>`;
}

/** Squares of a part of the pool. Arrows walk over them; one is in the order of Tab. */
function Grid({ runs, from, to, chosen, choose }) {
  const box = useRef(),
    squares = [];
  for (const r of runs)
    for (let p = Math.max(r.from, from); p <= Math.min(r.to, to); p++) squares.push([p, r.state, r.in_pool]);
  const first = squares.some(([p]) => p === chosen) ? chosen : squares[0]?.[0];
  const keys = (e) => {
    const all = [...box.current.children],
      i = all.indexOf(document.activeElement),
      row = Math.max(
        1,
        all.findIndex((b) => b.offsetTop > all[0].offsetTop),
      );
    const step = {
      ArrowRight: 1,
      ArrowLeft: -1,
      ArrowDown: row,
      ArrowUp: -row,
      Home: -i,
      End: all.length - 1 - i,
    }[e.key];
    if (step === undefined || i < 0) return;
    e.preventDefault();
    const next = all[Math.max(0, Math.min(all.length - 1, i + step))];
    next.focus();
    choose(Number(next.dataset.port));
  };
  return html`<div class="ports" role="group" aria-label=${t("ports.map")} ref=${box} onKeyDown=${keys}>${squares.map(
    ([p, s, inside]) => html`
    <button key=${p} type="button" data-port=${p} class=${s} tabindex=${p === first ? 0 : -1} aria-pressed=${p === chosen} onClick=${() => choose(p)}
      title=${`${p}: ${t("ports.state." + s)}`}>${p}${marks[s] && html`<b aria-hidden="true">${marks[s]}</b>`}<span class="unseen">, ${t("ports.state." + s)}${inside ? "" : ", " + t("ports.outside")}</span></button>`,
  )}</div>`;
}

export default function Ports({ query }) {
  const { data: m, problem, again } = useLoad(() => get("/api/ports/map"), []);
  const [busy, setBusy] = useState(false),
    [turn, setTurn] = useState(0),
    chosen = Number(query.port) || 0;
  const reload = () => {
    again();
    setTurn((n) => n + 1);
  };
  useLive(["port"], reload);
  const scan = async () => {
    setBusy(true);
    try {
      const s = await send("POST", "/api/ports/scan");
      toast(t("ports.scanned", { n: s.foreign }), { kind: s.foreign ? "" : "good" });
      reload();
    } catch (p) {
      toast(p.message, { kind: "bad" });
    }
    setBusy(false);
  };
  const low = m?.runs[0]?.from || 1,
    high = m?.runs.at(-1)?.to || 1,
    blocks = [];
  for (let p = low; p <= high; p += BLOCK)
    if (m?.runs.some((r) => r.from < p + BLOCK && r.to >= p)) blocks.push(p);
  const block = blocks.findLast((p) => p <= (chosen || low)) ?? low,
    at = query.as === "table" ? "table" : "";
  useEffect(() => {
    if (chosen && m && !document.activeElement?.dataset?.port)
      document.querySelector(`[data-port="${chosen}"]`)?.scrollIntoView({ block: "nearest" });
  }, [!!m]);
  const columns = [
    {
      id: "port",
      label: t("ports.port"),
      always: true,
      show: (p) =>
        html`<button type="button" class="row link" onClick=${() => setQuery({ port: p.port, as: null })}>${p.port}</button>`,
    },
    { id: "state", label: t("ports.how"), show: (p) => stateOf(p.state) },
    {
      id: "owner",
      label: t("ports.owner"),
      show: (p) => (p.tenant_id ? html`<a href=${"/admin/tenants/" + p.tenant_id}>${p.owner}</a>` : p.owner),
    },
    { id: "created_at", label: t("ports.since"), show: (p) => html`<${Time} at=${p.created_at}/>` },
  ];
  return html`<${Page} title=${t("base.page.ports")} lead=${m && t("ports.pool", { ranges: m.ranges })} acts=${may("operator") && html`<${Button} icon="refresh-cw" busy=${busy} onClick=${scan}>${t("ports.scan")}<//>`}>
    <${Trouble} of=${problem} again=${again}/>
    ${
      !m
        ? !problem && html`<${Loading}/>`
        : html`<div class="tiles">${["total", "free", "tenant", "foreign", "reserved"].map(
            (
              k,
            ) => html`<${Tile} name=${t(k === "total" ? "ports.total" : "ports.state." + k)} value=${number(m[k])}
        kind=${k === "foreign" && m[k] ? "bad" : ""} note=${k === "total" && m.outside ? t("ports.n_outside", { n: m.outside }) : null}/>`,
          )}</div>
      <${Tabs} tabs=${[
        ["", t("ports.map")],
        ["table", t("ports.table")],
      ]} at=${at} href=${(id) => path.value + (id && "?as=" + id)}/>
      ${!at && (chosen ? html`<${Port} port=${chosen} again=${reload} at=${turn}/>` : html`<${Card}><p class="quiet">${t("ports.choose")}</p><//>`)}
      ${
        at
          ? html`<${Table} name="ports" list="/api/ports" live=${["port"]} columns=${columns} rowKey=${(p) => p.port} refresh=${turn} caption=${t("ports.table")}/>`
          : html`
      <div class="port-legend">${Object.keys(marks).map((s) => html`<span><i class=${s} aria-hidden="true">${marks[s]}</i>${t("ports.state." + s)}</span>`)}<span class="grow"></span>
        ${
          blocks.length > 1 &&
          html`<label class="filter"><span class="unseen">${t("ports.part")}</span><select value=${block} onChange=${(e) => setQuery({ port: e.target.value })}>
          ${blocks.map((p) => html`<option value=${p} selected=${p === block}>${p} – ${Math.min(p + BLOCK - 1, high)}</option>`)}</select></label>`
        }</div>
      <${Grid} runs=${m.runs} from=${block} to=${block + BLOCK - 1} chosen=${chosen} choose=${(p) => setQuery({ port: p })}/>
`
      }`
    }<//>`;
}
