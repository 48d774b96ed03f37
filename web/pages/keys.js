// API keys: how programs come in. Each is for some acts, from some places, for some time.
import { html, useState } from "../base/h.js";
import { all, get, me, send } from "../base/api.js";
import { t, word } from "../base/lang.js";
import { exact, Time } from "../base/say.js";
import { setQuery } from "../base/route.js";
import { Button, Empty, Menu, Page, State, useLoad } from "../base/ui.js";
import { confirm, Dialog, show } from "../base/dialog.js";
import { Form } from "../base/form.js";
import { Table } from "../base/table.js";
import { useLive } from "../base/live.js";
import { showOnce } from "../base/once.js";

const roles = ["customer", "viewer", "operator", "admin"];
const days = [30, 90, 365];
const inDays = (n) => new Date(Date.now() + n * 86400000).toISOString().replace(/\.\d+/, "");
const stateOf = (k) =>
  k.revoked_at
    ? "revoked"
    : k.expires_at && Date.parse(k.expires_at) <= Date.now()
      ? "over"
      : k.next_id
        ? "rotated"
        : "active";
const looks = { active: "good", rotated: "warn", revoked: "", over: "" };
const shown = (answer) => showOnce({ title: answer.name, text: answer.key, note: t("keys.made") });

/** A table of nouns with read and write; none chosen is all that the role may. */
function Scopes({ value = "", change, id }) {
  const { data } = useLoad(() => get("/api/key-scopes").then((a) => a.data.map((s) => s.name)), []);
  const chosen = new Set(value.split(" ").filter(Boolean)),
    [open, setOpen] = useState(chosen.size > 0);
  const set = (scope, on) => {
    if (on) chosen.add(scope);
    else chosen.delete(scope);
    change([...chosen].join(" "));
  };
  const nouns = [...new Set((data || []).map((s) => s.split(":")[0]))];
  const tick = (scope) =>
    html`<input type="checkbox" aria-label=${scope} checked=${chosen.has(scope)} onChange=${(e) => set(scope, e.target.checked)}/>`;
  return html`<div id=${id} class="stack"><label class="field check"><input type="checkbox" checked=${!open} onChange=${(
    e,
  ) => {
    setOpen(!e.target.checked);
    if (e.target.checked) change("");
  }}/> <span>${t("keys.all_of_role")}</span></label>
    ${
      open &&
      html`<div class="scroll figures"><table><caption class="unseen">${t("keys.scopes")}</caption><thead><tr><th scope="col">${t("keys.what")}</th><th scope="col">${t("keys.read")}</th><th scope="col">${t("keys.write")}</th></tr></thead>
      <tbody>${nouns.map((n) => html`<tr key=${n}><td><code>${n}</code>${n === "*" && html` <span class="quiet">${t("keys.everything")}</span>`}</td><td>${tick(n + ":read")}</td><td>${tick(n + ":write")}</td></tr>`)}</tbody></table></div>`
    }</div>`;
}

const bounds = () => [
  { name: "scopes", label: t("keys.scopes"), input: Scopes, wide: true },
  {
    name: "networks",
    label: t("keys.networks"),
    type: "textarea",
    rows: 2,
    wide: true,
    placeholder: "192.0.2.0/24 2001:db8::/32",
    help: t("keys.networks_help"),
  },
];
const untilField = (more = []) => ({
  name: "until",
  label: t("keys.until"),
  type: "select",
  required: true,
  options: [...more, ...days.map((n) => [String(n), t("keys.days", { n })]), ["", t("keys.for_ever")]],
});

const create = (again) =>
  show(({ close }) => {
    const { data } = useLoad(() => all("/api/users"), []);
    const own = me.value?.user?.name,
      names = (data || []).filter((u) => !u.disabled).map((u) => [u.name, u.name]);
    return (
      data &&
      html`<${Dialog} title=${t("keys.new")} close=${close} kind="wide"><${Form} op="key.create" path="/api/keys" submit=${t("base.create")} cancel=${close}
    start=${{ role: "viewer", user: own, until: "90", scopes: "" }}
    fields=${[
      {
        name: "name",
        label: t("keys.for"),
        required: true,
        maxlength: 90,
        autofocus: true,
        help: t("keys.for_help"),
      },
      {
        name: "user",
        label: t("keys.user"),
        type: names.length < 200 ? "select" : "text",
        required: true,
        options: names,
        help: t("keys.user_help"),
      },
      {
        name: "role",
        label: t("keys.role"),
        type: "select",
        required: true,
        options: roles.map((r) => [r, word("base.role", r)]),
      },
      untilField(),
      { name: "tenant", label: t("keys.tenant"), help: t("keys.tenant_help") },
      ...bounds(),
    ]}
    body=${(v) => ({ name: v.name, user: v.user, tenant: v.tenant || undefined, role: v.role, expires_at: v.until ? inDays(Number(v.until)) : undefined, scopes: v.scopes || undefined, networks: v.networks || undefined })}
    done=${async (answer) => {
      close();
      again();
      await shown(answer);
    }}/><//>`
    );
  });
const edit = (key, again) =>
  show(
    ({
      close,
    }) => html`<${Dialog} title=${key.name} close=${close} kind="wide"><${Form} op="key.update" id=${key.id} method="PATCH" path=${"/api/keys/" + key.id}
  submit=${t("base.save")} cancel=${close} start=${{ ...key, until: "keep" }}
  fields=${[{ name: "name", label: t("keys.for"), required: true, maxlength: 90 }, untilField([["keep", key.expires_at ? exact(key.expires_at) : t("keys.as_is")]]), ...bounds()]}
  body=${(v) => ({ name: v.name, scopes: v.scopes, networks: v.networks, expires_at: v.until === "keep" ? undefined : v.until ? inDays(Number(v.until)) : "" })}
  done=${() => {
    close();
    again();
  }}/><//>`,
  );
const rotate = (key, again) =>
  show(
    ({
      close,
    }) => html`<${Dialog} title=${t("keys.rotate")} close=${close}><p>${t("keys.rotate_text", { name: key.name })}</p>
  <${Form} op="key.renew" id=${key.id} path=${`/api/keys/${key.id}/rotate`} submit=${t("keys.rotate")} cancel=${close} start=${{ grace_hours: "24" }}
    fields=${[
      {
        name: "grace_hours",
        label: t("keys.grace"),
        type: "select",
        required: true,
        options: [
          [0, t("keys.at_once")],
          [1, t("keys.hours", { n: 1 })],
          [24, t("keys.hours", { n: 24 })],
          [168, t("keys.days", { n: 7 })],
        ],
      },
    ]}
    body=${(v) => ({ grace_hours: Number(v.grace_hours) })} done=${async (answer) => {
      close();
      again();
      await shown(answer);
    }}/><//>`,
  );
const revoke = (key, again) =>
  confirm({
    title: t("keys.revoke"),
    name: key.name,
    dies: [t("keys.dies", { name: key.name })],
    command: `sett key revoke ${key.id}`,
    run: () => send("DELETE", "/api/keys/" + key.id).then(again),
  });

export default function Keys({ query }) {
  const { data, problem, again } = useLoad(
    () =>
      Promise.all([all("/api/keys"), all("/api/users")]).then(([keys, users]) => ({
        keys,
        names: Object.fromEntries(users.map((u) => [u.id, u.name])),
      })),
    [],
  );
  useLive(["key"], again);
  if (query.new) {
    setQuery({ new: null });
    create(again);
  }
  if (problem) throw problem;
  const acts = (k) =>
    (stateOf(k) === "active" || stateOf(k) === "rotated") &&
    html`<${Menu} label=${t("keys.acts", { name: k.name })} items=${[
      { label: t("base.edit"), icon: "pencil", act: () => edit(k, again) },
      !k.next_id && { label: t("keys.rotate"), icon: "rotate-cw", act: () => rotate(k, again) },
      { label: t("keys.revoke"), icon: "trash-2", kind: "danger", act: () => revoke(k, again) },
    ]}/>`;
  const columns = [
    { id: "name", label: t("keys.for"), always: true },
    {
      id: "user",
      label: t("keys.user"),
      show: (k) =>
        html`<a href=${"/admin/users?user=" + k.user_id}>${data.names[k.user_id] || k.user_id}</a>`,
    },
    { id: "role", label: t("keys.role"), show: (k) => word("base.role", k.role) },
    {
      id: "scopes",
      label: t("keys.scopes"),
      wide: true,
      show: (k) =>
        k.scopes
          ? html`<span>${k.scopes.split(" ").map((s) => html`<code>${s}</code> `)}</span>`
          : html`<span class="quiet">${t("keys.all_of_role")}</span>`,
    },
    {
      id: "tenant_id",
      label: t("keys.tenant"),
      show: (k) =>
        k.tenant_id
          ? html`<a href=${"/admin/tenants/" + k.tenant_id}>${k.tenant_id}</a>`
          : html`<span class="quiet">${t("keys.anywhere")}</span>`,
      hidden: true,
    },
    {
      id: "networks",
      label: t("keys.networks"),
      show: (k) => k.networks || html`<span class="quiet">${t("keys.anywhere")}</span>`,
      hidden: true,
    },
    {
      id: "state",
      label: t("keys.state"),
      show: (k) => html`<${State} of=${stateOf(k)} group="keys.state" look=${looks[stateOf(k)]}/>`,
    },
    {
      id: "last",
      label: t("keys.last"),
      show: (k) =>
        html`<span><${Time} at=${k.last_used_at} never=${t("keys.never")}/>${k.last_address && html` <span class="quiet">${k.last_address}</span>`}</span>`,
    },
    {
      id: "expires_at",
      label: t("keys.until"),
      show: (k) => html`<${Time} at=${k.expires_at} never=${t("keys.for_ever")}/>`,
    },
    { id: "acts", label: "", always: true, end: true, show: acts },
  ];
  return html`<${Page} title=${t("base.page.keys")} lead=${t("keys.lead")} acts=${html`<${Button} kind="primary" icon="plus" onClick=${() => create(again)}>${t("keys.new")}<//>`}>
    ${
      data &&
      html`<${Table} name="keys" data=${data.keys} refresh=${data} columns=${columns}
      empty=${html`<${Empty} icon="key-round" title=${t("keys.none")} command='sett key create deploy --role operator --scopes "tenant:read tenant:write"'>${t("keys.none_help")}<//>`}/>`
    }<//>`;
}
