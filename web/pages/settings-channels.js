// Where alerts go: channels, each tried with a button; what signs a webhook is shown once.
import { html } from "../base/h.js";
import { all, send } from "../base/api.js";
import { t, word } from "../base/lang.js";
import { Time } from "../base/say.js";
import { Button, Card, Empty, Menu, State, toast, Trouble, useLoad } from "../base/ui.js";
import { confirm, Dialog, show } from "../base/dialog.js";
import { Form } from "../base/form.js";
import { Table } from "../base/table.js";
import { useLive } from "../base/live.js";
import { showOnce } from "../base/once.js";

const types = ["email", "slack", "webhook"],
  grave = ["info", "warning", "critical"];
const shared = (type) => [
  {
    name: "target",
    label: t("settings.channel.target"),
    required: true,
    when: (v) => (type || v.type) !== "slack",
    wide: true,
    placeholder: "ops@example.com, https://…",
  },
  {
    name: "slack_url",
    label: t("settings.channel.slack_url"),
    type: "password",
    required: !type,
    when: (v) => (type || v.type) === "slack",
    wide: true,
  },
  {
    name: "severity",
    label: t("settings.channel.severity"),
    type: "select",
    required: true,
    options: grave.map((s) => [s, word("settings.severity", s)]),
  },
  {
    name: "kinds",
    label: t("settings.channel.kinds"),
    help: t("settings.channel.kinds_help"),
    placeholder: "tenant.*, job.stuck",
    keepEmpty: true,
  },
];
const secretOf = (a) =>
  a.secret && showOnce({ title: a.name, text: a.secret, note: t("settings.channel.signs") });
const create = (again) =>
  show(
    ({
      close,
    }) => html`<${Dialog} title=${t("settings.channel.new")} close=${close}><${Form} op="channel.create" path="/api/channels" submit=${t("base.create")} cancel=${close} start=${{ type: "email", severity: "warning" }}
  fields=${[{ name: "name", label: t("settings.channel.name"), required: true, maxlength: 30, autofocus: true }, { name: "type", label: t("settings.channel.type"), type: "select", required: true, options: types.map((x) => [x, word("settings.type", x)]) }, ...shared()]}
  done=${async (a) => {
    close();
    again();
    await secretOf(a);
  }}/><//>`,
  );
const edit = (c, again) =>
  show(
    ({
      close,
    }) => html`<${Dialog} title=${c.name} close=${close}><${Form} op="channel.update" id=${c.id} method="PATCH" path=${"/api/channels/" + c.id} submit=${t("base.save")} cancel=${close}
  start=${{ ...c, slack_url: "" }} fields=${[{ name: "enabled", label: t("settings.channel.enabled"), type: "checkbox" }, ...shared(c.type)]} done=${() => {
    close();
    again();
  }}/><//>`,
  );
const test = (c, again) =>
  send("POST", `/api/channels/${c.id}/test`, {}).then(
    (a) => {
      toast(t("settings.sent", { to: c.name, answer: a.answer }), { kind: "good" });
      again();
    },
    (p) => toast(p.message, { kind: "bad" }),
  );
const rotate = (c, again) =>
  confirm({
    title: t("settings.channel.rotate"),
    kind: "primary",
    body: t("settings.channel.rotate_help"),
    command: `sett channel rotate ${c.name}`,
    run: () =>
      send("POST", `/api/channels/${c.id}/rotate`, {}).then((a) => {
        again();
        setTimeout(() => secretOf({ name: c.name, ...a }));
      }),
  });
const drop = (c, again) =>
  confirm({
    title: t("settings.remove", { name: c.name }),
    name: c.name,
    dies: [t("settings.channel.dies")],
    command: `sett channel delete ${c.name}`,
    run: () => send("DELETE", "/api/channels/" + c.id).then(again),
  });

export function Channels() {
  const { data, problem, again } = useLoad(() => all("/api/channels"), []);
  useLive(["channel"], again);
  const state = (c) =>
    !c.enabled
      ? "off"
      : c.failed_at && (!c.sent_at || c.failed_at > c.sent_at)
        ? "failed"
        : c.sent_at
          ? "sent"
          : "new";
  const columns = [
    { id: "name", label: t("settings.channel.name"), always: true },
    { id: "type", label: t("settings.channel.type"), show: (c) => word("settings.type", c.type) },
    { id: "target", label: t("settings.channel.target"), wide: true },
    {
      id: "severity",
      label: t("settings.channel.severity"),
      show: (c) =>
        html`${word("settings.severity", c.severity)}${c.kinds && html` <span class="quiet">${c.kinds}</span>`}`,
    },
    {
      id: "state",
      label: t("settings.channel.last"),
      show: (c) =>
        html`<${State} of=${state(c)} group="settings.channel.state" look=${{ failed: "bad", sent: "good", off: "", new: "" }[state(c)]} title=${c.last_error}/> <${Time} at=${state(c) === "failed" ? c.failed_at : c.sent_at} never=""/>`,
    },
    {
      id: "acts",
      label: "",
      always: true,
      end: true,
      show: (c) =>
        html`<span class="row end"><${Button} icon="send" onClick=${() => test(c, again)}>${t("settings.test")}<//><${Menu} label=${t("base.more") + ": " + c.name} items=${[
          { label: t("base.edit"), icon: "pencil", act: () => edit(c, again) },
          c.type === "webhook" && {
            label: t("settings.channel.rotate"),
            icon: "rotate-cw",
            act: () => rotate(c, again),
          },
          { label: t("base.delete"), icon: "trash-2", kind: "danger", act: () => drop(c, again) },
        ]}/></span>`,
    },
  ];
  return html`<${Card} title=${t("settings.channels")} acts=${html`<${Button} icon="plus" onClick=${() => create(again)}>${t("settings.channel.new")}<//>`}><${Trouble} of=${problem} again=${again}/>
    ${data && html`<${Table} name="channels" data=${data} refresh=${data} columns=${columns} empty=${html`<${Empty} icon="bell" title=${t("settings.channel.none")} command="sett channel create ops email --target ops@example.com">${t("settings.channel.none_help")}<//>`}/>`}<//>`;
}
