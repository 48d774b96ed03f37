// Forms from a list of fields. What is wrong with a field stands beside it; every form also says itself
// as a command and as curl. Nothing that was typed is lost when the box refuses it.
import { html, useState, useRef } from "./h.js";
import { placed } from "./place.js";
import { send, plan as ask } from "./api.js";
import { lang, t } from "./lang.js";
import { Button, Code, Trouble } from "./ui.js";

const flag = (name) => "--" + name.replaceAll("_", "-");
const quote = (v) => (/^[\w@%+=:,./-]+$/.test(v) ? v : `'${String(v).replaceAll("'", `'\\''`)}'`);

/** asCommand("tenant.update", {subdomain: "a"}, {id: "tn_…", confirm: "Acme"}): the command line that does the same. */
export function asCommand(op, values = {}, { id, confirm, secrets = [] } = {}) {
  const words = ["sett", ...op.split(".").map((w) => w.replaceAll("_", "-"))];
  if (id) words.push(quote(id));
  const flat = Object.entries(values).flatMap(([name, v]) =>
    v && typeof v === "object" && !Array.isArray(v) ? Object.entries(v) : [[name, v]],
  ); // "limits" are flags of their own
  for (const [name, v] of flat) {
    if (v === "" || v === null || v === undefined) continue;
    words.push(
      ...(secrets.includes(name)
        ? [flag(name) + "-file", "FILE"]
        : [flag(name), quote(typeof v === "object" ? JSON.stringify(v) : v)]),
    );
  }
  if (confirm) words.push("--confirm=" + quote(confirm));
  return words.join(" ");
}

/** asCurl(method, path, body): the same for a program with an API key. */
function asCurl(method, path, body, secrets = []) {
  const shown =
    body && Object.fromEntries(Object.entries(body).map(([k, v]) => [k, secrets.includes(k) ? "…" : v]));
  return [
    `curl -X ${method}`,
    '-H "Authorization: Bearer $TOKEN"',
    shown && "-H 'Content-Type: application/json'",
    location.origin + placed(path),
    shown && "-d " + quote(JSON.stringify(shown)),
  ]
    .filter(Boolean)
    .join(" ");
}

/** <Says op values id method path body secrets/>: both, folded away. */
export const Says = ({ op, values, id, confirm, method, path, body, secrets = [] }) => html`
  <details class="says"><summary>${t("base.as_command")}</summary>
    ${op && html`<${Code} block>${asCommand(op, values ?? body, { id, confirm, secrets })}<//>`}
    ${path && html`<${Code} block>${asCurl(method, path, body, secrets)}<//>`}</details>`;

/* The box says a step's title in English; other languages have a shorter one for most. */
const stepName = (s) => {
  const key = "base.step." + s.name,
    said = t(key);
  return lang.value === "en" || said === key ? s.title : said;
};

/** <Plan of=${answer}/>: what a change would do, step by step. */
export const Plan = ({ of }) => html`<div class="plan"><h3>${t("base.plan")}</h3>
  <ol>${(of.steps || []).map((s) => html`<li><b>${stepName(s)}</b> <span class="quiet">${s.touches !== s.title && s.touches}</span></li>`)}</ol>
  ${of.warnings?.length > 0 && html`<ul class="warnings">${of.warnings.map((w) => html`<li>${w.text || w}</li>`)}</ul>`}</div>`;

/** <Field of={name, label, type, options, required, help, …} value change problem/>; type: text, number, select, checkbox,
 * textarea, password or a component given as `input`. options: [[value, label], …]. */
export function Field({ of: f, value, change, problem }) {
  const id = "f-" + f.name.replaceAll(".", "-");
  const about = {
    id,
    name: f.name,
    required: f.required,
    "aria-invalid": problem ? "true" : null,
    "aria-describedby": [f.help && id + "-help", problem && id + "-bad"].filter(Boolean).join(" ") || null,
    autocomplete: f.autocomplete || "off",
    placeholder: f.placeholder,
    disabled: f.disabled,
    autofocus: f.autofocus,
  };
  const hear = (e) => change(f.type === "checkbox" ? e.target.checked : e.target.value);
  const input = f.input
    ? html`<${f.input} ...${about} value=${value} change=${change}/>`
    : f.type === "select"
      ? html`<select ...${about} value=${value} onChange=${hear}>${!f.required && !f.options.some(([v]) => v === "") && html`<option value=""></option>`}
        ${f.options.map(([v, label]) => html`<option value=${v} selected=${String(value ?? "") === String(v)}>${label}</option>`)}</select>`
      : f.type === "textarea"
        ? html`<textarea ...${about} rows=${f.rows || 4} value=${value} onInput=${hear} spellcheck=${false}></textarea>`
        : f.type === "checkbox"
          ? html`<input type="checkbox" ...${about} checked=${!!value} onChange=${hear}/>`
          : html`<input type=${f.type || "text"} ...${about} value=${value ?? ""} min=${f.min} max=${f.max} step=${f.step} maxlength=${f.maxlength} inputmode=${f.inputmode}
        pattern=${f.pattern} spellcheck=${false} autocapitalize="off" onInput=${hear}/>`;
  return html`<div class=${"field" + (f.type === "checkbox" ? " check" : "") + (f.wide ? " wide" : "")}>
    <label for=${id}>${f.label}${f.required && html`<span class="quiet" aria-hidden="true"> *</span>`}</label>${input}
    ${f.help && html`<small id=${id + "-help"}>${f.help}</small>`}
    ${problem && html`<small class="bad" id=${id + "-bad"}>${problem}</small>`}</div>`;
}

const bodyOf = (fields, values) => {
  const out = {};
  for (const f of fields) {
    let v = values[f.name];
    if (v === undefined || (v === "" && !f.keepEmpty) || f.local) continue;
    if (f.type === "number" && v !== "") v = Number(v);
    if (f.parse) v = f.parse(v);
    const at = f.name.split("."); // "limits.pids" is a member of an object
    if (at.length === 2) (out[at[0]] ||= {})[at[1]] = v;
    else out[f.name] = v;
  }
  return out;
};

/** <Form fields op method path id submit done cancel preview start body kind/>. `start`: first values. `body(values)`: what is sent, if not
 * the fields themselves. `preview`: offers the plan first. `done(answer, values)`; `op` and `id` are for the command it says. */
export function Form({
  fields,
  op,
  id,
  method = "POST",
  path,
  submit,
  done,
  cancel,
  preview,
  start = {},
  body,
  kind = "primary",
  params,
  children,
}) {
  const first = () => ({ ...Object.fromEntries(fields.map((f) => [f.name, f.value])), ...start });
  const [values, set] = useState(first),
    [problem, setProblem] = useState(null),
    [busy, setBusy] = useState(false),
    [shown, setShown] = useState(null);
  const form = useRef();
  const shownFields = fields.filter((f) => !f.when || f.when(values));
  const sent = () => (body ? body(values) : bodyOf(shownFields, values));
  const secrets = fields.filter((f) => f.type === "password" || f.secret).map((f) => f.name);
  const run = async (what) => {
    setBusy(true);
    setProblem(null);
    try {
      await what();
    } catch (p) {
      setProblem(p);
      setTimeout(() => form.current?.querySelector("[aria-invalid=true]")?.focus());
    }
    setBusy(false);
  };
  const go = (e) => {
    e.preventDefault();
    run(async () => {
      const answer = await send(method, path, sent(), { params });
      await done?.(answer, values);
    });
  };
  const look = () => {
    if (form.current.reportValidity()) run(async () => setShown(await ask(method, path, sent(), params)));
  };
  const inFields =
    problem?.errors?.length > 0 &&
    problem.errors.every((e) => shownFields.some((f) => problem.of(f.name) === e.detail));
  return html`<form ref=${form} onSubmit=${go} class="form" novalidate=${false}>
    <div class="fields">${shownFields.map(
      (f) => html`<${Field} key=${f.name} of=${f} value=${values[f.name]} problem=${problem?.of?.(f.name)}
      change=${(v) => {
        set((old) => ({ ...old, [f.name]: v }));
        setShown(null);
        f.changed?.(v, set);
      }}/>`,
    )}</div>
    ${children?.(values, set)}
    ${!inFields && html`<${Trouble} of=${problem}/>`}
    ${shown && html`<${Plan} of=${shown}/>`}
    <div class="acts end">${op && html`<${Says} op=${op} id=${id} method=${method} path=${path} body=${sent()} secrets=${secrets}/>`}
      ${cancel && html`<${Button} onClick=${() => cancel()}>${t("base.cancel")}<//>`}
      ${preview && html`<${Button} icon="eye" busy=${busy} onClick=${look}>${t("base.preview")}<//>`}
      <${Button} type="submit" kind=${kind} busy=${busy}>${submit}<//></div></form>`;
}
