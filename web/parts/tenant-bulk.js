// One act on many tenants: first what would happen to each, then, in parts, what did.
import { html, useEffect, useState } from "../base/h.js";
import { all, plan as ask, send } from "../base/api.js";
import { needTexts, t, word } from "../base/lang.js";
import { Button, Icon, Loading, State, Trouble, useLoad } from "../base/ui.js";
import { Dialog, show } from "../base/dialog.js";
import { Says } from "../base/form.js";

await needTexts("tenants");

const PATH = "/api/tenants/bulk";
const looks = { started: "good", done: "good", unchanged: "", refused: "bad" };

const Results = ({ of }) =>
  html`<div class="scroll figures" tabindex="0"><table><caption class="unseen">${t("tenants.each")}</caption><tbody>${of.map(
    (r) => html`<tr key=${r.id}>
  <td><a class="row" href=${"/admin/tenants/" + r.id}>${r.name || r.id}</a></td>
  <td><${State} of=${r.result} group="tenants.result" look=${looks[r.result]}/></td>
  <td class="wide">${r.detail || (r.job && html`<a href=${"/admin/jobs/" + r.job}>${t("tenants.job")}</a>`)}</td></tr>`,
  )}</tbody></table></div>`;

const sum = (a, b) => ({
  count: a.count + b.count,
  started: a.started + b.started,
  unchanged: a.unchanged + b.unchanged,
  refused: a.refused + b.refused,
  results: [...a.results, ...b.results],
});
const none = { count: 0, started: 0, unchanged: 0, refused: 0, results: [] };

/** All parts, one after the other. */
async function run(body, tell) {
  let total = none;
  for (let after; ;) {
    const part = { ...body, starting_after: after };
    const said = await send("POST", PATH, part);
    total = sum(total, said);
    tell(total);
    if (!said.has_more || body.act === "delete") return; // of what is deleted only as many as were shown
    after = said.next;
  }
}

function Bulk({ act, what, close, done }) {
  const [to, setTo] = useState(""),
    [typed, setTyped] = useState(""),
    [busy, setBusy] = useState(false),
    [problem, setProblem] = useState(null),
    [total, setTotal] = useState(null);
  const [reason, setReason] = useState("");
  const { data: plans } = useLoad(() => (act === "plan" ? all("/api/plans") : []), []);
  const body = { act, ...what, ...(to && { new_plan: to }), ...(reason && { reason }) };
  const ready = act !== "plan" || to;
  const { data: plan, problem: refused } = useLoad(
    () => (ready ? ask("POST", PATH, { act, ...what, ...(to && { new_plan: to }) }) : null),
    [to],
  );
  useEffect(() => {
    if (total && !busy) done?.();
  }, [busy]);
  const go = async (e) => {
    e.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      await run(act === "delete" ? { ...body, confirm: typed.trim() } : body, setTotal);
    } catch (p) {
      setProblem(p);
    }
    setBusy(false);
  };
  const n = plan ? plan.count - plan.refused : 0,
    count = plan?.has_more
      ? t(act === "delete" ? "tenants.first_only" : "tenants.first", { n: plan.count })
      : t("tenants.count", { n: plan?.count || 0 });
  const sure = act !== "delete" || typed.trim() === String(plan?.count);
  if (total)
    return html`<div class="stack" aria-live="polite"><p>${busy && html`<${Icon} name="loader-circle" spin/> `}${t("tenants.summary", { started: total.started, unchanged: total.unchanged, refused: total.refused })}</p>
    <${Trouble} of=${problem}/><${Results} of=${total.results}/><div class="acts end"><${Button} kind="primary" disabled=${busy} onClick=${() => close()}>${t("base.close")}<//></div></div>`;
  return html`<form class="stack" onSubmit=${go}>
    ${
      act === "plan" &&
      html`<div class="field"><label for="bulk-plan">${t("tenants.new_plan")}</label><select id="bulk-plan" value=${to} onChange=${(e) => setTo(e.target.value)}><option value=""></option>
      ${(plans || []).map((p) => html`<option value=${p.name}>${p.title || p.name}</option>`)}</select></div>`
    }
    <${Trouble} of=${refused || problem}/>
    ${ready && !plan && !refused && html`<${Loading}/>`}
    ${plan && html`<p>${count}${plan.refused > 0 && html` <span class="bad">${t("tenants.refused", { n: plan.refused })}</span>`}</p><${Results} of=${plan.results}/>`}
    ${
      act === "delete" &&
      plan &&
      html`<div class="dies"><p>${t("tenants.dies_many")}</p></div><label class="field"><span>${t("tenants.type_count", { n: plan.count })}</span>
      <input value=${typed} inputmode="numeric" autocomplete="off" onInput=${(e) => setTyped(e.target.value)}/></label>`
    }
    ${(act === "suspend" || act === "delete") && html`<label class="field"><span>${t("tenants.reason")}</span><input value=${reason} maxlength="239" onInput=${(e) => setReason(e.target.value)}/></label>`}
    <div class="acts end"><${Says} op="tenant.bulk" values=${act === "delete" ? { ...body, confirm: plan?.count } : body} method="POST" path=${PATH} body=${body}/>
      <${Button} onClick=${() => close()}>${t("base.cancel")}<//>
      <${Button} type="submit" kind=${act === "delete" ? "danger" : "primary"} busy=${busy} disabled=${!n || !sure}>${word("tenants.act", act)}<//></div></form>`;
}

/** bulk("suspend", {ids: "a,b"} or filters, done) */
export const bulk = (act, what, done) =>
  show(
    ({ close }) =>
      html`<${Dialog} title=${word("tenants.act", act)} close=${close} kind="wide"><${Bulk} act=${act} what=${what} close=${close} done=${done}/><//>`,
  );
