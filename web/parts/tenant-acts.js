// What can be done to a tenant. Each act says itself as a command; what cannot be taken back names the tenant
// and lists what dies; what starts a job shows it.
import { html } from "../base/h.js";
import { all, send } from "../base/api.js";
import { needTexts, t } from "../base/lang.js";
import { toast, useLoad } from "../base/ui.js";
import { confirm, Dialog, show } from "../base/dialog.js";
import { asCommand, Form } from "../base/form.js";
import { watchJob } from "../base/job.js";
import { NameInput } from "../base/name.js";
import { limitFields, limitStart } from "./tenant-create.js";

await needTexts("tenant", "tenants");

const host = (url) => url.replace(/^https?:\/\/|\/$/g, "");
const shows = (r) => (answer) => watchJob(answer, r.name);

/** Says that it is done, and takes it back for a while. */
const saved = (r, before) =>
  toast(t("tenant.saved"), {
    kind: "good",
    undo: before && (() => send("PATCH", "/api/tenants/" + r.id, before)),
  });

/** A dialog with one form about the tenant; `before`: what takes a change back that needed no job. */
const form = (r, title, more, note) =>
  show(
    ({
      close,
    }) => html`<${Dialog} title=${`${title}: ${r.name}`} close=${close}>${note && html`<p class="quiet">${note}</p>`}
  <${Form} method="PATCH" path=${"/api/tenants/" + r.id} op="tenant.update" id=${r.number} submit=${t("base.save")} preview cancel=${close} ...${more}
    done=${(answer) => {
      close();
      if (answer.job) shows(r)(answer);
      else saved(r, more.before);
      more.done?.(answer);
    }}/><//>`,
  );

/** At once, with a job. */
async function act(r, what, body) {
  try {
    shows(r)(await send("POST", `/api/tenants/${r.id}/${what}`, body));
  } catch (p) {
    toast(p.message, { kind: "bad" });
  }
}
export const restart = (r) => act(r, "restart");
export const resume = (r) => act(r, "resume");

export const suspend = (r) =>
  confirm({
    title: t("tenant.suspend_it", { name: r.name }),
    act: t("tenant.suspend"),
    kind: "danger",
    body: t("tenant.suspend_help"),
    dies: [t("tenant.dies.visitors", { host: host(r.url) })],
    command: asCommand("tenant.suspend", {}, { id: r.number }),
    run: () => send("POST", `/api/tenants/${r.id}/suspend`),
  }).then(
    (answer) =>
      answer &&
      watchJob(answer, r.name).then(() =>
        toast(t("tenant.suspended", { name: r.name }), { undo: () => resume(r) }),
      ),
  );

/** Undo of a deletion that has not come yet: the subscription is over, and the tenant stays. */
export const keep = (r) =>
  confirm({
    title: t("tenant.keep"),
    kind: "primary",
    body: t("tenant.keep_help"),
    command: asCommand("tenant.keep", {}, { id: r.number }),
    run: () => send("POST", `/api/tenants/${r.id}/keep`),
  }).then((answer) => answer && watchJob(answer, r.name));

export const maintain = async (r) => {
  try {
    shows(r)(await send("PATCH", "/api/tenants/" + r.id, { maintenance: !r.maintenance }));
  } catch (p) {
    toast(p.message, { kind: "bad" });
  }
};

export const remove = (r) =>
  confirm({
    title: t("tenant.delete_it", { name: r.name }),
    name: r.name,
    act: t("tenant.delete"),
    body: t("tenant.delete_help"),
    dies: [
      t("tenant.dies.program", { runtime: r.runtime }),
      t("tenant.dies.files"),
      t("tenant.dies.address", { host: host(r.url) }),
      r.port > 0 && t("tenant.dies.port", { port: String(r.port) }),
      t("tenant.dies.snapshots"),
    ].filter(Boolean),
    command: asCommand("tenant.delete", { action: "delete" }, { id: r.number, confirm: r.name }),
    run: () => send("DELETE", `/api/tenants/${r.id}`, undefined, { params: { action: "delete" } }),
  }).then((answer) => answer && watchJob(answer, r.name));

const rename = (r) =>
  form(r, t("tenant.rename"), {
    fields: [
      { name: "name", label: t("tenants.name"), required: true, maxlength: 120, autofocus: true, wide: true },
    ],
    start: { name: r.name },
    before: { name: r.name },
    preview: false,
  });

const readdress = (r) =>
  form(
    r,
    t("tenant.readdress"),
    {
      start: { subdomain: r.subdomain },
      fields: [
        {
          name: "subdomain",
          label: t("tenants.subdomain"),
          required: true,
          wide: true,
          input: (p) => html`<${NameInput} ...${p} own=${r.subdomain}/>`,
        },
      ],
    },
    t("tenant.readdress_help", { host: host(r.url) }),
  );

const replan = (r) =>
  show(({ close }) => {
    const { data: plans } = useLoad(() => all("/api/plans"), []);
    const fits = (plans || []).filter((p) => p.blueprint === r.blueprint || p.name === r.plan);
    return (
      plans &&
      html`<${Dialog} title=${`${t("tenant.replan")}: ${r.name}`} close=${close}><p class="quiet">${t("tenant.replan_help")}</p>
    <${Form} method="PATCH" path=${"/api/tenants/" + r.id} op="tenant.update" id=${r.number} submit=${t("tenant.replan")} preview cancel=${close} start=${{ plan: r.plan }}
      fields=${[{ name: "plan", label: t("tenants.plan"), type: "select", required: true, wide: true, options: fits.map((p) => [p.name, (p.title || p.name) + (p.name === r.plan ? ` · ${t("tenant.present")}` : "")]) }]}
      done=${(answer) => {
        close();
        if (answer.job) shows(r)(answer);
        else toast(t("tenant.saved"), { kind: "good" });
      }}/><//>`
    );
  });

export const limit = (r) =>
  form(
    r,
    t("tenant.limits"),
    {
      fields: limitFields().map((f) => ({
        ...f,
        keepEmpty: true,
        parse: (v) => (f.parse ? f.parse(Number(v) || 0) : Number(v) || 0),
      })),
      start: limitStart(r.limits),
    },
    t("tenant.limits_help"),
  );

export const schedule = (r) =>
  form(r, t("tenant.backup_at"), {
    preview: false,
    start: { backup_at: r.backup_at },
    before: { backup_at: r.backup_at },
    fields: [
      {
        name: "backup_at",
        label: t("tenant.times"),
        help: t("tenant.times_help"),
        keepEmpty: true,
        placeholder: "00:00,12:00",
        wide: true,
      },
    ],
  });

const statusPage = async (r) => {
  try {
    await send("PATCH", "/api/tenants/" + r.id, { status_page: !r.status_page });
    saved(r, { status_page: r.status_page });
  } catch (p) {
    toast(p.message, { kind: "bad" });
  }
};

export const move = (r) =>
  form(
    r,
    t("tenant.move"),
    {
      method: "POST",
      path: `/api/tenants/${r.id}/move`,
      op: "tenant.move",
      submit: t("tenant.move"),
      fields: [
        {
          name: "runtime",
          label: t("tenants.runtime"),
          type: "select",
          options: ["process", "docker", "lxc", "swarm", "proxmox"].map((x) => [x, x]),
        },
        { name: "blueprint", label: t("tenant.blueprint"), help: t("tenant.blueprint_help") },
        { name: "node", label: t("tenant.node"), help: t("tenant.node_help") },
      ],
    },
    t("tenant.move_help"),
  );

export const ingress = (r) =>
  form(r, t("tenant.ingress"), {
    start: { ingress_mode: r.ingress_mode },
    fields: [
      {
        name: "ingress_mode",
        label: t("tenant.ingress"),
        type: "select",
        required: true,
        wide: true,
        options: [
          ["own", t("tenant.ingress_own")],
          ["shared", t("tenant.ingress_shared")],
        ],
      },
    ],
  });

export const credentials = (r) =>
  confirm({
    title: t("tenant.credentials"),
    kind: "primary",
    act: t("tenant.credentials_send"),
    body: t("tenant.credentials_help"),
    command: asCommand("tenant.credentials", {}, { id: r.number }),
    run: () => send("POST", `/api/tenants/${r.id}/credentials`),
  }).then((done) => done && toast(t("tenant.credentials_sent"), { kind: "good" }));

export const addDomain = (r, done) =>
  form(
    r,
    t("tenant.domain_add"),
    {
      method: "POST",
      path: "/api/domains",
      op: "domain.add",
      submit: t("tenant.domain_add"),
      body: (v) => ({ name: v.name, tenant: r.id, ...(v.www && { www: true }) }),
      done,
      fields: [
        {
          name: "name",
          label: t("tenant.domain"),
          required: true,
          placeholder: "example.com",
          autofocus: true,
          wide: true,
        },
        { name: "www", label: t("tenant.www"), type: "checkbox", wide: true },
      ],
    },
    t("tenant.domain_help"),
  );

export const recover = (r, s, again) =>
  confirm({
    title: t("tenant.recover", { n: s.number }),
    name: r.name,
    act: t("tenant.recover_do"),
    body: t("tenant.recover_help"),
    dies: [t("tenant.dies.since", { when: new Date(s.created_at).toLocaleString() })],
    command: asCommand("tenant.recover", { snapshot: s.number }, { id: r.number, confirm: r.name }),
    run: () =>
      send("POST", `/api/tenants/${r.id}/recover`, {
        snapshot: s.snapshot_id,
        confirm: r.name,
        act: "restore",
      }),
  }).then((answer) => answer && watchJob(answer, r.name).then(again));
export const decide = async (r, what) => {
  try {
    shows(r)(await send("POST", `/api/tenants/${r.id}/recover`, { act: what }));
  } catch (p) {
    toast(p.message, { kind: "bad" });
  }
};

export async function backUp(r) {
  try {
    watchJob(await send("POST", "/api/snapshots", { tenant: r.id }), r.name);
  } catch (p) {
    toast(p.message, { kind: "bad" });
  }
}

/** The menu of all of them. */
export const menu = (r) => [
  r.state === "suspended" ? { label: t("tenants.act.resume"), icon: "play", act: () => resume(r) } : null,
  { label: t("tenant.rename"), icon: "pencil", act: () => rename(r) },
  { label: t("tenant.readdress"), icon: "link", act: () => readdress(r) },
  { label: t("tenant.replan"), icon: "credit-card", act: () => replan(r) },
  { label: t("tenant.limits"), icon: "cpu", act: () => limit(r) },
  { label: t("tenant.move"), icon: "package", act: () => move(r) },
  r.ingress === "cloudflare" && { label: t("tenant.ingress"), icon: "route", act: () => ingress(r) },
  { label: t("tenant.backup_at"), icon: "calendar-clock", act: () => schedule(r) },
  {
    label: r.maintenance ? t("tenants.act.maintenance_off") : t("tenants.act.maintenance_on"),
    icon: "wrench",
    act: () => maintain(r),
  },
  {
    label: r.status_page ? t("tenant.status_page_off") : t("tenant.status_page_on"),
    icon: "activity",
    act: () => statusPage(r),
  },
  r.customer_id && { label: t("tenant.credentials"), icon: "mail", act: () => credentials(r) },
  r.state !== "suspended" && {
    label: t("tenants.act.suspend"),
    icon: "pause",
    kind: "danger",
    act: () => suspend(r),
  },
  { label: t("tenant.delete"), icon: "trash-2", kind: "danger", act: () => remove(r) },
];
