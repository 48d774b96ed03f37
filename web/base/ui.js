// Small parts that every page is made of. Nothing here knows an object of the box.
import { html, signal, useState, useEffect, useRef } from "./h.js";
import { file } from "./place.js";
import { t, word } from "./lang.js";
import { Problem } from "./api.js";

// The icons are taken into the page once: as long as it is open it has them all, though the box does not answer.
const sprite = signal(file("icons.svg#"));
const ask = new XMLHttpRequest();
ask.open("GET", file("icons.svg"));
ask.responseType = "document";
ask.onload = () => {
  const all = ask.status === 200 && ask.responseXML?.documentElement;
  if (!all) return;
  for (const one of all.children) one.id = "icon-" + one.id;
  all.style.display = "none";
  document.body.append(all);
  sprite.value = "#icon-";
};
ask.send();

/** <Icon name="box" label="…"/>: of web/icons.svg; without a label it is decoration. */
export const Icon = ({ name, label, spin }) => html`
  <svg class=${"icon" + (spin ? " spin" : "")} role=${label ? "img" : null} aria-label=${label} aria-hidden=${label ? null : "true"}>
    <use href=${sprite.value + name}/></svg>`;

/** <Button icon kind="primary|danger|quiet" busy onClick>label</Button> */
export const Button = ({ icon, kind = "", busy, children, type = "button", label, ...rest }) => html`
  <button type=${type} class=${"button " + kind} disabled=${busy || rest.disabled} aria-label=${label} title=${label} ...${rest}>
    ${(icon || busy) && html`<${Icon} name=${busy ? "loader-circle" : icon} spin=${busy}/>`}${children}</button>`;

/** A link that looks like a button. */
export const LinkButton = ({ icon, kind = "", children, ...rest }) => html`
  <a class=${"button " + kind} ...${rest}>${icon && html`<${Icon} name=${icon}/>`}${children}</a>`;

const looks = {
  // word of the API → how it looks; what is not here is neutral
  active: "good",
  healthy: "good",
  done: "good",
  up: "good",
  verified: "good",
  ok: "good",
  success: "good",
  paid: "good",
  sent: "good",
  connected: "good",
  failed: "bad",
  unhealthy: "bad",
  stuck: "bad",
  error: "bad",
  down: "bad",
  critical: "bad",
  unpaid: "bad",
  damaged: "bad",
  missing: "bad",
  refused: "bad",
  denied: "bad",
  suspended: "warn",
  past_due: "warn",
  degraded: "warn",
  pending: "warn",
  warning: "warn",
  open: "warn",
  acknowledged: "warn",
  deleting: "warn",
  quarantine: "warn",
  provisioning: "busy",
  running: "busy",
  waiting: "busy",
  queued: "busy",
  undoing: "busy",
  making: "busy",
  retrying: "busy",
};
const icons = {
  good: "circle-check",
  bad: "circle-x",
  warn: "triangle-alert",
  busy: "circle-dashed",
  "": "circle-dot",
};

/** <State of="active"/>: word, icon and colour of a state; `group`: where its texts stand ("base.state"). */
export function State({ of, group = "base.state", look, title }) {
  if (!of) return html`<span class="quiet">–</span>`;
  const kind = look ?? looks[of] ?? "";
  return html`<span class=${"state " + kind} title=${title}><${Icon} name=${icons[kind]}/>${word(group, of)}</span>`;
}

/** The head of a page: title, what stands beside it, its acts; sets the title of the window. */
export function Page({ title, lead, back, acts, children }) {
  useEffect(() => {
    document.title = `${title} · sett`;
  }, [title]);
  return html`
    <div class="page">
      <header class="head">
        <div>${back && html`<a class="back" href=${back[0]}><${Icon} name="arrow-left"/>${back[1]}</a>`}
          <h1 tabindex="-1">${title}</h1>${lead && html`<p class="lead">${lead}</p>`}</div>
        ${acts && html`<div class="acts">${acts}</div>`}
      </header>${children}</div>`;
}
export const Card = ({ title, acts, children, kind = "", id }) => html`
  <section class=${"card " + kind} id=${id} aria-label=${typeof title === "string" ? title : null}>
    ${(title || acts) && html`<header class="card-head"><h2>${title}</h2>${acts && html`<div class="acts">${acts}</div>`}</header>`}
    ${children}</section>`;

/** What there is to say where nothing is yet: what it is, what to do, the command for it. */
export const Empty = ({ icon = "box", title, children, command, act }) => html`
  <div class="empty"><${Icon} name=${icon}/><h2>${title}</h2><p>${children}</p>${act}
    ${command && html`<p><${Code} block>${command}<//></p>`}</div>`;

/** A text to copy. */
export function Copy({ text, label }) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text).catch(() => {});
    setDone(true);
    setTimeout(() => setDone(false), 1500);
  };
  return html`<button type="button" class="copy" onClick=${copy} aria-label=${label || t("base.copy")} title=${label || t("base.copy")}>
    <${Icon} name=${done ? "check" : "copy"}/><span class="unseen" aria-live="polite">${done ? t("base.copied") : ""}</span></button>`;
}
/** A command or another text in code, with a button that copies it. */
export const Code = ({ children, block }) => html`
  <span class=${"code" + (block ? " block" : "")}><code tabindex=${block ? 0 : null}>${children}</code><${Copy} text=${[children].flat().join("")}/></span>`;

const bare = (text) => text.toLowerCase().replace(/\.$/, ""); // what the box says and we say the same way is said once
/** <Trouble of=${problem} again=${fn}/>: what went wrong, what to do, the request's id. */
export function Trouble({ of, again }) {
  if (!of) return null;
  const p =
    of instanceof Problem ? of : { message: String(of.message || of), hint: "", errors: [], code: "" };
  const key = `base.error.${p.code}`,
    known = t(key);
  return html`<div class="trouble" role="alert"><${Icon} name="circle-alert"/>
    <div><strong>${known === key ? p.message : known}</strong>
      ${known !== key && p.code !== "offline" && bare(p.message) !== bare(known) && html`<p class="quiet">${p.message}</p>`}
      ${p.hint && html`<p>${p.hint}</p>`}
      ${p.errors?.length > 0 && html`<ul>${p.errors.map((e) => html`<li>${e.pointer?.slice(1)} ${e.detail}</li>`)}</ul>`}
      ${p.request && html`<p class="quiet">${t("base.request")} <code>${p.request}</code><${Copy} text=${p.request}/></p>`}
      ${again && html`<${Button} icon="refresh-cw" onClick=${again}>${t("base.again")}<//>`}</div></div>`;
}

/** Names and values: [[name, value], …]; what is null is left out. */
export const Facts = ({ of }) =>
  html`<dl class="facts">${of
    .filter((f) => f && f[1] !== null && f[1] !== undefined && f[1] !== "")
    .map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;

/** Tabs with the chosen one in the address: tabs=[[id, label], …]. */
export const Tabs = ({ tabs, at, href }) => html`
  <nav class="tabs">${tabs.map(
    ([id, label, n]) => html`
    <a href=${href(id)} aria-current=${id === at ? "page" : null}>${label}${n !== undefined && html`<span class="count">${n}</span>`}</a>`,
  )}</nav>`;

/** A number that leads somewhere. */
export const Tile = ({ name, value, href, kind = "", note, current }) => html`
  <a class=${"tile " + kind} href=${href} aria-current=${current ? "true" : null}><span class="quiet">${name}</span><b>${value ?? "–"}</b>${note && html`<small>${note}</small>`}</a>`;

/** How much of something is used: never by colour alone. */
export const Meter = ({ of, most, label, text }) => {
  const part = most > 0 ? Math.min(1, of / most) : 0;
  return html`<div class=${"meter" + (part > 0.95 ? " bad" : part > 0.8 ? " warn" : "")} role="meter" aria-label=${label}
    aria-valuemin="0" aria-valuemax=${most} aria-valuenow=${of} aria-valuetext=${text}><i style=${{ width: part * 100 + "%" }}></i></div>`;
};

/** A menu of acts: items=[{label, icon, act, kind, href}]. */
export function Menu({ label, icon = "ellipsis", items, children, kind = "quiet" }) {
  const [open, setOpen] = useState(false),
    box = useRef();
  useEffect(() => {
    if (!open) return;
    const list = box.current.querySelector("[role=menu]"),
      beyond = 8 - list.getBoundingClientRect().left;
    if (beyond > 0) list.style.right = -beyond + "px"; // it would begin left of the window
    box.current.querySelector("[role=menuitem]")?.focus();
    const away = (e) => {
      if (!box.current?.contains(e.target)) setOpen(false);
    };
    addEventListener("pointerdown", away);
    return () => removeEventListener("pointerdown", away);
  }, [open]);
  const keys = (e) => {
    const all = [...box.current.querySelectorAll("[role=menuitem]")],
      i = all.indexOf(document.activeElement);
    if (e.key === "Escape") {
      setOpen(false);
      box.current.querySelector("button").focus();
    } else if (e.key === "ArrowDown") all[(i + 1) % all.length]?.focus();
    else if (e.key === "ArrowUp") all[(i - 1 + all.length) % all.length]?.focus();
    else return;
    e.preventDefault();
    e.stopPropagation();
  };
  const item = (i) =>
    i.href
      ? html`<a role="menuitem" tabindex="-1" href=${i.href} class=${i.kind}><${Icon} name=${i.icon}/>${i.label}</a>`
      : html`<button role=${i.checked === undefined ? "menuitem" : "menuitem"} tabindex="-1" type="button" class=${i.kind} aria-current=${i.checked ? "true" : null}
        onClick=${() => {
          if (!i.keep) setOpen(false);
          i.act();
        }}><${Icon} name=${i.checked ? "check" : i.icon || "minus"}/>${i.label}</button>`;
  return html`<div class="menu" ref=${box} onKeyDown=${open ? keys : null}>
    <${Button} kind=${kind} icon=${icon} label=${children ? null : label} aria-haspopup="menu" aria-expanded=${open} onClick=${() => setOpen(!open)}>${children}<//>
    ${open && html`<div role="menu" aria-label=${label}>${items.filter(Boolean).map(item)}</div>`}</div>`;
}

export const Loading = () =>
  html`<div class="loading" role="status"><${Icon} name="loader-circle" spin/><span class="unseen">${t("base.loading")}</span></div>`;

// What happened in the background, said quietly at the edge.
const toasts = signal([]);
/** toast(text, {kind, href, undo}): `undo` is a function that takes it back. */
export function toast(text, more = {}) {
  const one = { id: Math.random(), text, ...more };
  toasts.value = [...toasts.value.slice(-3), one];
  setTimeout(
    () => {
      toasts.value = toasts.value.filter((x) => x !== one);
    },
    more.undo ? 12000 : 7000,
  );
}
export const Toasts = () =>
  html`<div class="toasts" role="status" aria-live="polite">${toasts.value.map(
    (x) => html`
  <div key=${x.id} class=${"toast " + (x.kind || "")}>${x.href ? html`<a href=${x.href}>${x.text}</a>` : x.text}
    ${
      x.undo &&
      html`<button type="button" class="button quiet" onClick=${() => {
        x.undo();
        toasts.value = toasts.value.filter((y) => y !== x);
      }}><${Icon} name="undo-2"/>${t("base.undo")}</button>`
    }</div>`,
  )}</div>`;

/** useLoad(fn, deps): {data, problem, busy, again}: the answer of a promise; `again()` keeps what is shown meanwhile. */
export function useLoad(load, deps) {
  const [state, set] = useState({ busy: true });
  const turn = useRef(0),
    last = useRef(load);
  last.current = load;
  const again = useRef(() => {
    const mine = ++turn.current;
    return Promise.resolve()
      .then(() => last.current())
      .then(
        (data) => {
          if (mine === turn.current) set({ data, busy: false });
        },
        (problem) => {
          if (mine === turn.current && problem.name !== "AbortError")
            set((s) => ({ data: problem.status === 404 ? undefined : s.data, problem, busy: false }));
        },
      );
  });
  useEffect(() => {
    set((s) => ({ ...s, busy: true }));
    again.current();
    return () => {
      turn.current++;
    };
  }, deps);
  return { ...state, again: again.current };
}
