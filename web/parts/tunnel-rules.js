// The rules of a tunnel as an editor: in their order, looked at by the box while one types, compared before
// they are applied, taken back to a former version.
import { html, useEffect, useRef, useState } from "../base/h.js";
import { get, may, plan, send } from "../base/api.js";
import { t } from "../base/lang.js";
import { Time } from "../base/say.js";
import { Button, Card, Icon, Loading, State, toast, Trouble, useLoad } from "../base/ui.js";
import { confirm, Dialog, show } from "../base/dialog.js";
import { Plan, Says } from "../base/form.js";
import { watchJob } from "../base/job.js";

let count = 0;
const domainOf = (r) => r.note.startsWith("domain ");
const member = {
  no_tls_verify: "noTLSVerify",
  origin_server_name: "originServerName",
  http_host_header: "httpHostHeader",
  connect_timeout_s: "connectTimeout",
  http2_origin: "http2Origin",
};

/** Rows of the editor from the list and its configuration, which have the same order. */
const rowsOf = (list) =>
  list.data.map((r, i) => {
    const is = list.config.ingress[i],
      last = i === list.data.length - 1;
    return {
      key: ++count,
      hostname: is.hostname || "",
      path: is.path || "",
      service: is.service,
      origin: is.originRequest || {},
      note: r.note,
      last,
      own: !r.id && !last,
      domain: domainOf(r),
    };
  });
const configOf = (rows) =>
  JSON.stringify({
    ingress: rows.map((r) => {
      const out = { service: r.service };
      if (r.hostname) out.hostname = r.hostname;
      if (r.path) out.path = r.path;
      if (Object.keys(r.origin).length) out.originRequest = r.origin;
      return out;
    }),
  });

/** Lines with a sign before them, as the box says what changes. */
const Changes = ({ of }) =>
  html`<ul class="diff">${of.map((c) => {
    const kind = c[0] === "+" ? "plus" : c[0] === "-" ? "minus" : "";
    return html`<li class=${kind}>${kind && html`<span class="unseen">${t("tunnel.line_" + kind)}</span>`}<code>${c}</code></li>`;
  })}</ul>`;

function Origin({ of: r, change, fixed }) {
  const set = (name, v) => {
    const origin = { ...r.origin };
    if (v === "" || v === false || v === 0) delete origin[name];
    else origin[name] = v;
    change({ origin });
  };
  const text = (
    field,
    more = {},
  ) => html`<label class="field"><span>${t("tunnel.origin_" + field)}</span><input disabled=${fixed} value=${r.origin[member[field]] ?? ""} ...${more}
    onInput=${(e) => set(member[field], more.type === "number" ? Number(e.target.value) : e.target.value)}/></label>`;
  const tick = (
    field,
  ) => html`<label class="field check"><span>${t("tunnel.origin_" + field)}</span><input type="checkbox" disabled=${fixed} checked=${!!r.origin[member[field]]}
    onChange=${(e) => set(member[field], e.target.checked)}/></label>`;
  return html`<div class="fields">${text("origin_server_name")}${text("http_host_header")}${text("connect_timeout_s", { type: "number", min: 0, max: 3600 })}
    ${tick("no_tls_verify")}${tick("http2_origin")}</div>`;
}

function Rule({ of: r, at, rows, errors, warnings, met, change, move, drop, route, can }) {
  const [open, setOpen] = useState(false),
    fixed = !can || r.own || r.last;
  const about = (field) =>
    errors.filter(
      (e) => e.field === field || (field === "hostname" && !["path", "service"].includes(e.field)),
    );
  const cell = (field, label, placeholder, off) => {
    const bad = about(field),
      id = `rule-${r.key}-${field}`;
    return html`<label class="field"><span>${label}</span><input value=${r[field]} placeholder=${off ? "" : placeholder} disabled=${off} spellcheck=${false} autocapitalize="off" data-field=${field}
      aria-invalid=${bad.length ? "true" : null} aria-describedby=${bad.length ? id : null} onInput=${(e) => change({ [field]: e.target.value })}/>
      ${bad.length > 0 && html`<small class="bad" id=${id}>${bad.map((e) => e.detail).join(" ")}</small>`}</label>`;
  };
  const options = Object.keys(r.origin).length;
  const tags = [
    r.own && t("tunnel.own_route"),
    r.domain && t("tunnel.of_domain"),
    !r.own && !r.last && !r.domain && r.note,
  ].filter(Boolean);
  const act = (icon, label, more) => html`<${Button} kind="quiet" icon=${icon} label=${label} ...${more}/>`;
  return html`<li class=${"rule" + (met ? " met" : "")} data-rule=${r.key}><div class="rule-line"><b>${at + 1}</b>
      ${r.last ? html`<span class="quiet rest">${t("tunnel.last_rule")}</span>` : html`${cell("hostname", t("tunnels.hostname"), "app.example.com", fixed || r.domain)}${cell("path", t("tunnels.path"), "^/api/", fixed || r.domain)}`}
      ${cell("service", t("tunnels.service"), "http://localhost:8080", !can || r.own)}
      <div class="rule-acts">${!r.last && html`<${Button} kind="quiet" icon="settings" title=${t("tunnel.options")} aria-expanded=${open} onClick=${() => setOpen(!open)}>${options || ""}<span class="unseen">${t("tunnel.options")}</span><//>`}
      ${
        can &&
        !r.last &&
        html`${act("arrow-up", t("tunnel.up", { n: at + 1 }), { "data-move": "-1", disabled: at === 0, onClick: () => move(-1) })}
        ${act("arrow-down", t("tunnel.down", { n: at + 1 }), { "data-move": "1", disabled: at >= rows.length - 2, onClick: () => move(1) })}
        ${r.own ? act("pencil", t("tunnel.route"), { onClick: route }) : act("trash-2", r.domain ? t("tunnel.domain_stays") : t("tunnel.drop", { n: at + 1 }), { disabled: r.domain, onClick: drop })}`
      }</div></div>
    ${(tags.length > 0 || met) && html`<p class="tags">${met && html`<${State} of="met" look="good" group="tunnel"/>`}${tags.map((x) => html`<span class="count">${x}</span>`)}</p>`}
    ${open && html`<${Origin} of=${r} change=${change} fixed=${fixed}/>`}
    ${warnings.map((w) => html`<p class="state warn"><${Icon} name="triangle-alert"/>${w.detail} ${w.hint}</p>`)}</li>`;
}

/** Compare, then apply. Nobody's change in between is lost: the box refuses what was read too long ago. */
const review = (x, config, body, done) =>
  show(({ close }) => {
    const path = `/api/tunnels/${x.id}/rules`;
    const { data: p, problem } = useLoad(() => plan("PUT", path, body), []),
      [busy, setBusy] = useState(false),
      [refused, setRefused] = useState(null);
    const apply = async () => {
      setBusy(true);
      try {
        const answer = await send("PUT", path, body);
        close();
        done(answer);
      } catch (e) {
        setRefused(e);
        setBusy(false);
      }
    };
    return html`<${Dialog} title=${t("tunnel.review")} close=${close} kind="wide">
    ${!p ? (problem ? html`<${Trouble} of=${problem}/>` : html`<${Loading}/>`) : html`<${Changes} of=${p.changes || []}/>${p.steps && html`<${Plan} of=${p}/>`}`}
    <${Trouble} of=${refused}/>
    <div class="acts end"><${Says} op="rule.replace" id=${x.name} values=${{ config }} method="PUT" path=${path} body=${body}/><${Button} onClick=${() => close()}>${t("base.cancel")}<//>
      <${Button} kind="primary" busy=${busy} disabled=${!p} onClick=${apply}>${t("tunnel.apply")}<//></div><//>`;
  });

function Versions({ of: x, again }) {
  const { data } = useLoad(() => get(`/api/tunnels/${x.id}/rules/versions`), [x.id, x.rules_wanted]);
  const back = (v) =>
    confirm({
      title: t("tunnel.back_to", { n: v.version }),
      kind: "primary",
      act: t("tunnel.go_back"),
      body: html`<${Changes} of=${v.changes}/>`,
      command: `sett rule revert ${x.name} --to ${v.version}`,
      run: () => send("POST", `/api/tunnels/${x.id}/rules/revert`, { to: v.version }),
    }).then((answer) => {
      if (answer) {
        again();
        watchJob(answer, t("tunnel.go_back"));
      }
    });
  if (!data?.data.length) return null;
  return html`<${Card} title=${t("tunnel.versions")}><ul class="versions">${data.data.map(
    (v) => html`<li key=${v.version}>
    <div><b>${t("tunnel.version_n", { n: v.version })}</b> <span class="quiet">${t("tunnel.changed_by", { name: v.actor_name || v.changed_by })} <${Time} at=${v.changed_at}/> · ${t("tunnel.n_rules", { n: v.rules })}</span></div>
    <details><summary>${t("tunnel.what_back")}</summary><${Changes} of=${v.changes}/></details>
    ${may("operator") && html`<${Button} icon="history" onClick=${() => back(v)}>${t("tunnel.go_back")}<//>`}</li>`,
  )}</ul><//>`;
}

function Editor({ of: x, list, again, route, dirty }) {
  const [rows, setRows] = useState(() => rowsOf(list)),
    [said, setSaid] = useState(null),
    [url, setUrl] = useState(""),
    [told, tell] = useState(""),
    focus = useRef(null),
    box = useRef();
  const can = may("operator"),
    config = configOf(rows),
    first = useRef(config);
  useEffect(() => {
    // the box looks at it while one types
    const stop = new AbortController();
    const wait = setTimeout(
      () =>
        send(
          "POST",
          `/api/tunnels/${x.id}/rules/check`,
          { config, url },
          { signal: stop.signal, headers: { "Idempotency-Key": "" } },
        ).then(setSaid, () => {}),
      250,
    );
    return () => {
      clearTimeout(wait);
      stop.abort();
    };
  }, [config, url]);
  useEffect(() => {
    // whoever moves a row goes with it
    const f = focus.current;
    focus.current = null;
    if (f)
      box.current
        .querySelector(
          `[data-rule="${f.key}"] ${f.what}:not(:disabled), [data-rule="${f.key}"] button:not(:disabled)`,
        )
        ?.focus();
  }, [rows]);
  const change = (key) => (more) => setRows((old) => old.map((r) => (r.key === key ? { ...r, ...more } : r)));
  const move = (i) => (step) => {
    const out = [...rows],
      [r] = out.splice(i, 1);
    out.splice(i + step, 0, r);
    focus.current = { key: r.key, what: `[data-move="${step}"]` };
    tell(t("tunnel.moved", { n: i + step + 1 }));
    setRows(out);
  };
  const add = () => {
    const r = { key: ++count, hostname: "", path: "", service: "", origin: {}, note: "" };
    focus.current = { key: r.key, what: "input" };
    setRows([...rows.slice(0, -1), r, rows.at(-1)]);
  };
  const drop = (i) => () => {
    focus.current = { key: rows[i + 1].key, what: "[data-move]" };
    const gone = rows;
    setRows(rows.filter((_, k) => k !== i));
    toast(t("tunnel.dropped", { n: i + 1 }), { undo: () => setRows(gone) });
  };
  const of = (kind, i) => (said?.[kind] || []).filter((e) => e.position === i + 1),
    about = (kind) => (said?.[kind] || []).filter((e) => !e.position);
  const changed = (dirty.current = config !== first.current),
    met = url && said?.match?.position;
  const done = (answer) => {
    first.current = config;
    dirty.current = false;
    again();
    watchJob(answer, t("tunnels.rules"));
  };
  return html`<div class="stack" ref=${box}><p class="unseen" aria-live="polite">${told}</p>
    <form class="tools" onSubmit=${(e) => e.preventDefault()}><label class="search"><${Icon} name="test-tube"/><span class="unseen">${t("tunnel.try_url")}</span>
      <input value=${url} placeholder=${t("tunnel.try_url")} inputmode="url" onInput=${(e) => setUrl(e.target.value.trim())}/></label>
      <span role="status">${url && said && (met ? t("tunnel.meets", { n: met, service: said.match.service }) : html`<span class="quiet">${said.match_error}</span>`)}</span></form>
    <ol class="rules"><li class="rule-line rule-cols" aria-hidden="true"><span></span><span>${t("tunnels.hostname")}</span><span>${t("tunnels.path")}</span><span>${t("tunnels.service")}</span></li>${rows.map(
      (
        r,
        i,
      ) => html`<${Rule} key=${r.key} of=${r} at=${i} rows=${rows} can=${can} route=${route} errors=${of("errors", i)} warnings=${of("warnings", i)} met=${met === i + 1}
      change=${change(r.key)} move=${move(i)} drop=${drop(i)}/>`,
    )}</ol>
    ${about("errors").map((e) => html`<p class="state bad"><${Icon} name="circle-x"/>${e.detail}</p>`)}
    ${
      can &&
      html`<div class="acts"><${Button} icon="plus" onClick=${add}>${t("tunnel.add_rule")}<//><span class="grow"></span>
      ${changed && html`<${Button} icon="undo-2" onClick=${() => setRows(rowsOf(list))}>${t("tunnel.discard")}<//>`}
      <${Button} kind="primary" icon="eye" disabled=${!changed || !said?.valid} onClick=${() => review(x, config, { config, rules_wanted: list.wanted }, done)}>${t("tunnel.review")}<//></div>
      <p role="status" class="quiet">${!said ? "" : said.errors.length ? t("tunnel.n_errors", { n: said.errors.length }) : changed ? t(said.same ? "tunnel.same" : "tunnel.all_fine") : ""}</p>`
    }</div>`;
}

/** <Rules of=${tunnel} again route/>: the editor, what was refused, the way back. */
export function Rules({ of: x, again, route }) {
  const {
    data: list,
    problem,
    again: reload,
  } = useLoad(
    () => get(`/api/tunnels/${x.id}/rules`).then((l) => ({ ...l, wanted: x.rules_wanted })),
    [x.id, x.rules_wanted],
  );
  const [base, setBase] = useState(null),
    dirty = useRef(false); // what is being edited is not taken away by somebody else's change
  useEffect(() => {
    if (list && !dirty.current) setBase(list);
  }, [list]);
  const take = () => {
    dirty.current = false;
    setBase(list);
  };
  const act = (what, title) => async () => {
    try {
      watchJob(await send("POST", `/api/tunnels/${x.id}/${what}`), title);
      again();
    } catch (p) {
      toast(p.message, { kind: "bad" });
    }
  };
  if (!base) return problem ? html`<${Trouble} of=${problem} again=${reload}/>` : html`<${Loading}/>`;
  return html`<div class="stack">
    ${
      x.rules_state === "refused" &&
      html`<div class="trouble" role="alert"><${Icon} name="circle-alert"/><div><strong>${t("tunnel.refused")}</strong><p>${x.rules_reason}</p>
      ${
        may("operator") &&
        html`<div class="acts"><${Button} icon="rotate-cw" onClick=${act("configure", t("tunnel.once_more"))}>${t("tunnel.once_more")}<//>
        <${Button} icon="undo-2" onClick=${act("rules/revert", t("tunnel.to_in_force"))}>${t("tunnel.to_in_force")}<//></div>`
      }</div></div>`
    }
    ${x.rules_state === "pending" && html`<p class="note"><${State} of="pending" look="busy" group="tunnels.rules"/></p>`}
    <${Card} title=${t("tunnels.rules")} acts=${html`<span class="quiet">${t("tunnel.n_rules", { n: list.data.length })}</span>`}><p class="quiet">${t("tunnel.rules_help")}</p>
      ${base.wanted !== list.wanted && html`<div class="note warn acts" role="alert">${t("tunnel.meanwhile")}<${Button} icon="refresh-cw" onClick=${take}>${t("tunnel.take_new")}<//></div>`}
      <${Editor} key=${base.wanted} of=${x} list=${base} again=${again} route=${route} dirty=${dirty}/><//>
    <${Versions} of=${x} again=${again}/></div>`;
}
