// Vaults, recovery keys, what is made and what stays; restores of tenants' data, and drills.
// Beside backups.js, which shows how it stands.
import { html, useEffect, useState } from "../base/h.js";
import { get, may, send, all, plan } from "../base/api.js";
import { t, word } from "../base/lang.js";
import { Time, bytes, number, took, day, exact } from "../base/say.js";
import { useLive } from "../base/live.js";
import { Button, Card, Empty, Facts, Icon, Meter, State, toast, useLoad, Code, Trouble } from "../base/ui.js";
import { Dialog, confirm, show } from "../base/dialog.js";
import { Form, Field, Plan, Says } from "../base/form.js";
import { Table } from "../base/table.js";
import { watchJob } from "../base/job.js";
import { recoveryKey } from "./recovery-key.js";

/* ---- vaults ---- */

const icons = { folder: "hard-drive", s3: "database", sftp: "server" };
const label = (name) => t("backups.v." + name);
const ofKind =
  (...kinds) =>
  (v) =>
    kinds.includes(v.kind);

/** What a vault of each kind is asked for. */
const fields = (made) =>
  [
    !made && {
      name: "kind",
      label: label("kind"),
      type: "select",
      required: true,
      options: Object.keys(icons).map((k) => [k, word("backups.kind", k)]),
      autofocus: true,
    },
    !made && {
      name: "name",
      label: label("name"),
      required: true,
      maxlength: 30,
      pattern: "[a-z][a-z0-9\\-]*",
      placeholder: "offsite",
    },
    {
      name: "address",
      label: label("folder"),
      required: true,
      wide: true,
      placeholder: "/mnt/backup",
      help: label("folder_help"),
      when: ofKind("folder"),
    },
    {
      name: "address",
      label: label("bucket"),
      required: true,
      wide: true,
      placeholder: "https://s3.eu-central-1.amazonaws.com/bucket/prefix",
      help: label("bucket_help"),
      when: ofKind("s3"),
    },
    {
      name: "address",
      label: label("server"),
      required: true,
      wide: true,
      placeholder: "sftp://backup@host:22/path",
      when: ofKind("sftp"),
    },
    { name: "region", label: label("region"), placeholder: "eu-central-1", when: ofKind("s3") },
    { name: "access_key", label: label("access_key"), when: ofKind("s3") },
    {
      name: "secret",
      label: label("secret"),
      type: "password",
      required: !made,
      autocomplete: "new-password",
      help: made && label("secret_kept"),
      when: ofKind("s3"),
    },
    {
      name: "host_key",
      label: label("host_key"),
      placeholder: "sha256:…",
      wide: true,
      help: html`<code>ssh-keyscan HOST | ssh-keygen -lf -</code>`,
      when: ofKind("sftp"),
    },
    {
      name: "secret",
      label: label("private_key"),
      type: "textarea",
      rows: 5,
      secret: true,
      wide: true,
      required: !made,
      placeholder: "-----BEGIN OPENSSH PRIVATE KEY-----",
      help: made && label("secret_kept"),
      when: ofKind("sftp"),
    },
    {
      name: "bytes_per_s",
      label: label("speed"),
      type: "number",
      min: 0,
      step: "any",
      parse: (v) => Math.round(v * 1048576),
      help: label("speed_help"),
    },
    { name: "append_only", label: label("append_only"), type: "checkbox", help: label("append_only_help") },
    { name: "enabled", label: label("enabled"), type: "checkbox" },
  ].filter(Boolean);

/** Put, list, get, compare, remove: what the box found. */
const test = (v) =>
  show(({ close }) => {
    const { data, problem, busy, again } = useLoad(() => send("POST", `/api/vaults/${v.id}/test`, {}), []);
    return html`<${Dialog} title=${t("backups.v.test_of", { name: v.name })} close=${close} foot=${html`<code>sett vault test ${v.name}</code>`}>
    ${
      busy
        ? html`<p role="status"><${Icon} name="loader-circle" spin/> ${t("backups.v.testing")}</p>`
        : problem
          ? html`<p><${State} of="failed" look="bad"/></p><p>${problem.message}</p><p>${problem.hint}</p><${Button} icon="refresh-cw" onClick=${again}>${t("base.again")}<//>`
          : html`<p><${State} of="ok" group="backups.state"/> ${t("backups.v.tested", { bytes: bytes(data.bytes), took: took(data.took_ms) })}</p>
      <p>${t(data.deletes ? "backups.v.may_delete" : "backups.v.may_not_delete")}</p>`
    }<//>`;
  });

const editVault = (v) =>
  show(
    ({ close }) => html`<${Dialog} kind="wide" title=${v ? v.name : t("backups.vault_add")} close=${close}>
  <${Form} fields=${fields(!!v)} start=${v ? { ...v, secret: "", bytes_per_s: v.bytes_per_s ? v.bytes_per_s / 1048576 : "" } : { kind: "folder", enabled: true }} op=${v ? "vault.update" : "vault.add"} id=${v?.name} method=${v ? "PATCH" : "POST"}
    path=${"/api/vaults" + (v ? "/" + v.id : "")} submit=${v ? t("base.save") : t("backups.vault_add")} cancel=${close}
    done=${(made) => {
      close();
      toast(t("backups.v.saved", { name: made.name }), { kind: "good" });
      test(made);
    }}/><//>`,
  );
export const addVault = () => editVault(null);

const removeVault = (v) =>
  confirm({
    title: t("backups.v.remove"),
    name: v.name,
    body: t("backups.v.remove_help", { n: v.copies }),
    command: `sett vault remove ${v.name} --confirm=${v.name}`,
    run: () => send("DELETE", "/api/vaults/" + v.id),
  });
const enable = (v) =>
  send("PATCH", "/api/vaults/" + v.id, { enabled: !v.enabled }).catch((p) =>
    toast(p.message, { kind: "bad" }),
  );

function Vault({ of: v, room }) {
  const used = room?.size_bytes ? room.size_bytes - room.free_bytes : null;
  const acts = html`${may("operator") && html`<${Button} icon="test-tube" onClick=${() => test(v)}>${t("backups.v.test")}<//>`}
    ${
      may("admin") &&
      html`<${Button} icon=${v.enabled ? "pause" : "play"} label=${t(v.enabled ? "backups.v.disable" : "backups.v.enable")} onClick=${() => enable(v)}/>
      <${Button} icon="pencil" label=${t("base.edit") + " " + v.name} onClick=${() => editVault(v)}/><${Button} kind="danger" icon="trash-2" label=${t("backups.v.remove") + " " + v.name} onClick=${() => removeVault(v)}/>`
    }`;
  return html`<${Card} title=${html`<${Icon} name=${icons[v.kind]}/> ${v.name}`} acts=${acts}>
    ${v.problem && html`<div class="note warn">${v.problem} <${Time} at=${v.failed_at}/></div>`}
    <${Facts} of=${[
      [t("backups.v.where"), html`<code>${v.address}</code>`],
      [
        t("backups.v.state"),
        html`<${State} of=${!v.enabled ? "off" : v.problem ? "failed" : "ok"} group="backups.state" look=${v.enabled ? undefined : ""}/>`,
      ],
      [t("backups.v.copies"), html`${number(v.copies)} · ${bytes(v.bytes)}`],
      [t("backups.v.newest"), html`<${Time} at=${v.newest_at} never=${t("backups.never")}/>`],
      v.append_only && [t("backups.v.append_only"), t("base.yes")],
      v.bytes_per_s > 0 && [t("backups.v.speed"), bytes(v.bytes_per_s) + "/s"],
      room && [
        t("backups.v.free"),
        used === null
          ? room.problem || t("backups.v.untold")
          : html`${t("backups.v.free_of", { free: bytes(room.free_bytes), size: bytes(room.size_bytes) })}<${Meter} of=${used} most=${room.size_bytes} label=${t("backups.v.free")} text=${bytes(used)}/>`,
      ],
    ]}/><//>`;
}

export function Vaults({ of: vaults }) {
  const { data } = useLoad(
    () =>
      get("/api/vaults/room").then(
        (a) => a.data,
        () => [],
      ),
    [vaults.map((v) => v.id + v.address).join()],
  );
  if (!vaults.length)
    return html`<${Empty} icon="hard-drive" title=${t("backups.v.none")} command="sett vault add offsite s3 --address https://… --secret-file FILE" act=${may("admin") && html`<${Button} kind="primary" icon="plus" onClick=${addVault}>${t("backups.vault_add")}<//>`}>${t("backups.v.none_help")}<//>`;
  return html`<div class="row">${may("admin") && html`<${Button} icon="plus" onClick=${addVault}>${t("backups.vault_add")}<//>`}<p class="quiet">${t("backups.v.help")}</p></div>
    <div class="grid">${vaults.map((v) => html`<${Vault} key=${v.id} of=${v} room=${(data || []).find((r) => r.vault_id === v.id)}/>`)}</div>`;
}

/* ---- keys ---- */

const addKey = (again) =>
  show(
    ({
      close,
    }) => html`<${Dialog} title=${t("backups.k.add")} close=${close}><p>${t("backups.k.add_help")}</p><p><${Code} block>sett recovery init --name escrow<//></p>
  <${Form} fields=${[
    {
      name: "name",
      label: t("backups.k.name"),
      required: true,
      maxlength: 60,
      placeholder: "escrow",
      autofocus: true,
    },
    { name: "key", label: t("backups.k.key"), required: true, wide: true, placeholder: "settrec1…" },
  ]}
    op="recovery.add" path="/api/recovery/keys" submit=${t("backups.k.add")} cancel=${close} done=${() => {
      close();
      again();
    }}/><//>`,
  );

const removeKey = (k, last, again) =>
  confirm({
    title: t("backups.k.remove"),
    name: k.name,
    body: t(last ? "backups.k.remove_last" : "backups.k.remove_help"),
    command: `sett recovery remove ${k.name} --confirm=${k.name}`,
    run: () => send("DELETE", "/api/recovery/keys/" + k.id),
  }).then((done) => done && again());

const kitText = (k) =>
  [
    `sett ${t("backups.k.kit")}`,
    "",
    `${t("backups.k.box")}: ${k.box_id}`,
    `${t("backups.k.signer")} (signer): ${k.signer || "–"}`,
    ...k.former_signers.map((s) => `${t("backups.k.former")} (signer): ${s}`),
    ...k.recipients.map((r) => `${r.name}: ${r.key}`),
    "",
    k.how,
    "",
  ].join("\n");
const kit = () =>
  show(({ close }) => {
    const { data: k, problem } = useLoad(() => get("/api/recovery/kit"), []);
    const save = () => {
      const href = URL.createObjectURL(new Blob([kitText(k)], { type: "text/plain" })),
        a = Object.assign(document.createElement("a"), { href, download: "sett-recovery-kit.txt" });
      a.click();
      setTimeout(() => URL.revokeObjectURL(href), 1000);
    };
    return html`<${Dialog} kind="wide" title=${t("backups.k.kit")} close=${close} foot=${html`<${Button} kind="primary" icon="download" disabled=${!k} onClick=${save}>${t("backups.download")}<//><code>sett recovery kit</code>`}>
    <${Trouble} of=${problem}/>${k && html`<p>${t("backups.k.kit_help")}</p><pre tabindex="0">${kitText(k)}</pre>`}<//>`;
  });

const freeName = (keys) => {
  for (let n = 1; ; n++) {
    const name = n === 1 ? "recovery" : "recovery-" + n;
    if (!keys.some((k) => k.name === name)) return name;
  }
};

export function Keys() {
  const { data, problem, again } = useLoad(() => all("/api/recovery/keys"), []);
  useLive(["recipient"], again);
  const held = (k) =>
    k.shares
      ? t("backups.k.shares", { n: k.shares, needed: k.needed })
      : k.passes
        ? t("backups.k.passphrase")
        : t("backups.k.whole");
  const label = (id) => t("backups.k." + id);
  const columns = [
    { id: "name", label: label("name") },
    { id: "key", label: label("key"), wide: true, show: (k) => html`<code>${k.key}</code>` },
    { id: "held", label: label("held"), show: held },
    {
      id: "proven",
      label: label("proven"),
      show: (k) =>
        html`<span><${State} of=${k.proven ? "ok" : "untried"} group="backups.state" look=${k.proven ? "good" : "warn"}/> ${k.proven && html`<${Time} at=${k.proven_at}/>`}</span>`,
    },
    { id: "since", label: label("since"), show: (k) => html`<${Time} at=${k.created_at}/>` },
    may("admin") && {
      id: "acts",
      label: label("remove"),
      show: (k) =>
        html`<${Button} kind="quiet" icon="trash-2" label=${label("remove") + " " + k.name} onClick=${() => removeKey(k, data.length === 1, again)}/>`,
    },
  ].filter(Boolean);
  return html`<${Card} title=${t("backups.k.title")} acts=${html`<${Button} icon="file-text" onClick=${kit}>${t("backups.k.kit")}<//>${may("admin") && html`<${Button} icon="plus" onClick=${() => addKey(again)}>${t("backups.k.add")}<//><${Button} icon="key-round" onClick=${() => recoveryKey(freeName(data || []), again)}>${t("setup.step.recovery")}<//>`}`}>
    <p class="quiet">${t("backups.k.help")}</p><${Trouble} of=${problem} again=${again}/>
    ${
      data &&
      html`<${Table} name="keys" data=${data} columns=${columns} empty=${html`<${Empty} icon="key-round" title=${label("none")} command="sett recovery init">${label("none_help")}<//>`}/>
      ${data.some((k) => !k.proven) && html`<p class="note warn">${label("untried_help")} <${Code}>sett recovery prove<//></p>`}`
    }<//>`;
}

/* ---- what stays ---- */

const keeps = ["keep_last", "keep_daily", "keep_weekly", "keep_monthly"];
const own = keeps.map((r) => "tenant_" + r),
  times = ["at", "drill_at", "full_days"];
const setting = (r) => "snapshot." + r;

/** What would go under the rules as they stand in the form: asked of the box, nothing is removed. */
function Trial({ values }) {
  const tried = Object.fromEntries(
    [...keeps, ...own].filter((r) => values[r] !== "").map((r) => [r, Number(values[r])]),
  );
  const { data, problem, busy } = useLoad(
    () => plan("POST", "/api/snapshots/prune", tried),
    [JSON.stringify(tried)],
  );
  const gone = (data?.data || []).filter((s) => !s.keep);
  return html`<div class="plan" aria-live="polite" aria-busy=${busy}><h3>${t("base.plan")}</h3><${Trouble} of=${problem}/>
    ${
      data &&
      html`<p>${t("backups.r.would", { n: data.removed, kept: data.kept, bytes: bytes(data.removed_bytes) })}</p>
      ${
        data.data.length > 0 &&
        html`<details><summary>${t("backups.r.each")}</summary><div class="scroll figures" tabindex="0"><table><caption class="unseen">${t("backups.r.each")}</caption><tbody>${[
          ...gone,
          ...data.data.filter((s) => s.keep),
        ]
          .slice(0, 200)
          .map(
            (s) => html`<tr key=${s.snapshot_id}>
        <td><a href=${"/admin/backups/" + s.snapshot_id}>${t("backups.snapshot_n", { n: String(s.number) })}</a></td><td>${day(s.created_at)}</td><td><${State} of=${s.keep ? "stays" : "goes"} group="backups.r" look=${s.keep ? "good" : "warn"}/></td><td>${s.reason}</td></tr>`,
          )}</tbody></table></div></details>`
      }`
    }</div>`;
}

/** Remove now what the rules that are set let go. */
const prune = () =>
  confirm({
    title: t("backups.r.prune"),
    act: t("backups.r.prune"),
    body: html`<p>${t("backups.r.prune_help")}</p><${Trial} values=${Object.fromEntries([...keeps, ...own].map((r) => [r, ""]))}/>`,
    command: "sett snapshot prune",
    run: () => send("POST", "/api/snapshots/prune", {}),
  }).then(
    (a) =>
      a &&
      toast(a.removed ? t("backups.r.pruning", { n: a.removed }) : t("backups.r.nothing"), { kind: "good" }),
  );

export function Retention({ summary: s }) {
  const { data, problem, again } = useLoad(
    () =>
      may("admin")
        ? get("/api/settings").then((a) => a.data.filter((x) => x.name.startsWith("snapshot.")))
        : Promise.resolve(null),
    [],
  );
  useLive(["setting"], again);
  const [values, set] = useState(null),
    [trouble, setTrouble] = useState(null),
    [busy, setBusy] = useState(false);
  const stored = (r) => data?.find((x) => x.name === setting(r))?.value ?? "";
  useEffect(() => {
    if (data && !values) set(Object.fromEntries([...times, ...keeps, ...own].map((r) => [r, stored(r)])));
  }, [data]);
  if (!may("admin")) return html`<${Next} of=${s}/>`;
  if (!values) return html`<${Next} of=${s}/><${Trouble} of=${problem}/>`;
  const changed = Object.keys(values).filter((r) => String(values[r]) !== stored(r));
  const save = async (e) => {
    e.preventDefault();
    setBusy(true);
    setTrouble(null);
    try {
      for (const r of changed) await send("PUT", "/api/settings/" + setting(r), { value: String(values[r]) });
      toast(t("backups.r.saved"), { kind: "good" });
      await again();
    } catch (p) {
      setTrouble(p);
    }
    setBusy(false);
  };
  const field = (r, more = { type: "number", min: r.endsWith("keep_last") ? 3 : 0, required: true }) =>
    html`<${Field} key=${r} of=${{ name: r, label: t("backups.r." + r.replace("tenant_", "")), ...more }} value=${values[r]} change=${(v) => set({ ...values, [r]: v })} problem=${trouble?.of?.(r)}/>`;
  return html`<${Next} of=${s}/><${Card} title=${t("backups.r.title")} acts=${html`<${Button} icon="trash-2" onClick=${prune}>${t("backups.r.prune")}<//>`}><form class="form" onSubmit=${save}>
    <fieldset><legend>${t("backups.r.when")}</legend><div class="fields">${field("at", { placeholder: "03:00", help: t("backups.r.at_help", { zone: s.zone }) })}${field("drill_at", { help: t("backups.r.drill_help") })}${field("full_days")}</div></fieldset>
    <fieldset><legend>${t("backups.r.box")}</legend><div class="fields">${keeps.map((r) => field(r))}</div></fieldset>
    <fieldset><legend>${t("backups.r.tenants")}</legend><div class="fields">${own.map((r) => field(r))}</div></fieldset>
    <p class="quiet">${t("backups.r.help")}</p><${Trial} values=${values}/><${Trouble} of=${trouble}/>
    ${changed.map((r) => html`<${Code} block key=${r}>sett setting set ${setting(r)} ${values[r]}<//>`)}
    <div class="acts end"><${Button} type="submit" kind="primary" busy=${busy} disabled=${!changed.length}>${t("base.save")}<//></div></form><//>`;
}

const Next = ({ of: s }) =>
  html`<${Card} title=${t("backups.r.next")}><${Facts} of=${s.next.map((n) => [
    n.plan ? t("backups.r.plan", { name: n.plan }) : word("backups.what", n.what),
    html`${n.at ? html`<${Time} at=${n.at}/>` : t("backups.never")} <span class="quiet">${n.schedule} ${n.at && s.zone}</span>`,
  ])}/><//>`;

/* ---- restores ---- */

/** Which tenant: found by its name, as many as there may be. */
function TenantField({ id, value, change }) {
  const [text, set] = useState(value?.name || ""),
    [found, setFound] = useState([]);
  useEffect(() => {
    if (value?.name === text) return;
    const wait = setTimeout(
      () =>
        get("/api/snapshots/matrix", { text, days: 1, limit: 8 }).then(
          (a) => setFound(a.data),
          () => {},
        ),
      150,
    );
    return () => clearTimeout(wait);
  }, [text]);
  const hear = (e) => {
    set(e.target.value);
    change(found.find((r) => r.name === e.target.value) || null);
  };
  return html`<input id=${id} list=${id + "-found"} value=${text} onInput=${hear} autocomplete="off" required placeholder="acme"/><datalist id=${id + "-found"}>${found.map((r) => html`<option key=${r.id} value=${r.name}>${r.subdomain}</option>`)}</datalist>
    ${
      found.length > 0 &&
      value?.name !== text &&
      html`<ul class="choices">${found.map(
        (r) =>
          html`<li key=${r.id}><button type="button" class="link" onClick=${() => {
            set(r.name);
            change(r);
          }}>${r.name}</button> <span class="quiet">${r.subdomain}</span></li>`,
      )}</ul>`
    }`;
}

/** What a restore would cost, as the box tells it: what is lost, who changed what since, what differs outside. */
const Loss = ({ of: p }) =>
  html`${(p.restores || []).map(
    (r) => html`<div class="dies" key=${r.of_id}><p><strong>${t("backups.re.lost")}</strong> ${r.lost}</p>
  <p class="quiet">${t("backups.re.from", { n: r.snapshot, at: exact(r.snapshot_at) })}</p>
  ${r.changes.length > 0 && html`<details><summary>${t("backups.re.changes", { n: r.changes_count })}</summary><ul>${r.changes.map((c) => html`<li><${Time} at=${c.at}/> ${c.action} <span class="quiet">${c.actor}</span></li>`)}</ul></details>`}
  ${r.differs_outside.length > 0 && html`<p>${t("backups.re.differs")}</p><ul>${r.differs_outside.map((d) => html`<li><a href=${"/admin/drift?id=" + d.id}>${d.thing}</a> ${d.actual}</li>`)}</ul>`}</div>`,
  )}`;

/** restore({snapshot, tenant}): what is not given is asked for. First the plan, then the name, then it begins. */
export const restore = ({ snapshot, tenant }) =>
  show(({ close }) => {
    const [who, setWho] = useState(
        tenant || (snapshot?.tenant_id ? { id: snapshot.tenant_id, name: snapshot.tenant } : null),
      ),
      [from, setFrom] = useState(snapshot?.id || "");
    const [as, setAs] = useState(""),
      [secret, setSecret] = useState(""),
      [typed, setTyped] = useState(""),
      [cost, setCost] = useState(null),
      [problem, setProblem] = useState(null),
      [busy, setBusy] = useState(false);
    const { data: list } = useLoad(
      () =>
        snapshot || !who ? Promise.resolve([]) : get(`/api/tenants/${who.id}/snapshots`).then((a) => a.data),
      [who?.id],
    );
    const body = () => ({ snapshot: from, tenant: who?.id, ...(as && { as }) });
    const reset = (f) => (v) => {
      setCost(null);
      setTyped("");
      f(v);
    };
    const attempt = async (what) => {
      setBusy(true);
      setProblem(null);
      try {
        await what();
      } catch (p) {
        setProblem(p);
      }
      setBusy(false);
    };
    const look = (e) => {
      e.preventDefault();
      attempt(async () => setCost(await plan("POST", "/api/restores", body())));
    };
    const begin = (e) => {
      e.preventDefault();
      attempt(async () => {
        const made = await send("POST", "/api/restores", {
          ...body(),
          confirm: typed,
          ...(secret && { recovery: secret }),
        });
        close();
        watchJob(made, t("backups.re.of", { name: who.name }));
      });
    };
    const options = (list || []).map((s) => [
      s.snapshot_id,
      `${s.number} · ${exact(s.created_at)}${s.alone ? " · " + word("backups.scope", "own") : ""}`,
    ]);
    return html`<${Dialog} kind="wide" title=${t("backups.restore_tenant")} close=${close}><form class="form" onSubmit=${cost ? begin : look}>
    <div class="fields">${!snapshot?.tenant_id && !tenant ? html`<${Field} of=${{ name: "restore-tenant", label: t("backups.tenant"), required: true, input: TenantField }} value=${who} change=${reset(setWho)}/>` : html`<div class="field"><span>${t("backups.tenant")}</span><b>${who.name}</b></div>`}
      ${
        snapshot
          ? html`<div class="field"><span>${t("backups.re.snapshot")}</span><b>${t("backups.snapshot_n", { n: String(snapshot.number) })}, <${Time} at=${snapshot.created_at}/></b></div>`
          : html`<${Field} of=${{ name: "restore-from", label: t("backups.re.snapshot"), type: "select", required: true, options: [["", "…"], ...options] }} value=${from} change=${reset(setFrom)}/>`
      }
      <${Field} of=${{ name: "restore-as", label: t("backups.re.as"), help: t("backups.re.as_help"), maxlength: 30, pattern: "[a-z][a-z0-9\\-]*" }} value=${as} change=${reset(setAs)}/></div>
    ${
      cost &&
      html`<${Loss} of=${cost}/><${Plan} of=${cost}/>
      ${cost.recovery_needed && html`<${Field} of=${{ name: "restore-recovery", label: t("backups.re.secret"), type: "textarea", rows: 3, required: true, secret: true, help: t("backups.re.secret_help") }} value=${secret} change=${setSecret}/>`}
      <label class="field"><span>${t("base.type_name", { name: who.name })}</span><input value=${typed} onInput=${(e) => setTyped(e.target.value)} autocomplete="off" spellcheck=${false} autofocus/></label>`
    }
    <${Trouble} of=${problem}/>
    <div class="acts end"><${Says} op="restore.create" values=${{ ...body() }} confirm=${who?.name} method="POST" path="/api/restores" body=${{ ...body(), confirm: who?.name }}/>
      <${Button} onClick=${() => close()}>${t("base.cancel")}<//>
      ${cost ? html`<${Button} type="submit" kind="danger" icon="archive-restore" busy=${busy} disabled=${typed.trim() !== who.name}>${t("backups.restore")}<//>` : html`<${Button} type="submit" kind="primary" icon="eye" busy=${busy} disabled=${!who || !from}>${t("backups.re.look")}<//>`}</div></form><//>`;
  });

/* ---- lists ---- */

/** A tenant by the name that people know. */
const Tenant = ({ id }) => {
  const { data, problem } = useLoad(() => get("/api/tenants/" + id), [id]);
  return html`<a href=${"/admin/tenants/" + id}>${data?.name || (problem ? id : "…")}</a>`;
};
const decide = (r, what) => async () => {
  const tenant = await get("/api/tenants/" + r.tenant_id);
  const made = await confirm({
    title: t("backups.re." + what),
    name: tenant.name,
    body: t(`backups.re.${what}_help`),
    act: t("backups.re." + what),
    kind: what === "commit" ? "danger" : "primary",
    command: `sett restore ${what} ${r.id}`,
    run: () => send("POST", `/api/restores/${r.id}/${what}`, {}),
  });
  if (made) watchJob(made, t("backups.re.of", { name: tenant.name }));
};
const resume = () =>
  confirm({
    title: t("backups.re.resume"),
    body: t("backups.re.resume_help"),
    act: t("backups.re.resume"),
    kind: "primary",
    command: "sett restore resume",
    run: () => send("POST", "/api/restores/resume", {}),
  });

export function Restores() {
  if (!may("admin")) return html`<p class="none">${t("base.not_allowed", { role: "admin" })}</p>`;
  const looks = {
    restored: "warn",
    resumed: "good",
    committed: "good",
    rolled_back: "",
    reconciling: "warn",
    running: "busy",
    failed: "bad",
  };
  const columns = [
    {
      id: "started_at",
      label: t("backups.re.when"),
      always: true,
      show: (r) => html`<${Time} at=${r.started_at || r.restored_at}/>`,
    },
    {
      id: "of",
      label: t("backups.of"),
      show: (r) => (r.tenant_id ? html`<${Tenant} id=${r.tenant_id}/>` : t("backups.whole_box")),
    },
    {
      id: "snapshot",
      label: t("backups.re.snapshot"),
      show: (r) => html`${r.snapshot_number} <${Time} at=${r.snapshot_at}/>`,
    },
    {
      id: "state",
      label: t("backups.v.state"),
      show: (r) =>
        html`<${State} of=${r.state} group="backups.restore_state" look=${looks[r.state]} title=${r.problem}/>`,
    },
    { id: "lost", label: t("backups.re.lost"), wide: true, show: (r) => r.problem || r.lost },
    {
      id: "acts",
      label: t("backups.re.decide"),
      show: (
        r,
      ) => html`${r.state === "restored" && r.tenant_id && html`<span class="row"><${Button} icon="check" onClick=${decide(r, "commit")}>${t("backups.re.commit")}<//><${Button} icon="undo-2" onClick=${decide(r, "rollback")}>${t("backups.re.rollback")}<//></span>`}
      ${r.state === "reconciling" && html`<${Button} icon="play" onClick=${resume}>${t("backups.re.resume")}<//>`}`,
    },
  ];
  return html`<${Card} title=${t("backups.re.title")} acts=${html`<${Button} icon="archive-restore" onClick=${() => restore({})}>${t("backups.restore_tenant")}<//>`}><p class="quiet">${t("backups.re.help")} <${Code}>sett restore FILE<//></p>
    <${Table} name="restores" list="/api/restores" live=${["restore"]} limit=${20} columns=${columns} empty=${html`<${Empty} icon="archive-restore" title=${t("backups.re.none")} command="sett restore create 12 --tenant acme --confirm acme">${t("backups.re.none_help")}<//>`}/><//>`;
}

export function Drills({ vaults, now }) {
  const name = (id) => vaults.find((v) => v.id === id)?.name || id;
  const columns = [
    {
      id: "started_at",
      label: t("backups.re.when"),
      always: true,
      show: (d) => html`<${Time} at=${d.started_at}/>`,
    },
    {
      id: "number",
      label: t("backups.re.snapshot"),
      show: (d) =>
        html`<a href=${"/admin/backups/" + d.snapshot_id}>${t("backups.snapshot_n", { n: String(d.number) })}</a>`,
    },
    { id: "vault", label: t("backups.vault"), show: (d) => name(d.vault_id) },
    {
      id: "passed",
      label: t("backups.d.result"),
      show: (d) =>
        html`<${State} of=${d.passed ? "passed" : "failed"} group="backups.d" look=${d.passed ? "good" : "bad"}/>`,
    },
    { id: "took_ms", label: t("backups.took"), end: true, show: (d) => took(d.took_ms) },
    { id: "files", label: t("backups.files"), end: true, show: (d) => number(d.files) },
    { id: "bytes", label: t("backups.size"), end: true, hidden: true, show: (d) => bytes(d.bytes) },
    {
      id: "program",
      label: t("backups.d.program"),
      show: (d) =>
        html`${word("backups.program", d.program)}${d.program === "answered" && ` (${took(d.program_ms)})`}`,
    },
    { id: "problem", label: t("backups.problem"), wide: true, show: (d) => d.problem || d.program_note },
  ];
  return html`<${Card} title=${t("backups.d.title")} acts=${may("operator") && html`<${Button} icon="test-tube" onClick=${now}>${t("backups.drill_now")}<//>`}><p class="quiet">${t("backups.d.help")}</p>
    <${Table} name="drills" list="/api/drills" live=${["drill"]} limit=${20} columns=${columns} empty=${html`<${Empty} icon="test-tube" title=${t("backups.d.none")} command="sett snapshot drill">${t("backups.d.none_help")}<//>`}/><//>`;
}
