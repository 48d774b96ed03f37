// The API as /api/openapi.json describes it: by noun, searched, with what goes in and comes out, who may, and the
// same as curl and as a command. Each operation has an address of its own: /docs#tenant.create.
import { html, render, signal, useEffect, useState } from "../base/h.js";
import { placed } from "../base/place.js";
import { get } from "../base/api.js";
import { lang, needTexts, t, word } from "../base/lang.js";
import { start } from "../base/route.js";
import { Card, Code, Copy, LinkButton, Trouble } from "../base/ui.js";
import { Front, readBrand } from "../base/brand.js";

const doc = signal(null),
  trouble = signal(null),
  at = signal(decodeURIComponent(location.hash.slice(1)));
addEventListener("hashchange", () => {
  at.value = decodeURIComponent(location.hash.slice(1));
});

const deref = (schema) =>
  schema?.$ref
    ? { name: schema.$ref.split("/").pop(), ...doc.value.components.schemas[schema.$ref.split("/").pop()] }
    : schema;
const typeOf = (s) =>
  (s.anyOf || s.oneOf)?.map((x) => typeOf(deref(x))).join(" | ") ||
  [
    s.enum
      ? s.enum.map((w) => JSON.stringify(w)).join(" | ")
      : [s.type].flat().join(" | ") || s.name || "object",
    s.format,
    s.pattern && "/" + s.pattern + "/",
    s.minimum !== undefined && "≥ " + s.minimum,
    s.maximum !== undefined && "≤ " + s.maximum,
    s.maxLength && t("docs.chars", { n: s.maxLength }),
  ]
    .filter(Boolean)
    .join(", ");

function Prop({ name, of, required, place, depth = 0 }) {
  const s = deref(of),
    inner = s.properties || deref(s.items || {})?.properties;
  return html`<li><code>${name}</code><span class="quiet">${typeOf(s)}${place && " · " + place}${required && " · " + t("docs.required")}</span>
    ${s.description && html`<div>${s.description}</div>`}${inner && depth < 2 && html`<${Props} of=${{ properties: inner }} depth=${depth + 1}/>`}</li>`;
}
const Props = ({ of, depth = 0 }) =>
  html`<ul class="props">${Object.entries(of.properties || {}).map(([name, s]) => html`<${Prop} key=${name} name=${name} of=${s} required=${of.required?.includes(name)} depth=${depth}/>`)}</ul>`;

const bodyOf = (op) => deref(op.requestBody?.content?.["application/json"]?.schema);
const answerOf = (op) => {
  const ok = Object.entries(op.responses).find(([code]) => code.startsWith("2"));
  return ok && { code: ok[0], schema: deref(ok[1].content?.["application/json"]?.schema) };
};
function sample(s) {
  if (s.enum) return s.enum[0];
  const type = [s.type].flat()[0];
  return (
    { integer: s.minimum || 1, boolean: true, array: [], object: {} }[type] ??
    (s.format === "date-time" ? "2027-01-01T00:00:00Z" : "…")
  );
}
function curl(op) {
  const body = bodyOf(op),
    need = Object.fromEntries(
      (body?.required || []).map((name) => [name, sample(deref(body.properties[name]))]),
    );
  return [
    `curl ${op.method === "GET" ? "" : `-X ${op.method} `}${location.origin}${placed(op.path)}`,
    op.role !== "public" && `-H "Authorization: Bearer $TOKEN"`,
    body && op.method !== "GET" && `-H 'Content-Type: application/json' -d '${JSON.stringify(need)}'`,
  ]
    .filter(Boolean)
    .join(" \\\n  ");
}

function Op({ of: op, open }) {
  const [shown, show] = useState(open);
  useEffect(() => {
    if (open) {
      show(true);
      requestAnimationFrame(() => document.getElementById(op.id)?.scrollIntoView());
    }
  }, [open]);
  const body = shown && bodyOf(op),
    answer = shown && answerOf(op),
    params = op.parameters || [];
  return html`<details class="op" id=${op.id} open=${shown} onToggle=${(e) => show(e.target.open)}>
    <summary><span class=${"verb " + op.method}>${op.method}</span><code>${op.path}</code><span class="quiet">${op.summary}</span></summary>
    ${
      shown &&
      html`<div class="op-body"><p class="quiet"><a href=${"#" + op.id}><code>${op.id}</code></a> · ${t("docs.role", { role: word("base.role", op.role) })}${op.scope && html` · ${t("docs.scope")} <code>${op.scope}</code>`} <${Copy} text=${location.origin + "/docs#" + op.id} label=${t("docs.link")}/></p>
      ${op.description && html`<p>${op.description}</p>`}
      ${params.length > 0 && html`<h3>${t("docs.params")}</h3><ul class="props">${params.map((p) => html`<${Prop} key=${p.name} name=${p.name} of=${{ ...deref(p.schema), description: p.description }} required=${p.required} place=${p.in}/>`)}</ul>`}
      ${body?.properties && html`<h3>${t("docs.body")}</h3><${Props} of=${body}/>`}
      ${answer && html`<h3>${t("docs.answer", { code: answer.code })}</h3>${answer.schema?.properties ? html`<${Props} of=${answer.schema}/>` : html`<p class="quiet">${answer.schema?.type || t("docs.file")}</p>`}`}
      <h3>${t("docs.example")}</h3><${Code} block>${curl(op)}<//>${op.command && html`<${Code} block>${op.command}<//>`}</div>`
    }</details>`;
}

function Reference() {
  const [find, setFind] = useState("");
  const words = find.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (op) =>
    words.every((w) => `${op.id} ${op.path} ${op.summary} ${op.method} ${op.role}`.toLowerCase().includes(w));
  const byTag = {};
  for (const op of doc.value.ops.filter(fits)) (byTag[op.tag] ||= []).push(op);
  const groups = Object.entries(byTag);
  const first = (e) => {
    if (e.key === "Enter" && groups.length) location.hash = groups[0][1][0].id;
  };
  return html`<div class="hero"><h1 tabindex="-1">${t("docs.title")}</h1><p>${t("docs.lead")}</p><div class="acts"><${LinkButton} icon="download" href="/api/openapi.json" target="_blank">openapi.json<//></div></div>
    <div class="ref"><nav aria-label=${t("docs.nouns")}><input type="search" placeholder=${t("base.search")} aria-label=${t("base.search")} value=${find} onInput=${(e) => setFind(e.target.value)} onKeyDown=${first}/>
      <ul>${groups.map(([tag]) => html`<li><a href=${"#" + tag} aria-current=${at.value.split(".")[0] === tag ? "true" : null}>${tag}</a></li>`)}</ul></nav>
    <div class="page">${groups.map(([tag, ops]) => html`<div id=${tag} class="op" key=${tag}><${Card} title=${tag}><div>${ops.map((op) => html`<${Op} key=${op.key} of=${op} open=${at.value === op.id}/>`)}</div><//></div>`)}
      ${!groups.length && html`<p class="none">${t("base.no_match")}</p>`}</div></div>`;
}

function App() {
  lang.value;
  if (!doc.value) return html`<main class="narrow"><${Trouble} of=${trouble.value}/></main>`;
  return html`<${Front} home="/docs"><${Reference}/><//>`;
}
const verbs = ["get", "post", "put", "patch", "delete"];
function read(said) {
  const ops = Object.entries(said.paths).flatMap(([path, methods]) =>
    verbs
      .filter((v) => methods[v])
      .map((v) => {
        const o = methods[v];
        return {
          ...o,
          key: v + path,
          id: o.operationId,
          method: v.toUpperCase(),
          path,
          tag: o.tags?.[0] || "",
          role: o["x-role"],
          scope: o["x-scope"],
          command: o["x-command"],
        };
      }),
  );
  return { ...said, ops: ops.sort((a, b) => a.tag.localeCompare(b.tag)) };
}
start((to) => to === "/docs");
Promise.all([get("/api/openapi.json"), needTexts("base", "front", "docs"), readBrand()]).then(
  ([said]) => {
    doc.value = read(said);
    document.title = t("docs.title");
  },
  async (p) => {
    await needTexts("base").catch(() => {});
    trouble.value = p;
  },
);
render(html`<${App}/>`, document.getElementById("app"));
