// Who may come in to a tenant, how often one may ask, and its key for TURN: a section of its page.
import { html, useState } from "../base/h.js";
import { get, may, send } from "../base/api.js";
import { needTexts, t } from "../base/lang.js";
import { bytes, number, Time, took } from "../base/say.js";
import { Button, Card, Code, Facts, Loading, State, toast, Trouble, useLoad } from "../base/ui.js";
import { confirm, Dialog, show } from "../base/dialog.js";
import { Form } from "../base/form.js";
import { watchJob } from "../base/job.js";
import { useLive } from "../base/live.js";

await needTexts("guards");
const looks = {
  active: "good",
  pending: "busy",
  creating: "busy",
  failed: "bad",
  removing: "busy",
  deleting: "busy",
};
const list = (text) => (text ? text.split(",").map((x) => html`<code>${x}</code> `) : null);

/** A dialog with a form that puts one of them. */
const edit = (r, what, title, fields, start, op, again) =>
  show(
    ({
      close,
    }) => html`<${Dialog} title=${title} close=${close}><p class="quiet">${t(`guards.${what}_help`)}</p>
  <${Form} fields=${fields} start=${start} op=${op} id=${r.number} method="PUT" path=${`/api/tenants/${r.id}/${what === "access" ? "access" : "rate-limit"}`} submit=${t("base.save")} preview cancel=${close}
    done=${(answer) => {
      close();
      again();
      watchJob(answer, title);
    }}/><//>`,
  );

const seconds = (s) => (s >= 3600 ? `${s / 3600}h` : s >= 60 && s % 60 === 0 ? `${s / 60}m` : `${s}s`);
const setAccess = (r, a, again) =>
  edit(
    r,
    "access",
    t("guards.access"),
    [
      {
        name: "emails",
        label: t("guards.emails"),
        type: "textarea",
        rows: 3,
        wide: true,
        help: t("guards.commas"),
        placeholder: "ann@example.com, bob@example.com",
      },
      {
        name: "domains",
        label: t("guards.domains"),
        help: t("guards.domains_help"),
        placeholder: "example.org",
      },
      { name: "ips", label: t("guards.ips"), help: t("guards.ips_help"), placeholder: "198.51.100.0/24" },
      { name: "session_hours", label: t("guards.session_hours"), type: "number", min: 1, max: 720 },
      { name: "login", label: t("guards.login"), type: "checkbox" },
      { name: "ips_suffice", label: t("guards.ips_suffice"), type: "checkbox" },
    ],
    a ? { ...a } : { session_hours: 24 },
    "access.set",
    again,
  );
const setLimit = (r, l, again) =>
  edit(
    r,
    "limit",
    t("guards.limit"),
    [
      {
        name: "requests",
        label: t("guards.requests"),
        type: "number",
        min: 1,
        max: 1000000,
        required: true,
        autofocus: true,
      },
      {
        name: "period",
        label: t("guards.period"),
        type: "select",
        required: true,
        options: ["10s", "30s", "1m", "5m", "10m", "1h"].map((p) => [p, p]),
      },
      {
        name: "block",
        label: t("guards.block"),
        type: "select",
        options: ["10s", "1m", "10m", "1h", "24h"].map((p) => [p, p]),
        help: t("guards.block_help"),
      },
    ],
    l
      ? { requests: l.requests, period: seconds(l.period_s), block: seconds(l.block_s) }
      : { requests: 100, period: "10s" },
    "ratelimit.set",
    again,
  );

const clear = (r, what, op, again) =>
  confirm({
    title: t(`guards.${what}_clear`),
    body: t(`guards.${what}_clear_help`),
    act: t("guards.clear"),
    command: `sett ${op} ${r.number}`,
    run: () => send("DELETE", `/api/tenants/${r.id}/${what === "access" ? "access" : "rate-limit"}`),
  }).then((answer) => {
    if (answer) {
      again();
      watchJob(answer, t(`guards.${what}_clear`));
    }
  });

const Said = ({ of: g }) => html`<${State} of=${g.state} group="guards.state" look=${looks[g.state]}/>
  ${g.state_reason && html`<p class="note warn">${g.state_reason} ${g.state_remedy}</p>`}`;

/** <Guards r=${tenant}/> */
export function Guards({ r }) {
  const { data: g, problem, again } = useLoad(() => get(`/api/tenants/${r.id}/guards`), [r.id, r.updated_at]);
  useLive(["job", "tenant"], again);
  if (!g) return problem ? html`<${Trouble} of=${problem} again=${again}/>` : html`<${Loading}/>`;
  const a = g.access,
    l = g.rate_limit,
    can = may("operator") && g.possible;
  const acts = (is, set, drop) =>
    can &&
    html`<${Button} icon=${is ? "pencil" : "plus"} onClick=${set}>${t(is ? "base.edit" : "guards.set")}<//>${is && html`<${Button} icon="trash-2" onClick=${drop}>${t("guards.clear")}<//>`}`;
  return html`<div class="stack">${!g.possible && html`<p class="note">${g.reason}</p>`}
    <${Card} title=${t("guards.access")} acts=${acts(
      a,
      () => setAccess(r, a, again),
      () => clear(r, "access", "access clear", again),
    )}>
      ${
        a
          ? html`<${Said} of=${a}/><${Facts} of=${[
              [t("guards.emails"), list(a.emails)],
              [t("guards.domains"), list(a.domains)],
              [t("guards.ips"), list(a.ips)],
              a.login && [t("guards.login"), t("base.yes")],
              a.ips && [t("guards.ips_suffice"), t(a.ips_suffice ? "base.yes" : "base.no")],
              [t("guards.session_hours"), number(a.session_hours)],
              [t("guards.team"), a.team || a.untold],
            ]}/>`
          : html`<p class="quiet">${t("guards.access_none")}</p>`
      }<//>
    <${Card} title=${t("guards.limit")} acts=${acts(
      l,
      () => setLimit(r, l, again),
      () => clear(r, "limit", "ratelimit clear", again),
    )}>
      ${
        l
          ? html`<${Said} of=${l}/><${Facts} of=${[
              [t("guards.requests"), number(l.requests)],
              [t("guards.period"), took(l.period_s * 1000)],
              [t("guards.block"), took(l.block_s * 1000)],
            ]}/>`
          : html`<p class="quiet">${t("guards.limit_none")}</p>`
      }<//>
    ${may("operator") && html`<${Turn} r=${r} of=${g.turn_key} again=${again}/>`}</div>`;
}

/** The key by which browsers of its visitors get TURN servers, and what it has relayed. */
function Turn({ r, of: key, again }) {
  const [asked, ask] = useState(false),
    usage = useLoad(() => (asked ? get("/api/turn/usage", { tenant: r.id, days: 30 }) : null), [asked]);
  const make = async () => {
    try {
      const answer = await send("POST", "/api/turn/keys", { tenant: r.id });
      again();
      watchJob(answer, t("guards.turn"));
    } catch (p) {
      toast(p.message, { kind: "bad" });
    }
  };
  const drop = () =>
    confirm({
      title: t("guards.turn_delete"),
      body: t("guards.turn_delete_help"),
      command: `sett turn delete ${key.number}`,
      run: () => send("DELETE", "/api/turn/keys/" + key.id),
    }).then((answer) => {
      if (answer) {
        again();
        watchJob(answer, t("guards.turn_delete"));
      }
    });
  return html`<${Card} title=${t("guards.turn")} acts=${key ? html`<${Button} icon="activity" onClick=${() => ask(true)}>${t("guards.usage")}<//><${Button} icon="trash-2" onClick=${drop}>${t("base.delete")}<//>` : html`<${Button} icon="plus" onClick=${make}>${t("base.create")}<//>`}>
    <${Trouble} of=${usage.problem}/>${
      key
        ? html`<${Facts} of=${[
            [
              t("guards.how"),
              html`<${State} of=${key.state} group="guards.state" look=${looks[key.state]} title=${key.state_reason}/>`,
            ],
            [t("guards.made"), html`<${Time} at=${key.created_at}/>`],
            usage.data && [t("guards.relayed"), bytes(usage.data.egress_bytes)],
            usage.data && [t("guards.received"), bytes(usage.data.ingress_bytes)],
          ]}/>`
        : html`<p class="quiet">${t("guards.turn_none")} <${Code}>sett turn credentials --tenant ${r.number}<//></p>`
    }<//>`;
}
