// Users and invitations: who may sign in, what they may do, and how that ends.
import { html } from "../base/h.js";
import { all, get, send } from "../base/api.js";
import { lang, languages, t, word } from "../base/lang.js";
import { exact, Time } from "../base/say.js";
import { query as at, setQuery } from "../base/route.js";
import { Button, Card, Empty, Facts, Page, State, Tabs, toast, useLoad } from "../base/ui.js";
import { confirm, Dialog, show } from "../base/dialog.js";
import { Form } from "../base/form.js";
import { Table } from "../base/table.js";
import { useLive } from "../base/live.js";
import { showOnce } from "../base/once.js";

const roles = ["customer", "viewer", "operator", "admin"];
const roleOf = (role) => word("base.role", role);

const link = (answer, title, name) =>
  answer.link
    ? showOnce({
        title,
        text: answer.link,
        note: t("users.link_note", { name, until: exact(answer.expires_at) }),
      })
    : toast(t("users.mailed", { name }), { kind: "good" });

const fields = () => [
  {
    name: "role",
    label: t("users.role"),
    type: "select",
    required: true,
    options: roles.map((r) => [r, `${roleOf(r)}: ${t("users.may." + r)}`]),
    wide: true,
  },
  {
    name: "customer_id",
    label: t("users.customer"),
    help: t("users.customer_help"),
    when: (v) => v.role === "customer",
    required: true,
  },
  { name: "email", label: t("users.email"), type: "email", help: t("users.email_help") },
  { name: "language", label: t("users.language"), type: "select", options: Object.entries(languages) },
];

const agent = (text) =>
  text.match(/(Firefox|Edg|Chrome|Safari|curl|sett)\/?[\d.]*/)?.[0] || text.slice(0, 40);

const invite = (again, customer, name) =>
  show(({ close }) => {
    const { data } = useLoad(() => get("/api/setup"), []);
    const done = async (answer) => {
      close();
      again?.();
      await link(answer, t("users.invitation"), answer.name);
    };
    return (
      data &&
      html`<${Dialog} title=${t("base.act.invite")} close=${close}>
    <${Form} op="invitation.create" path="/api/invitations" submit=${t("users.invite")} cancel=${close} done=${done} start=${{ role: customer ? "customer" : "operator", customer_id: customer, name, language: lang.value, mail: data.mail }}
      fields=${[
        {
          name: "name",
          label: t("users.name"),
          required: true,
          maxlength: 120,
          help: t("users.name_help"),
          autofocus: true,
          wide: true,
        },
        ...fields(),
        data.mail && { name: "mail", label: t("users.by_mail"), type: "checkbox", wide: true },
      ].filter(Boolean)}
      body=${(v) => ({
        name: v.name,
        role: v.role,
        email: v.email || undefined,
        language: v.language || undefined,
        customer_id: v.role === "customer" ? v.customer_id : undefined,
        mail: data.mail && v.mail === false ? false : undefined,
      })}/>
    ${!data.mail && html`<p class="note">${t("users.no_mail")}</p>`}<//>`
    );
  });

const edit = (user, again) =>
  show(
    ({ close }) => html`<${Dialog} title=${user.name} close=${close}>
  <${Form} op="user.update" id=${user.name} method="PATCH" path=${"/api/users/" + user.id} submit=${t("base.save")} cancel=${close} start=${user}
    fields=${[{ name: "name", label: t("users.name"), required: true, maxlength: 120, wide: true }, ...fields()]}
    body=${(v) => ({ name: v.name, role: v.role, email: v.email || "", language: v.language || "", customer_id: v.role === "customer" ? v.customer_id : "" })}
    done=${() => {
      close();
      again();
      toast(t("users.saved", { name: user.name }), { kind: "good" });
    }}/>
  <p class="note">${t("users.role_ends")}</p><//>`,
  );

const switchOff = (user, again) =>
  confirm({
    title: t(user.disabled ? "users.enable" : "users.disable"),
    kind: user.disabled ? "primary" : "danger",
    body: t(user.disabled ? "users.enable_text" : "users.disable_text", { name: user.name }),
    command: `sett user update ${user.name} --disabled ${!user.disabled}`,
    run: () => send("PATCH", "/api/users/" + user.id, { disabled: !user.disabled }).then(again),
  });
const reset = (user) =>
  confirm({
    title: t("users.reset"),
    kind: "primary",
    body: t("users.reset_text", { name: user.name }),
    command: `sett user reset ${user.name}`,
    run: () => send("POST", `/api/users/${user.id}/reset`, {}),
  }).then((answer) => answer?.link && link(answer, t("users.reset"), user.name));
const takeSecond = (user, done) =>
  confirm({
    title: t("users.take_second"),
    body: t("users.take_second_text", { name: user.name }),
    name: user.name,
    command: `sett second-factor remove ${user.name} --confirm=${user.name}`,
    run: () => send("DELETE", `/api/users/${user.id}/second-factor`).then(done),
  });
const remove = (user, sessions, keys, done) =>
  confirm({
    title: t("users.delete"),
    name: user.name,
    command: `sett user delete ${user.name}`,
    dies: [
      t("users.dies_sessions", { n: sessions.length }),
      ...keys.filter((k) => !k.revoked_at).map((k) => t("users.dies_key", { name: k.name })),
    ],
    run: () => send("DELETE", "/api/users/" + user.id).then(done),
  });

/** A user beside the list: what they are, where they are signed in, which keys they have. */
function Beside({ id, again }) {
  const close = () => setQuery({ user: null });
  const {
    data,
    problem,
    again: anew,
  } = useLoad(
    () =>
      Promise.all([
        get("/api/users/" + id),
        all("/api/sessions", { user: id }),
        all("/api/keys", { user: id }),
      ]),
    [id],
  );
  useLive(["user", "session", "key"], anew);
  if (problem || !data) return null;
  const [user, sessions, keys] = data,
    both = () => {
      anew();
      again();
    };
  return html`<${Dialog} title=${user.name} kind="side" close=${close}>
    <${Facts} of=${[
      [t("users.role"), roleOf(user.role)],
      [
        t("users.state"),
        html`<${State} of=${user.disabled ? "disabled" : "active"} group="users.state" look=${user.disabled ? "bad" : "good"}/>`,
      ],
      [t("users.email"), user.email],
      [
        t("users.customer"),
        user.customer_id && html`<a href=${"/admin/customers/" + user.customer_id}>${user.customer_id}</a>`,
      ],
      [
        t("users.second"),
        user.second_factor_at ? html`<${Time} at=${user.second_factor_at}/>` : t("base.no"),
      ],
      [t("users.last"), html`<${Time} at=${user.last_login_at} never=${t("users.never")}/>`],
      [t("users.made"), html`<${Time} at=${user.created_at}/>`],
    ]}/>
    <div class="acts"><${Button} icon="pencil" onClick=${() => edit(user, both)}>${t("base.edit")}<//>
      ${!user.disabled && html`<${Button} icon="link" onClick=${() => reset(user)}>${t("users.reset")}<//>`}
      ${user.second_factor_at && html`<${Button} icon="unlink" onClick=${() => takeSecond(user, both)}>${t("users.take_second")}<//>`}
      <${Button} icon=${user.disabled ? "lock-open" : "lock"} onClick=${() => switchOff(user, both)}>${t(user.disabled ? "users.enable" : "users.disable")}<//>
      <${Button} icon="trash-2" kind="danger" onClick=${() =>
        remove(user, sessions, keys, () => {
          close();
          again();
        })}>${t("base.delete")}<//></div>
    <${Card} title=${t("users.sessions")}>${
      sessions.length === 0
        ? html`<p class="quiet">${t("users.no_sessions")}</p>`
        : sessions.map(
            (s) => html`<p key=${s.id}>
      <${Time} at=${s.seen_at}/> · ${s.address} <span class="quiet">${agent(s.agent)}</span> <${Button} kind="quiet" icon="log-out" label=${t("users.end_session")}
        onClick=${() => send("DELETE", "/api/sessions/" + s.id).then(both, (p) => toast(p.message, { kind: "bad" }))}/></p>`,
          )
    }<//>
    ${keys.length > 0 && html`<${Card} title=${t("base.page.keys")}>${keys.map((k) => html`<p key=${k.id}>${k.name} <span class="quiet">${roleOf(k.role)}</span></p>`)}<//>`}<//>`;
}

const act = (what, done) => () => what().then(done, (p) => toast(p.message, { kind: "bad" }));
function Invitations() {
  const { data, again } = useLoad(() => all("/api/invitations"), []);
  useLive(["invitation"], again);
  const open = (i) => i.state === "open" || i.state === "over";
  const columns = [
    { id: "name", label: t("users.name"), always: true },
    { id: "role", label: t("users.role"), show: (i) => roleOf(i.role) },
    {
      id: "state",
      label: t("users.state"),
      show: (i) =>
        html`<${State} of=${i.state} group="users.state" look=${{ accepted: "good", open: "warn" }[i.state] || ""}/>`,
    },
    {
      id: "mailed_at",
      label: t("users.sent"),
      show: (i) => (i.mailed_at ? html`<${Time} at=${i.mailed_at}/>` : t("users.link_shown")),
    },
    { id: "expires_at", label: t("users.until"), show: (i) => html`<${Time} at=${i.expires_at}/>` },
    {
      id: "acts",
      label: "",
      always: true,
      end: true,
      show: (i) =>
        open(i) &&
        html`
      <${Button} kind="quiet" icon="mail" onClick=${act(
        () => send("POST", `/api/invitations/${i.id}/resend`, {}),
        (a) => {
          again();
          link(a, t("users.invitation"), i.name);
        },
      )}>${t("users.resend")}<//>
      <${Button} kind="quiet" icon="x" onClick=${act(() => send("DELETE", "/api/invitations/" + i.id), again)}>${t("users.revoke")}<//>`,
    },
  ];
  return html`<${Table} name="invitations" data=${data || []} columns=${columns}
    empty=${html`<${Empty} icon="mail" title=${t("users.none_invited")} command="sett invitation create ann@example.com operator">${t("users.none_help")}<//>`}/>`;
}

function List() {
  const q = at.value,
    turn = useLoad(() => Promise.resolve(Date.now()), []);
  const columns = [
    { id: "name", label: t("users.name"), always: true },
    { id: "role", label: t("users.role"), show: (u) => roleOf(u.role) },
    { id: "email", label: t("users.email"), hidden: true },
    {
      id: "state",
      label: t("users.state"),
      show: (u) =>
        html`<${State} of=${u.disabled ? "disabled" : "active"} group="users.state" look=${u.disabled ? "bad" : "good"}/>`,
    },
    {
      id: "second",
      label: t("users.second"),
      show: (u) => (u.second_factor_at ? t("base.yes") : t("base.no")),
    },
    {
      id: "last_login_at",
      label: t("users.last"),
      show: (u) => html`<${Time} at=${u.last_login_at} never=${t("users.never")}/>`,
    },
    {
      id: "created_at",
      label: t("users.made"),
      show: (u) => html`<${Time} at=${u.created_at}/>`,
      hidden: true,
    },
  ];
  const filters = [
    { id: "role", label: t("users.role"), options: roles.map((r) => [r, roleOf(r)]) },
    {
      id: "disabled",
      label: t("users.state"),
      options: [
        ["false", t("users.state.active")],
        ["true", t("users.state.disabled")],
      ],
    },
  ];
  return html`<${Table} name="users" list="/api/users" live=${["user"]} refresh=${turn.data} search="name" columns=${columns} filters=${filters} href=${(u) => "/admin/users?user=" + u.id}/>
    ${q.user && html`<${Beside} id=${q.user} again=${turn.again}/>`}`;
}

export default function Users({ query }) {
  if (query.new) {
    setQuery({ new: null, customer: null, name: null });
    invite(null, query.customer, query.name);
  }
  const tab = query.tab || "users";
  return html`<${Page} title=${t("base.page.users")} lead=${t("users.lead")}
      acts=${html`<${Button} kind="primary" icon="user-plus" onClick=${() => invite()}>${t("base.act.invite")}<//>`}>
    <${Tabs} at=${tab} tabs=${[
      ["users", t("base.page.users")],
      ["invitations", t("users.invitations")],
    ]} href=${(id) => "/admin/users" + (id === "users" ? "" : "?tab=" + id)}/>
    ${tab === "invitations" ? html`<${Invitations}/>` : html`<${List}/>`}<//>`;
}
