// One's own account: password, second factor, where one is signed in.
import { html, useState } from "../base/h.js";
import { get, me, send, whoami } from "../base/api.js";
import { t, word } from "../base/lang.js";
import { Time } from "../base/say.js";
import { Button, Card, Code, Facts, Icon, Page, State, Trouble, toast, useLoad } from "../base/ui.js";
import { Dialog, confirm, show } from "../base/dialog.js";
import { Field } from "../base/form.js";
import { useLive } from "../base/live.js";
import { signOut } from "../base/shell.js";
import { Codes, EnrolApp, factor, useTry } from "../base/second.js";
import { makePasskey, possible, refusal } from "../base/passkeys.js";

const ME = "/api/users/me";
const command = (words) => (me.value.role === "customer" ? null : "sett " + words); // customers have no box to type it at

/* ---- the password ---- */

const changePassword = () =>
  show(({ close }) => {
    const [values, set] = useState({}),
      [differ, setDiffer] = useState(false),
      [run, problem, busy] = useTry();
    const go = (e) => {
      e.preventDefault();
      setDiffer(values.new_password !== values.repeat);
      if (values.new_password !== values.repeat) return;
      run(async () => {
        await send("POST", ME + "/password", {
          current_password: values.current_password,
          new_password: values.new_password,
        });
        await whoami();
        close();
        toast(t("account.password_changed"), { kind: "good" });
      });
    };
    const field = (
      name,
      autocomplete,
      more,
      wrong,
    ) => html`<${Field} of=${{ name, label: t("account." + name), type: "password", required: true, autocomplete, ...more }} value=${values[name]}
    change=${(v) => {
      set((old) => ({ ...old, [name]: v }));
      setDiffer(false);
    }} problem=${wrong || problem?.of(name)}/>`;
    const elsewhere = problem && !problem.of("current_password") && !problem.of("new_password");
    return html`<${Dialog} title=${t("account.change_password")} close=${close}><form class="stack" onSubmit=${go}>
    <input type="text" class="unseen" autocomplete="username" value=${me.value.user.name} readonly tabindex="-1" aria-hidden="true"/>
    ${field("current_password", "current-password", { autofocus: true })}${field("new_password", "new-password", { help: t("account.password_rules") })}
    ${field("repeat", "new-password", {}, differ && t("account.differ"))}${elsewhere && html`<${Trouble} of=${problem}/>`}
    <div class="acts end"><${Button} onClick=${close}>${t("base.cancel")}<//><${Button} type="submit" kind="primary" busy=${busy}>${t("account.change_password")}<//></div></form><//>`;
  });

/** For who has signed in by links alone. */
const choosePassword = () =>
  show(({ close }) => {
    const [values, set] = useState({}),
      [differ, setDiffer] = useState(false),
      [run, problem, busy] = useTry();
    const go = (e) => {
      e.preventDefault();
      setDiffer(values.new_password !== values.repeat);
      if (values.new_password === values.repeat)
        run(async () => {
          await send("POST", "/api/portal/password", { password: values.new_password });
          await whoami();
          close();
          toast(t("account.password_changed"), { kind: "good" });
        });
    };
    const field = (
      name,
      more,
      wrong,
    ) => html`<${Field} of=${{ name, label: t("account." + name), type: "password", required: true, autocomplete: "new-password", ...more }} value=${values[name]}
    change=${(v) => {
      set((old) => ({ ...old, [name]: v }));
      setDiffer(false);
    }} problem=${wrong}/>`;
    return html`<${Dialog} title=${t("account.choose_password")} close=${close}><form class="stack" onSubmit=${go}>
    ${field("new_password", { help: t("account.password_rules"), autofocus: true }, problem?.of("password"))}${field("repeat", {}, differ && t("account.differ"))}${problem && !problem.of("password") && html`<${Trouble} of=${problem}/>`}
    <div class="acts end"><${Button} onClick=${close}>${t("base.cancel")}<//><${Button} type="submit" kind="primary" busy=${busy}>${t("account.choose_password")}<//></div></form><//>`;
  });

function Password() {
  const user = me.value.user;
  if (me.value.has_password === false)
    return html`<${Card} title=${t("account.password")} acts=${html`<${Button} icon="plus" onClick=${choosePassword}>${t("account.choose_password")}<//>`}><p>${t("account.no_password")}</p><//>`;
  return html`<${Card} title=${t("account.password")} acts=${html`<${Button} icon="pencil" onClick=${changePassword}>${t("account.change_password")}<//>`}>
    <${Facts} of=${[
      [t("account.name"), user.name],
      [t("account.role"), word("base.role", user.role)],
      [t("account.changed"), html`<${Time} at=${user.password_at}/>`],
      [t("account.fresh"), html`<${Time} at=${me.value.fresh_until} never=${t("account.not_fresh")}/>`],
    ]}/><//>`;
}

/* ---- the second factor ---- */

const enrol = (again) =>
  show(
    ({ close }) => html`<${Dialog} title=${t("account.set_up_app")} close=${() => {
      close();
      again();
    }}>
  <${EnrolApp} done=${() => {
    close();
    again();
    toast(t("account.app_on"), { kind: "good" });
  }} cancel=${close}/><//>`,
  );

const newCodes = async (again) => {
  const made = await confirm({
    title: t("account.new_codes"),
    body: t("account.new_codes_help"),
    kind: "primary",
    command: command(`second-factor codes --user ${me.value.user.name}`),
    run: () => send("POST", ME + "/second-factor/codes"),
  });
  if (!made) return;
  await show(
    ({ close }) =>
      html`<${Dialog} title=${t("account.codes")} close=${close}><${Codes} codes=${made.codes} done=${close}/><//>`,
  );
  again();
};

const switchOff = async (again) => {
  const off = await confirm({
    title: t("account.switch_off"),
    body: t("account.switch_off_help"),
    command: command(`second-factor disable --user ${me.value.user.name}`),
    run: () => send("DELETE", ME + "/second-factor"),
  });
  if (off) {
    await whoami();
    again();
  }
};

function SecondFactor() {
  const { data: f, problem, again } = useLoad(factor, []);
  if (!f)
    return html`<${Card} title=${t("account.second_factor")}><${Trouble} of=${problem} again=${again}/><//>`;
  const on = f.state === "on";
  const acts = on
    ? html`<${Button} icon="key-round" onClick=${() => newCodes(again)}>${t("account.new_codes")}<//><${Button} icon="qr-code" onClick=${() => enrol(again)}>${t("account.other_app")}<//>
      ${!f.required && html`<${Button} kind="danger" onClick=${() => switchOff(again)}>${t("account.switch_off")}<//>`}`
    : html`<${Button} kind="primary" icon="qr-code" onClick=${() => enrol(again)}>${t("account.set_up_app")}<//>`;
  return html`<${Card} title=${t("account.second_factor")} acts=${acts}>
    <p><${State} of=${on ? "on" : "off"} group="account.factor" look=${on ? "good" : "warn"}/></p>
    ${
      on
        ? html`<${Facts} of=${[
            [t("account.since"), html`<${Time} at=${f.confirmed_at}/>`],
            [
              t("account.codes_left"),
              html`${f.codes_left}${f.codes_left < 3 && html` <span class="state warn"><${Icon} name="triangle-alert"/>${t("account.few_codes")}</span>`}`,
            ],
            [t("account.required"), f.required ? t("base.yes") : t("base.no")],
          ]}/>`
        : html`<p class="quiet">${t("account.second_factor_help")}</p>`
    }<//>`;
}

/* ---- passkeys ---- */

const addPasskey = (again) =>
  show(({ close }) => {
    const [name, setName] = useState(device(navigator.userAgent)),
      [run, problem, busy] = useTry();
    const go = (e) => {
      e.preventDefault();
      run(async () => {
        try {
          await makePasskey(name);
        } catch (p) {
          throw refusal(p) ? new Error(t("account.passkey_" + refusal(p))) : p;
        }
        close();
        again();
        whoami();
        toast(t("account.passkey_added", { name }), { kind: "good" });
      });
    };
    return html`<${Dialog} title=${t("account.add_passkey")} close=${close}><form class="stack" onSubmit=${go}><p>${t("account.add_passkey_help")}</p>
    <${Field} of=${{ name: "name", label: t("account.passkey_name"), required: true, maxlength: 90, autofocus: true }} value=${name} change=${setName} problem=${problem?.of?.("name")}/>
    ${!problem?.of?.("name") && html`<${Trouble} of=${problem}/>`}
    <div class="acts end"><${Button} onClick=${close}>${t("base.cancel")}<//><${Button} type="submit" kind="primary" icon="fingerprint" busy=${busy}>${t("account.add_passkey")}<//></div></form><//>`;
  });

function Passkey({ of: p, again }) {
  const remove = async () => {
    const gone = await confirm({
      title: t("account.remove_passkey"),
      body: t("account.remove_passkey_help", { name: p.name }),
      command: command("passkey revoke " + p.id),
      run: () => send("DELETE", "/api/passkeys/" + p.id),
    });
    if (gone) again();
  };
  return html`<li><${Icon} name="fingerprint"/><div class="grow"><p class="row"><b>${p.name}</b>${p.synced && html`<span class="quiet">${t("account.synced")}</span>`}</p>
      <p class="quiet">${t("account.added")} <${Time} at=${p.created_at}/>, ${t("account.seen")} <${Time} at=${p.last_used_at} never=${t("account.never")}/></p></div>
    <${Button} icon="trash-2" onClick=${remove} label=${t("account.remove_one", { name: p.name })}>${t("account.remove")}<//></li>`;
}

function Passkeys() {
  const { data, problem, again } = useLoad(() => get("/api/passkeys", { limit: 100 }), []);
  useLive(["passkey"], again);
  const list = data?.data || [];
  return html`<${Card} title=${t("account.passkeys")} acts=${possible() && html`<${Button} icon="plus" onClick=${() => addPasskey(again)}>${t("account.add_passkey")}<//>`}>
    <p class="quiet">${t(possible() ? "account.passkeys_help" : "account.passkeys_impossible")}</p><${Trouble} of=${problem} again=${again}/>
    ${list.length > 0 && html`<ul class="rows">${list.map((p) => html`<${Passkey} key=${p.id} of=${p} again=${again}/>`)}</ul>`}<//>`;
}

/* ---- sessions ---- */

const programs = [
  [/Edg\//, "Edge"],
  [/OPR\//, "Opera"],
  [/Firefox\//, "Firefox"],
  [/Chrom(e|ium)\//, "Chrome"],
  [/Safari\//, "Safari"],
  [/curl\//, "curl"],
];
const systems = [
  [/Android/, "Android"],
  [/iPhone|iPad/, "iOS"],
  [/Windows/, "Windows"],
  [/Mac OS X/, "macOS"],
  [/Linux|X11/, "Linux"],
];
const named = (list, agent) => list.find(([is]) => is.test(agent))?.[1];
/** "Firefox, Linux" of what a browser calls itself; what is none is shown as it is. */
const device = (agent) =>
  [named(programs, agent), named(systems, agent)].filter(Boolean).join(", ") ||
  agent.slice(0, 40) ||
  t("account.unknown");

function Session({ of: s, again }) {
  const end = async () => {
    if (s.current) return signOut();
    await send("DELETE", "/api/sessions/" + s.id).catch((p) => toast(p.message, { kind: "bad" }));
    again();
  };
  return html`<li><${Icon} name=${/Android|iPhone|Mobile/.test(s.agent) ? "terminal" : "monitor"}/>
    <div class="grow"><p class="row"><b title=${s.agent}>${device(s.agent)}</b>${s.current && html`<span class="state good"><${Icon} name="circle-check"/>${t("account.this_one")}</span>`}</p>
      <p class="quiet">${t("account.from", { address: s.address || "–" })}, ${t("account.since_when")} <${Time} at=${s.created_at}/>, ${t("account.seen")} <${Time} at=${s.seen_at}/></p></div>
    <${Button} icon="log-out" onClick=${end} label=${s.current ? null : t("account.end_one", { device: device(s.agent) })}>${s.current ? t("base.sign_out") : t("account.end")}<//></li>`;
}

function Sessions() {
  const { data, problem, again } = useLoad(() => get("/api/sessions", { limit: 100 }), []);
  useLive(["session"], again);
  const clear = async () => {
    const done = await confirm({
      title: t("account.end_others"),
      body: t("account.end_others_help"),
      command: command(`session clear --user ${me.value.user.name}`),
      run: () => send("DELETE", "/api/sessions"),
    });
    if (done) {
      again();
      toast(t("account.ended", { n: done.ended }), { kind: "good" });
    }
  };
  const list = data?.data || [];
  return html`<${Card} title=${t("account.sessions")} acts=${list.length > 1 && html`<${Button} icon="log-out" onClick=${clear}>${t("account.end_others")}<//>`}>
    <p class="quiet">${t("account.sessions_help")}</p><${Trouble} of=${problem} again=${again}/>
    <ul class="rows">${[...list].sort((a, b) => b.current - a.current).map((s) => html`<${Session} key=${s.id} of=${s} again=${again}/>`)}</ul>
    ${command("") && html`<p><${Code}>${command(`session list --user ${me.value.user.name}`)}<//></p>`}<//>`;
}

export default function Account() {
  if (!me.value?.user)
    return html`<${Page} title=${t("base.page.account")}><p class="none">${t("account.no_user")}</p><//>`;
  return html`<${Page} title=${t("base.page.account")} lead=${t("account.lead")}><${Password}/><${SecondFactor}/><${Passkeys}/><${Sessions}/><//>`;
}
