// Letters to customers and what was told to operators: what became of each; sending one again; writing to many.
import { html, useState } from "../base/h.js";
import { all, get, may, plan, send, url } from "../base/api.js";
import { t, word } from "../base/lang.js";
import { Time, number } from "../base/say.js";
import { query, setQuery } from "../base/route.js";
import { Button, Empty, Facts, Page, State, Tabs, Trouble, toast, useLoad } from "../base/ui.js";
import { Dialog, show } from "../base/dialog.js";
import { Form } from "../base/form.js";
import { Table } from "../base/table.js";

const states = ["queued", "sent", "failed"],
  looks = { queued: "busy", sent: "good", failed: "bad" };
const Sent = ({ of: m }) => html`<${State} of=${m.state} group="mails.state" look=${looks[m.state]}/>`;
const to = (m) =>
  m.customer_id ? html`<a href=${"/admin/customers/" + m.customer_id}>${m.recipient}</a>` : m.recipient;

const detail = (m) =>
  show(({ close }) => {
    const again = () =>
      send("POST", `/api/mails/${m.id}/resend`, {}).then(
        () => {
          close();
          toast(t("mails.queued_again"), { kind: "good" });
        },
        (p) => toast(p.message, { kind: "bad" }),
      );
    const foot = html`${m.state !== "queued" && may("operator") && html`<${Button} kind="primary" icon="send" onClick=${again}>${t("mails.resend")}<//>`}<code>sett mail show ${m.id}</code>`;
    return html`<${Dialog} kind="side" title=${m.subject || m.kind} close=${close} foot=${foot}><p class="row"><${Sent} of=${m}/><code>${m.kind}</code></p>
    <${Facts} of=${[
      [t("mails.to"), to(m)],
      [t("mails.language"), m.language],
      m.tenant_id && [t("mails.tenant"), html`<a href=${"/admin/tenants/" + m.tenant_id}>${m.tenant_id}</a>`],
      [t("mails.attempts"), number(m.attempts)],
      [t("mails.why"), m.cause],
      [t("mails.answer"), m.answer],
      [t("mails.written"), html`<${Time} at=${m.created_at}/>`],
      m.ended_at && [t("mails.ended"), html`<${Time} at=${m.ended_at}/>`],
      ...Object.entries(m.params || {}),
    ]}/><//>`;
  });

/* ---- writing to many ---- */

/** Who would get it, before anybody does. */
function Meant({ body }) {
  const [asked, ask] = useState(null),
    { data, problem } = useLoad(
      () => (asked ? plan("POST", "/api/mails", asked) : Promise.resolve(null)),
      [JSON.stringify(asked)],
    );
  return html`<div class="stack"><div class="row"><${Button} icon="eye" onClick=${() => ask(body)}>${t("mails.look")}<//></div><${Trouble} of=${asked && problem}/>
    ${data && html`<div class="plan"><p><b>${t("mails.letters", { n: data.letters })}</b>${data.without_address > 0 && ` ${t("mails.no_address", { n: data.without_address })}`}</p><ul>${Object.entries(data.recipients).map(([address, name]) => html`<li key=${address}>${name} <span class="quiet">${address}</span></li>`)}</ul></div>`}</div>`;
}
const left = { message: ["from", "until", "reason"], maintenance: ["subject", "text"] }; // what a kind has not
const bodyOf = (v) =>
  Object.fromEntries(
    Object.entries(v)
      .filter(([name, x]) => x && !left[v.kind].includes(name))
      .map(([name, x]) => [name, ["from", "until"].includes(name) ? new Date(x).toISOString() : x]),
  );

const write = () =>
  show(({ close }) => {
    const { data } = useLoad(() => all("/api/plans"), []);
    const own = (v) => v.kind === "message",
      works = (v) => v.kind !== "message";
    const fields = [
      {
        name: "kind",
        label: t("mails.what"),
        type: "select",
        required: true,
        autofocus: true,
        options: ["message", "maintenance"].map((k) => [k, word("mails.kind", k)]),
      },
      {
        name: "plan",
        label: t("mails.of_plan"),
        type: "select",
        options: (data || []).map((p) => [p.name, p.title || p.name]),
      },
      {
        name: "state",
        label: t("mails.of_state"),
        type: "select",
        options: ["active", "past_due", "suspended"].map((s) => [s, word("base.state", s)]),
      },
      { name: "subject", label: t("mails.subject"), required: true, maxlength: 150, wide: true, when: own },
      {
        name: "text",
        label: t("mails.text"),
        type: "textarea",
        rows: 8,
        required: true,
        wide: true,
        help: "{{customer}} {{tenant}} {{address}}",
        when: own,
      },
      { name: "from", label: t("mails.from"), type: "datetime-local", required: true, when: works },
      { name: "until", label: t("mails.until"), type: "datetime-local", required: true, when: works },
      { name: "reason", label: t("mails.reason"), wide: true, when: works },
    ];
    return html`<${Dialog} kind="wide" title=${t("mails.write")} close=${close}>
    <${Form} fields=${fields} start=${{ kind: "message" }} op="mail.send" path="/api/mails" body=${bodyOf} submit=${t("mails.send")} cancel=${close} done=${(
      made,
    ) => {
      close();
      toast(t("mails.letters", { n: made.letters }), { kind: "good" });
    }}>
      ${(values) => html`<${Meant} body=${bodyOf(values)}/>`}<//><//>`;
  });

export default function Mails() {
  const q = query.value,
    ops = q.tab === "operators";
  const { data: kinds } = useLoad(() => get("/api/mail-kinds").then((a) => a.data), []);
  if (q.new) {
    setQuery({ new: null });
    write();
  }
  const columns = [
    {
      id: "subject",
      label: t("mails.subject"),
      always: true,
      wide: true,
      show: (m) =>
        html`<button type="button" class="link row" onClick=${() => detail(m)}>${m.subject || html`<code>${m.kind}</code>`}</button>`,
    },
    { id: "to", label: t("mails.to"), show: to },
    { id: "kind", label: t("mails.what"), hidden: ops, show: (m) => html`<code>${m.kind}</code>` },
    { id: "state", label: t("mails.became"), show: (m) => html`<${Sent} of=${m}/>` },
    { id: "attempts", label: t("mails.attempts"), end: true },
    { id: "why", label: t("mails.why"), wide: true, show: (m) => m.cause || m.answer },
    { id: "created_at", label: t("mails.written"), show: (m) => html`<${Time} at=${m.created_at}/>` },
  ];
  const filters = [
    { id: "state", label: t("mails.became"), options: states.map((s) => [s, word("mails.state", s)]) },
    !ops && { id: "kind", label: t("mails.what"), options: (kinds || []).map((k) => [k.kind, k.kind]) },
    !ops && { id: "customer", label: t("mails.customer"), type: "text" },
  ].filter(Boolean);
  const act =
    may("operator") && html`<${Button} kind="primary" icon="pencil" onClick=${write}>${t("mails.write")}<//>`;
  return html`<${Page} title=${t("base.page.mails")} lead=${t("mails.lead")} acts=${act}>
    <${Tabs} at=${ops ? "operators" : "customers"} href=${(id) => url("/admin/mails", { tab: id === "operators" ? id : null })} tabs=${["customers", "operators"].map((id) => [id, t("mails.tab." + id)])}/>
    <${Table} key=${ops} name=${ops ? "notices" : "mails"} list=${ops ? "/api/notices" : "/api/mails"} live=${["message"]} columns=${columns} filters=${filters}
      empty=${html`<${Empty} icon="mail" title=${t("mails.none")} command=${ops ? "sett notice log" : "sett mail log"}>${t(ops ? "mails.none_ops" : "mails.none_help")}<//>`}/><//>`;
}
