// The order page: what can be bought, a name for it, and the way to Stripe's page to pay on.
import { html, useEffect, useState } from "../base/h.js";
import { get, send } from "../base/api.js";
import { t } from "../base/lang.js";
import { bytes, clock, money, number } from "../base/say.js";
import { setQuery } from "../base/route.js";
import { Button, Card, Empty, Icon, LinkButton, Loading, Trouble, useLoad } from "../base/ui.js";
import { Field } from "../base/form.js";
import { brand } from "../base/brand.js";

// The order that this browser has begun: its secret, and the page at Stripe; so that who comes back goes on.
const kept = () => {
  try {
    return JSON.parse(sessionStorage.getItem("sett.order")) || {};
  } catch {
    return {};
  }
};
const keep = (what) =>
  what ? sessionStorage.setItem("sett.order", JSON.stringify(what)) : sessionStorage.removeItem("sett.order");
const newSecret = () =>
  btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

export function price(o) {
  if (o.amount === null) return t("order.price_at_stripe");
  const n = o.interval_count,
    per = o.interval === "once" ? "" : t("order.per_" + o.interval, { n: number(n), count: n });
  return html`${money(o.amount, o.currency)} <small>${n > 1 ? t("order.every", { n: number(n), unit: t("order.units_" + o.interval) }) : per}</small>`;
}
const comesWith = (o) =>
  [
    ...o.features,
    o.limits.max_users > 0 && t("order.users", { n: number(o.limits.max_users) }),
    o.limits.storage_bytes > 0 && t("order.storage", { n: bytes(o.limits.storage_bytes) }),
    o.limits.memory_bytes > 0 && t("order.memory", { n: bytes(o.limits.memory_bytes) }),
    o.limits.cpu_millis > 0 && t("order.cores", { n: number(o.limits.cpu_millis / 1000) }),
    o.limits.max_domains > 0 && t("order.domains", { n: number(o.limits.max_domains) }),
    o.snapshots === "restore" && t("order.restores"),
  ].filter(Boolean);

const Offer = ({ of: o, chosen, choose }) => html`<label class="offer">
  <header><h2>${o.title}</h2><input type="radio" name="plan" value=${o.plan} checked=${chosen} onChange=${() => choose(o.plan)}/></header>
  <p class="price">${price(o)}</p>${o.description && html`<p class="quiet">${o.description}</p>`}
  <ul class="ticks">${comesWith(o).map((line) => html`<li><${Icon} name="check"/><span>${line}</span></li>`)}</ul></label>`;

/** What the box says of a name, while it is typed. */
function useName(name, plan) {
  const [said, set] = useState(null);
  useEffect(() => {
    set(null);
    if (!name) return;
    if (!/^[a-z0-9-]+$/.test(name)) return set({ state: "invalid", code: "characters", suggestions: [] });
    const stop = new AbortController();
    const wait = setTimeout(
      () =>
        get(`/api/names/${name}`, { plan }, stop.signal).then(
          set,
          (p) => p.name === "AbortError" || set({ problem: p }),
        ),
      250,
    );
    return () => {
      clearTimeout(wait);
      stop.abort();
    };
  }, [name, plan]);
  return said;
}
const faults = {
  taken: "taken",
  reserved: "reserved",
  too_long: "too_long",
  first_letter: "first_letter",
  punycode: "punycode",
  last_hyphen: "hyphens",
  two_hyphens: "hyphens",
  characters: "characters",
};

function Verdict({ name, said, mine, choose }) {
  if (!name) return html`<span class="check"><small>${t("order.name_help")}</small></span>`;
  if (!said)
    return html`<span class="check"><${Icon} name="loader-circle" spin/><small>${t("order.name_asking")}</small></span>`;
  if (said.problem) return html`<span class="check"><small>${said.problem.message}</small></span>`;
  if (said.available || mine)
    return html`<span class="check good"><${Icon} name="circle-check"/><small>${t(mine ? "order.name_held" : "order.name_free")}</small></span>`;
  return html`<span class="check bad"><${Icon} name="circle-x"/><small>${t("order.name_" + (faults[said.code] || "taken"))}</small>
    ${said.suggestions?.map((s) => html`<button type="button" class="chip" onClick=${() => choose(s)}>${s}</button>`)}</span>`;
}

/** The order that was begun and is not paid: where it stands, and the way on. */
function Begun({ of: order, link, over }) {
  if (["preparing", "ready", "trouble"].includes(order.phase))
    return html`<${Card}><p><${Icon} name="circle-check"/> ${t("order.paid_already", { name: order.subdomain })}</p>
      <div class="acts"><${LinkButton} kind="primary" href=${`/order/${order.order}#${link.secret}`}>${t("order.see")}<//><${Button} kind="quiet" onClick=${over}>${t("order.another")}<//></div><//>`;
  return html`<${Card}><p><${Icon} name="hourglass"/> ${t("order.not_paid", { name: order.subdomain, time: clock(order.held_until) })}</p>
    <div class="acts">${link.url && html`<${LinkButton} kind="primary" icon="credit-card" href=${link.url}>${t("order.go_on")}<//>`}</div><//>`;
}

const Nothing =
  () => html`<${Empty} icon="shopping-cart" title=${t("order.none")} command="sett plan create small site --stripe-price price_… --offered true">
  ${t("order.none_help")} ${t("order.none_plan")} <a href="/admin/plans">${t("order.none_admin")}</a><//>`;
const Closed = () =>
  html`<${Empty} icon="clock" title=${t("order.closed")} command="sett secret set stripe.secret_key --value-file FILE">${t("order.operator")}<//>`;

function Form({ offer, domain, start, order, link, over }) {
  const [values, set] = useState({ subdomain: start, name: "", email: "" }),
    [problem, setProblem] = useState(null),
    [busy, setBusy] = useState(false);
  const said = useName(values.subdomain, offer.plan),
    mine = order?.phase === "unpaid" && order.subdomain === values.subdomain;
  const change = (name) => (v) => {
    set((old) => ({ ...old, [name]: name === "subdomain" ? v.toLowerCase().replaceAll(" ", "-") : v }));
    setProblem(null);
  };
  useEffect(() => {
    setQuery({ name: values.subdomain });
  }, [values.subdomain]);
  const go = async (e) => {
    e.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      if (order?.phase === "unpaid") await send("POST", "/api/orders/cancel", { secret: link.secret });
      const secret = newSecret();
      const answer = await send("POST", "/api/checkout", { ...values, plan: offer.plan, secret });
      keep({ secret, url: answer.url });
      location.assign(answer.url);
    } catch (p) {
      setBusy(false);
      if (p.code === "order_paid") return over();
      setProblem(p);
    }
  };
  const name = (
    about,
  ) => html`<span class="joined"><input ...${{ ...about, change: undefined }} value=${values.subdomain} maxlength="30" spellcheck=${false} autocapitalize="off"
    onInput=${(e) => change("subdomain")(e.target.value)}/><span>.${domain}</span></span>`;
  const field = (id, more) =>
    html`<${Field} of=${{ name: id, label: t("order." + id), required: true, ...more }} value=${values[id]} change=${change(id)} problem=${problem?.of?.(id)}/>`;
  return html`<${Card} title=${t("order.yours", { plan: offer.title })}><form class="form" onSubmit=${go}>
    <div class="fields">${field("subdomain", { input: name, wide: true })}</div>
    <div aria-live="polite"><${Verdict} name=${values.subdomain} said=${said} mine=${mine} choose=${change("subdomain")}/></div>
    <div class="fields">${field("name", { autocomplete: "name", maxlength: 120 })}${field("email", { type: "email", autocomplete: "email", help: t("order.email_help") })}</div>
    ${!problem?.errors?.length && html`<${Trouble} of=${problem}/>`}
    <div class="acts end"><p class="quiet">${t("order.at_stripe")}</p>
      <${Button} type="submit" kind="primary large" icon="credit-card" busy=${busy} disabled=${!!said && !said.available && !mine && !said.problem}>${t("order.pay")}<//></div></form><//>`;
}

export default function Order({ query }) {
  const { data, problem, again } = useLoad(() => get("/api/offers"), []);
  const [link, setLink] = useState(kept),
    [order, setOrder] = useState(null);
  useEffect(() => {
    document.title = brand.value.name;
  }, [brand.value.name]);
  useEffect(() => {
    // back from Stripe: the secret goes out of the address into this tab's memory
    const secret = location.hash.slice(1);
    if (!/^[\w-]{43}$/.test(secret)) return;
    if (secret !== link.secret) {
      keep({ secret });
      setLink({ secret });
    }
    history.replaceState(null, "", location.pathname + location.search);
  }, []);
  const look = () =>
    link.secret &&
    send("POST", "/api/orders/follow", { secret: link.secret }).then(
      (o) => {
        if (["declined", "expired", "over"].includes(o.phase)) over();
        else setOrder(o);
      },
      () => over(),
    );
  const over = () => {
    keep(null);
    setLink({});
    setOrder(null);
  };
  useEffect(() => {
    look();
  }, [link.secret]);
  if (!data) return problem ? html`<${Trouble} of=${problem} again=${again}/>` : html`<${Loading}/>`;
  if (!data.data.length)
    return html`<div class="hero"><h1 tabindex="-1">${brand.value.name}</h1></div><${Nothing}/>`;
  const chosen = data.data.find((o) => o.plan === query.plan) || data.data[0];
  return html`<div class="hero"><h1 tabindex="-1">${t("order.title")}</h1><p>${t("order.lead")}</p></div>
    ${order && html`<${Begun} of=${order} link=${link} over=${over}/>`}
    <fieldset class="offers"><legend class="unseen">${t("order.plans")}</legend>${data.data.map((o) => html`<${Offer} key=${o.plan} of=${o} chosen=${o === chosen} choose=${(plan) => setQuery({ plan })}/>`)}</fieldset>
    ${!data.payable ? html`<${Closed}/>` : html`<${Form} offer=${chosen} domain=${data.domain} start=${query.name || ""} order=${order} link=${link} over=${look}/>`}`;
}
