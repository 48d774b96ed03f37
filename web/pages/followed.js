// An order on its way: from the payment to the address and the first credentials. Whoever has its link sees it;
// the secret behind the # is sent in a header or a body, and so stands in no log.
import { html, useEffect, useRef, useState } from "../base/h.js";
import { file, placed } from "../base/place.js";
import { send } from "../base/api.js";
import { t, word } from "../base/lang.js";
import { clock, took } from "../base/say.js";
import { Button, Card, Copy, Icon, LinkButton, Loading, Trouble } from "../base/ui.js";
import { brand } from "../base/brand.js";

const ends = ["ready", "declined", "expired", "suspended", "over"];

/** Reads a stream of events by fetch, which can send a header: each(name, data). Ends with the stream. */
async function events(path, headers, signal, each) {
  const answer = await fetch(placed(path), {
    headers: { ...headers, Accept: "text/event-stream" },
    signal,
    cache: "no-store",
  });
  if (!answer.ok) throw new Error(String(answer.status));
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; ;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      const name = part.match(/^event: (.*)$/m)?.[1],
        data = part.match(/^data: (.*)$/m)?.[1];
      if (name && data) each(name, JSON.parse(data));
    }
  }
}

/** The order as it is, live; polled where the stream does not come through. */
function useOrder(secret) {
  const [state, set] = useState({});
  useEffect(() => {
    if (!secret) return;
    const stop = new AbortController();
    let wait = 0,
      over = false;
    const take = (order) => {
      over = ends.includes(order.phase);
      set({ order });
    };
    const again = (ms) => {
      if (!over && !stop.signal.aborted) wait = setTimeout(listen, ms);
    };
    const listen = () =>
      events(
        "/api/orders/stream",
        { "X-Order-Secret": secret },
        stop.signal,
        (name, data) => name === "order" && take(data),
      ).then(
        () => again(1000),
        () =>
          send("POST", "/api/orders/follow", { secret }).then(
            (o) => {
              take(o);
              again(3000);
            },
            (problem) => {
              set((s) => ({ ...s, problem }));
              if (problem.status !== 404) again(5000);
            },
          ),
      );
    listen();
    return () => {
      stop.abort();
      clearTimeout(wait);
    };
  }, [secret]);
  return [state, (order) => set({ order })];
}

const marks = {
  done: "circle-check",
  running: "loader-circle",
  waiting: "circle-dashed",
  stuck: "triangle-alert",
};
const Stages = ({ of }) =>
  html`<ol class="stages">${of.map(
    (s) => html`<li key=${s.name} class=${s.state} aria-current=${s.state === "running" ? "step" : null}>
  <${Icon} name=${marks[s.state]} label=${t("followed.state_" + s.state)} spin=${s.state === "running"}/><span>${t("followed.stage_" + s.name)}</span>
  <small>${s.state === "done" && s.started_at && s.ended_at ? took(Date.parse(s.ended_at) - Date.parse(s.started_at)) : ""}</small></li>`,
  )}</ol>`;

/** First credentials, a line each, to be copied. */
export const Secrets = ({ of }) =>
  html`<dl class="secrets">${Object.entries(of).map(
    ([name, value]) => html`<div><dt>${word("followed.cred", name)}</dt>
  <dd>${/^https?:\/\//.test(value) ? html`<a href=${value} rel="noreferrer">${value}</a>` : html`<span>${value}</span>`}<${Copy} text=${value}/></dd></div>`,
  )}</dl>`;

function Credentials({ order, secret, seen }) {
  const [shown, setShown] = useState(null),
    [problem, setProblem] = useState(null),
    [busy, setBusy] = useState(false);
  const show = async () => {
    setBusy(true);
    setProblem(null);
    try {
      setShown((await send("POST", "/api/orders/credentials", { secret })).credentials);
      seen();
    } catch (p) {
      setProblem(p);
    }
    setBusy(false);
  };
  if (shown)
    return html`<${Card} title=${t("followed.credentials")}><${Secrets} of=${shown}/><p class="quiet">${t("followed.note_down")}</p><//>`;
  if (order.credentials === "none") return null;
  if (order.credentials === "shown")
    return html`<${Card} title=${t("followed.credentials")}><p class="quiet">${t("followed.shown_before")}</p><//>`;
  return html`<${Card} title=${t("followed.credentials")}><p>${t("followed.once")}</p><${Trouble} of=${problem}/>
    <div class="acts"><${Button} kind="primary" icon="eye" busy=${busy} onClick=${show}>${t("followed.show")}<//></div><//>`;
}

const Help = () => {
  const { support_email: mail, support_url: page } = brand.value;
  return (mail || page) && html`<p><a href=${mail ? "mailto:" + mail : page}>${mail || page}</a></p>`;
};

const heads = {
  unpaid: ["hourglass", "wait"],
  preparing: ["loader-circle", "wait"],
  ready: ["circle-check", ""],
  trouble: ["triangle-alert", "odd"],
  declined: ["circle-x", "odd"],
  expired: ["clock", "odd"],
  suspended: ["circle-pause", "odd"],
  over: ["archive", "odd"],
};
function Head({ order, title }) {
  const [icon, kind] = heads[order.phase];
  return html`<div class=${"hero " + kind}><svg class=${"icon big" + (order.phase === "preparing" ? " spin" : "")} aria-hidden="true"><use href=${file("icons.svg#" + icon)}/></svg>
    <h1 tabindex="-1">${title}</h1><p>${t("followed.lead_" + order.phase, { email: order.email, time: order.held_until ? clock(order.held_until) : "" })}</p></div>`;
}

export default function Followed() {
  const [secret] = useState(() => location.hash.slice(1)),
    [{ order, problem }, set] = useOrder(secret),
    told = useRef("");
  const title = order && t("followed.title_" + order.phase, { name: order.subdomain });
  useEffect(() => {
    if (title) document.title = `${title} · ${brand.value.name}`;
  }, [title]);
  useEffect(() => {
    if (order?.phase === "preparing") sessionStorage.removeItem("sett.order");
    told.current = order?.phase;
  }, [order?.phase]);
  if (!secret || (problem?.status === 404 && !order))
    return html`<div class="small"><div class="hero odd"><h1 tabindex="-1">${t("followed.unknown")}</h1><p>${t("followed.unknown_help")}</p><${Help}/></div></div>`;
  if (!order) return problem ? html`<${Trouble} of=${problem}/>` : html`<${Loading}/>`;
  return html`<div class="small"><div role="status" aria-live="polite"><${Head} order=${order} title=${title}/></div>
    ${
      order.phase === "ready" &&
      html`<${Card}><p class="address"><a href=${order.address}>${order.address}</a></p>
      <div class="acts"><${LinkButton} kind="primary large" icon="external-link" href=${order.address}>${t("followed.open")}<//></div><//>
      <${Credentials} order=${order} secret=${secret} seen=${() => set({ ...order, credentials: "seen" })}/>`
    }
    ${["unpaid", "preparing", "trouble", "ready"].includes(order.phase) && html`<${Card} title=${order.plan_title}><${Stages} of=${order.stages}/><//>`}
    ${order.phase === "trouble" && html`<${Help}/>`}
    ${["expired", "declined"].includes(order.phase) && html`<div class="acts"><${LinkButton} kind="primary" href=${`/?plan=${order.plan}&name=${order.subdomain}`}>${t("followed.anew")}<//></div>`}
    ${
      ["ready", "suspended"].includes(order.phase) &&
      html`<${Card} title=${t("followed.account")}><p>${t("followed.account_help", { email: order.email })}</p>
      <div class="acts"><${LinkButton} icon="log-in" href="/portal">${t("front.portal")}<//></div><//>`
    }
    ${!ends.includes(order.phase) && html`<p class="quiet">${t("followed.keep")} <${Copy} text=${location.href} label=${t("followed.copy")}/></p>`}</div>`;
}
