// The first run: a new box step by step, or the box that was lost from a snapshot of it.
import { html, useEffect, useState } from "../base/h.js";
import { place, placed } from "../base/place.js";
import { all, get, me, send, whoami } from "../base/api.js";
import { lang, languages, needTexts, t } from "../base/lang.js";
import { bytes, exact, number, Time } from "../base/say.js";
import { go } from "../base/route.js";
import {
  Button,
  Card,
  Code,
  Facts,
  Icon,
  LinkButton,
  Loading,
  Meter,
  Page,
  Trouble,
  useLoad,
} from "../base/ui.js";
import { Dialog, confirm, show } from "../base/dialog.js";
import { Field, Form, Says } from "../base/form.js";
import { useLive } from "../base/live.js";
import { JobView } from "../base/job.js";
import { useTry } from "../base/second.js";
import { addVault } from "./backup-care.js";
import { recoveryKey } from "./recovery-key.js";

await needTexts("backups");

/* ---- a new box ---- */

const password = (again) =>
  show(
    ({ close }) => html`<${Dialog} title=${t("setup.password")} close=${close}>
  <${Form} op="user.password" path="/api/users/me/password" submit=${t("base.save")} cancel=${close} done=${async () => {
    await whoami();
    close();
    again();
  }}
    fields=${[
      {
        name: "current_password",
        label: t("setup.first_password"),
        type: "password",
        required: true,
        autocomplete: "current-password",
        autofocus: true,
        wide: true,
      },
      {
        name: "new_password",
        label: t("setup.new_password"),
        type: "password",
        required: true,
        autocomplete: "new-password",
        wide: true,
      },
    ]}/><//>`,
  );

const zones = () => Intl.supportedValuesOf?.("timeZone") || [];
/** Several settings at once; what is not changed is left alone. */
const address = (again) =>
  show(({ close }) => {
    const [values, set] = useState(null),
      [run, problem, busy] = useTry();
    const names = {
      "box.name": "name",
      "box.url": "url",
      "box.domain": "domain",
      "box.time_zone": "zone",
      "mail.language": "language",
    };
    const { data } = useLoad(
      () =>
        get("/api/settings").then((a) =>
          Object.fromEntries(a.data.filter((s) => names[s.name]).map((s) => [s.name, s.value])),
        ),
      [],
    );
    useEffect(
      () =>
        data &&
        set({
          ...data,
          "box.url": location.origin + place,
          "box.time_zone":
            data["box.time_zone"] === "UTC"
              ? Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC"
              : data["box.time_zone"],
          "mail.language": lang.value,
        }),
      [data],
    );
    const save = (e) => {
      e.preventDefault();
      run(async () => {
        // The address last: from then on the box goes by that name alone.
        for (const n of [...Object.keys(names).filter((n) => n !== "box.url"), "box.url"])
          if (values[n] !== data[n] || n === "box.url")
            await send("PUT", "/api/settings/" + n, { value: values[n] });
        close();
        again();
      });
    };
    const field = (n, more) =>
      html`<${Field} of=${{ name: n, label: t("setup." + names[n]), required: true, wide: true, ...more }} value=${values[n]} change=${(v) => set((o) => ({ ...o, [n]: v }))}/>`;
    return html`<${Dialog} title=${t("setup.address")} close=${close}>${
      !values
        ? html`<${Loading}/>`
        : html`<form class="form" onSubmit=${save}>
    ${field("box.name", { autofocus: true, help: t("setup.name_help") })}${field("box.url", { help: t("setup.url_help") })}${field("box.domain", { help: t("setup.domain_help") })}
    ${field("box.time_zone", { type: "select", options: [...new Set(["UTC", values["box.time_zone"], ...zones()])].map((z) => [z, z]) })}${field("mail.language", { type: "select", options: Object.entries(languages) })}
    <${Trouble} of=${problem}/><div class="acts end"><${Says} op="setting.set" id="box.url" values=${{ value: values["box.url"] }}/><${Button} onClick=${() => close()}>${t("base.cancel")}<//><${Button} type="submit" kind="primary" busy=${busy}>${t("base.save")}<//></div></form>`
    }<//>`;
  });

function NewBox() {
  const { data: s, problem, again } = useLoad(() => get("/api/setup/steps"), []),
    [run, refused, busy] = useTry();
  useLive(["setting", "secret", "vault", "recipient", "user"], again);
  const finish = () =>
    run(async () => {
      const left = steps
        .filter(([name, , later]) => !later && !s[name])
        .map(([name]) => t("setup.step." + name));
      const sure =
        !left.length ||
        (await confirm({
          title: t("setup.finish"),
          body: html`<p>${t("setup.left")}</p><ul>${left.map((l) => html`<li>${l}</li>`)}</ul>`,
          act: t("setup.finish_anyway"),
        }));
      if (!sure) return;
      await send("POST", "/api/setup/finish", {});
      go("/admin");
    });
  const act = (name, icon, what) =>
    html`<${Button} icon=${icon} onClick=${what}>${t(s[name] ? "base.edit" : "setup.do." + name)}<//>`;
  const link = (name, tab) =>
    html`<${LinkButton} icon="settings" href=${"/admin/settings?tab=" + tab}>${t("base.page.settings")}<//>`;
  const steps = s && [
    ["password", act("password", "lock", () => password(again))],
    ["address", act("address", "globe", () => address(again))],
    ["recovery", !s.recovery && act("recovery", "key-round", () => recoveryKey("recovery", again))],
    ["vault", act("vault", "hard-drive", () => addVault().then(again))],
    ["mail", link("mail", "mail"), true],
    ["cloudflare", link("cloudflare", "providers"), true],
    ["stripe", link("stripe", "providers"), true],
  ];
  const open = s && steps.filter(([name, , later]) => !later && !s[name]).length;
  return html`<${Trouble} of=${problem} again=${again}/>${
    s &&
    html`<${Card}><ol class="todo rows">${steps.map(
      ([name, does, later]) => html`<li key=${name}>
      <${Icon} name=${s[name] ? "circle-check" : "circle-dashed"} label=${t(s[name] ? "backups.is_done" : "backups.is_open")}/>
      <span><b>${t("setup.step." + name)}</b>${later && html` <small class="quiet">${t("setup.optional")}</small>`}<br/><span class="quiet">${t("setup.why." + name)}</span></span>${does}</li>`,
    )}</ol>
    <${Trouble} of=${refused}/><div class="acts end">${open > 0 && html`<span class="quiet">${t("setup.open", { n: open })}</span>`}<${Button} kind="primary" busy=${busy} onClick=${finish}>${t("setup.finish")}<//></div><//>`
  }`;
}

/* ---- the box that was lost ---- */

/** What the web server says of a restore, while the box itself may not answer. */
function useProgress(path) {
  const [said, set] = useState(null);
  useEffect(() => {
    if (!path) return set(null);
    let over = false;
    const look = async () => {
      const p = await get(path, { t: Date.now() }).catch(() => null);
      if (over) return;
      if (p?.state) set(p);
      if (!["checked", "restored", "failed"].includes(p?.state)) setTimeout(look, 400);
    };
    look();
    return () => {
      over = true;
    };
  }, [path]);
  return said;
}
const ended = (p) => p && ["checked", "restored", "failed"].includes(p.state);

const Found = ({ of: p }) =>
  html`<${Facts} of=${[
    [t("setup.snapshot"), `${number(p.snapshot)}, ${exact(p.made_at)}`],
    [t("setup.tenants"), number(p.tenants)],
    [t("setup.files"), `${number(p.files)}, ${bytes(p.bytes)}`],
    [t("setup.databases"), p.databases || null],
    [t("setup.lost"), p.foreign ? t("setup.lost_foreign") : p.lost || t("setup.lost_nothing")],
    [t("setup.conf"), p.configuration_differs.join(", ") || null],
  ]}/>`;
const Problem = ({ of: p }) =>
  html`<div class="trouble" role="alert"><${Icon} name="circle-alert"/><div><strong>${p.detail}</strong>${p.hint && html`<p>${p.hint}</p>`}</div></div>`;

function Going({ path }) {
  const p = useProgress(path),
    [back, setBack] = useState(false);
  useEffect(() => {
    if (p?.state !== "restored") return;
    const wait = setInterval(
      () =>
        get("/api/setup").then(
          () => {
            setBack(true);
            clearInterval(wait);
          },
          () => {},
        ),
      700,
    );
    return () => clearInterval(wait);
  }, [p?.state]);
  if (p?.state === "failed") return html`<${Problem} of=${p.problem}/>`;
  if (back)
    return html`<p class="note good">${t("setup.restored")}</p><${Button} kind="primary" icon="log-in" onClick=${() => {
      me.value = null;
      location.assign(placed("/admin/sign-in"));
    }}>${t("setup.sign_in")}<//>`;
  const order = ["checking", "planned", "halting", "starting", "restored"],
    at = order.indexOf(p?.state);
  return html`<ol class="todo" aria-live="polite">${order.map((s, i) => html`<li key=${s}><${Icon} name=${i < at ? "circle-check" : i === at ? "loader-circle" : "circle-dashed"} spin=${i === at}/><span>${t("setup.state." + s)}</span></li>`)}</ol>
    ${p?.state === "returning" && html`<p class="note warn">${t("setup.state.returning")}</p>`}${p?.total > 0 && html`<${Meter} of=${p.done} most=${p.total} label=${t("setup.state.checking")} text=${`${bytes(p.done)} / ${bytes(p.total)}`}/>`}`;
}

/** The secret, a look at what it opens, and then the restore. */
function Open({ of: file, needed, name }) {
  const [values, set] = useState({ recovery: "", off: false, known: false, confirm: "" }),
    [run, problem, busy] = useTry(),
    [check, setCheck] = useState(""),
    [real, setReal] = useState("");
  const p = useProgress(check),
    put = (n) => (v) => {
      set((o) => ({ ...o, [n]: v }));
      if (n !== "off" && n !== "confirm") setCheck("");
    };
  const said = () => ({ recovery: values.recovery, signer: values.known ? file.signer : undefined });
  const ask = (more, done) =>
    run(async () => done((await send("POST", "/api/box/restore", { ...said(), ...more })).progress));
  if (real) return html`<${Going} path=${real}/>`;
  const ready = p?.state === "checked" && values.off && (needed || values.confirm === name);
  return html`<form class="stack" onSubmit=${(e) => {
    e.preventDefault();
    ask({ check: true }, setCheck);
  }}>
    <${Field} of=${{ name: "recovery", label: t("setup.secret"), type: "textarea", rows: 4, required: true, help: t(file.passphrase ? "setup.secret_or_phrase" : "setup.secret_help") }} value=${values.recovery} change=${put("recovery")}/>
    ${!file.own && html`<p>${t("setup.signer")} <code>${file.signer}</code></p><${Field} of=${{ name: "known", label: t("setup.signer_known"), type: "checkbox" }} value=${values.known} change=${put("known")}/>`}
    <${Trouble} of=${problem}/><div class="acts"><${Button} type="submit" icon="eye" kind=${p ? "" : "primary"} busy=${busy || (check && !ended(p))}>${t("setup.look")}<//><span class="quiet">${t("setup.look_help")}</span></div></form>
    ${p?.state === "failed" && html`<${Problem} of=${p.problem}/>`}
    ${
      p?.state === "checked" &&
      html`<div class="plan"><h3>${t("base.plan")}</h3><${Found} of=${p.plan}/></div>
      <${Field} of=${{ name: "off", label: t("setup.old_off"), type: "checkbox" }} value=${values.off} change=${put("off")}/>
      ${!needed && html`<${Field} of=${{ name: "confirm", label: t("base.type_name", { name }) }} value=${values.confirm} change=${put("confirm")}/>`}
      <div class="acts end"><${Button} kind="danger" icon="archive-restore" disabled=${!ready} busy=${busy} onClick=${() => ask({ confirm: values.confirm || undefined }, setReal)}>${t("setup.restore")}<//></div>`
    }`;
}

/** How much of the files has come. */
function Fetching() {
  const [p, set] = useState(null);
  useEffect(() => {
    const wait = setInterval(() => get("/api/snapshots/progress").then(set, () => {}), 700);
    return () => clearInterval(wait);
  }, []);
  return (
    p?.phase === "fetch" &&
    p.total > 0 &&
    html`<${Meter} of=${p.done} most=${p.total} label=${t("setup.fetched")} text=${`${bytes(p.done)} / ${bytes(p.total)}`}/><p class="quiet">${bytes(p.done)} / ${bytes(p.total)}</p>`
  );
}

function Lost() {
  const { data, again } = useLoad(() => Promise.all([get("/api/setup"), all("/api/vaults")]), []),
    [vault, setVault] = useState(""),
    [file, setFile] = useState(null),
    [job, setJob] = useState(""),
    [here, setHere] = useState(false),
    [run, problem, busy] = useTry();
  useLive(["vault"], again);
  const chosen = vault || data?.[1][0]?.name || "";
  const {
    data: found,
    problem: closed,
    again: look,
  } = useLoad(() => (chosen ? get(`/api/vaults/${chosen}/contents`) : Promise.resolve(null)), [chosen]);
  if (!data) return html`<${Loading}/>`;
  const [setup, vaults] = data,
    whole = (found?.data || []).filter((f) => f.scope === "box" || f.fault);
  const fetchIt = (f) => {
    setFile(f);
    setHere(false);
    setJob("");
    run(async () =>
      setJob((await send("POST", "/api/box/restore/fetch", { vault: chosen, file: f.file })).job),
    );
  };
  return html`<${Card} title=${t("setup.where")} acts=${html`<${Button} icon="plus" onClick=${() => addVault().then(again)}>${t("backups.vault_add")}<//>`}><p class="quiet">${t("setup.where_help")}</p>
      ${
        vaults.length > 0 &&
        html`<${Field} of=${{ name: "vault", label: t("backups.vault"), type: "select", required: true, options: vaults.map((v) => [v.name, `${v.name}: ${v.address}`]) }} value=${chosen} change=${(
          v,
        ) => {
          setVault(v);
          setFile(null);
        }}/>`
      }<//>
    ${
      chosen &&
      html`<${Card} title=${t("setup.which")} acts=${html`<${Button} kind="quiet" icon="refresh-cw" label=${t("base.again")} onClick=${look}/>`}><${Trouble} of=${closed} again=${look}/>
      ${found && whole.length === 0 && html`<p class="none">${t("setup.none_there")}</p>`}${!found && !closed && html`<${Loading}/>`}
      ${
        whole.length > 0 &&
        html`<ol class="todo rows" aria-label=${t("setup.which")}>${whole.map(
          (f) => html`<li key=${f.file}><${Icon} name=${f.fault ? "circle-alert" : "archive"}/>
        ${
          f.fault
            ? html`<span><code>${f.file}</code><br/><span class="bad">${f.fault}</span></span>`
            : html`<span><b>${number(f.number)}</b> · <${Time} at=${f.created_at}/><br/><span class="quiet">${exact(f.created_at)}, ${bytes(f.bytes)}${f.incremental ? ", " + t("setup.incremental") : ""}</span></span>
          <${Button} icon="download" kind=${file?.file === f.file ? "primary" : ""} busy=${busy && file?.file === f.file} onClick=${() => fetchIt(f)}>${t("setup.take")}<//>`
        }</li>`,
        )}</ol>`
      }
      <${Trouble} of=${problem}/><//>`
    }
    ${job && html`<${Card} title=${t("setup.fetched")}>${!here && html`<${Fetching}/>`}<${JobView} key=${job} id=${job} done=${(j) => setHere(j.state === "done")}/><//>`}
    ${here && file && html`<${Card} title=${t("setup.open_it")}><${Open} key=${file.file + job} of=${file} needed=${setup.needed} name=${setup.name}/><//>`}
    <p class="quiet">${t("setup.by_hand")} <${Code}>sett restore FILE --recovery-file kit.txt<//></p>`;
}

export default function Setup({ query }) {
  const way = query.way;
  return html`<${Page} title=${t("setup.title")} lead=${t(way === "restore" ? "setup.lead_restore" : way === "new" ? "setup.lead_new" : "setup.lead")} back=${way && ["/admin/setup", t("setup.title")]}>
    ${
      way === "new"
        ? html`<${NewBox}/>`
        : way === "restore"
          ? html`<${Lost}/>`
          : html`<div class="grid">${[
              ["new", "plus"],
              ["restore", "archive-restore"],
            ].map(
              ([
                id,
                icon,
              ]) => html`<${Card} key=${id} title=${t("setup.way." + id)}><p>${t("setup.way_text." + id)}</p>
      <div class="acts"><${LinkButton} kind="primary" icon=${icon} href=${"/admin/setup?way=" + id}>${t("setup.begin")}<//></div><//>`,
            )}</div>`
    }<//>`;
}
