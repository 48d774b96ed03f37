// A customer's way in: a link by mail, or a password; and the code of an app for who has one.
import { html, useEffect, useState } from "../base/h.js";
import { get, me, send, whoami } from "../base/api.js";
import { t } from "../base/lang.js";
import { go, path } from "../base/route.js";
import { Button, Card, Trouble, useLoad } from "../base/ui.js";
import { Field } from "../base/form.js";
import { brand } from "../base/brand.js";
import { EnrolApp, SecondStep } from "../base/second.js";
import { possible, refusal, usePasskey } from "../base/passkeys.js";

export default function Enter() {
  const [token, setToken] = useState(() => (path.value === "/portal/enter" ? location.hash.slice(1) : "")),
    [chosen, setHow] = useState("");
  const { data: box } = useLoad(() => get("/api/setup"), []),
    how = chosen || (box?.mail === false ? "password" : "link");
  const [values, set] = useState({ email: "", username: "", password: "" }),
    [step, setStep] = useState(null);
  const [sent, setSent] = useState(0),
    [problem, setProblem] = useState(null),
    [busy, setBusy] = useState(false);
  useEffect(() => {
    document.title = `${t("enter.title")} · ${brand.value.name}`;
  }, []);
  const run = (what) => async (e) => {
    e.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      await what();
    } catch (p) {
      setProblem(p);
      if (p.code === "link_gone") setToken("");
    }
    setBusy(false);
  };
  const inside = async (answer) => {
    if (answer.second_factor === "needed") return setStep(answer);
    await arrived();
  };
  const arrived = async () => {
    await whoami();
    go(path.value === "/portal/enter" ? "/portal" : path.value, { replace: true });
  };
  const field = (name, more) =>
    html`<${Field} of=${{ name, label: t("enter." + name), required: true, ...more }} value=${values[name]} change=${(v) => set((old) => ({ ...old, [name]: v }))}/>`;
  const passkey = run(async () => {
    try {
      await inside(await usePasskey());
    } catch (p) {
      if (!refusal(p)) throw p;
      if (refusal(p) !== "dismissed") throw new Error(t("enter.passkey_elsewhere"));
    }
  });
  const form = (
    title,
    what,
    fields,
    act,
    foot,
  ) => html`<${Card} title=${title}><form class="form" onSubmit=${run(what)}>${fields}
    <${Trouble} of=${problem}/><div class="acts"><${Button} type="submit" kind="primary" busy=${busy}>${act}<//>${foot}</div></form><//>`;
  const other = (to) =>
    html`<${Button} kind="quiet" onClick=${() => {
      setHow(to);
      setProblem(null);
    }}>${t("enter.by_" + to)}<//>`;
  const body =
    me.value?.second_factor === "enrol"
      ? html`<${Card} title=${t("enter.enrol")}><p>${t("enter.enrol_help")}</p><${EnrolApp} done=${arrived}/><//>`
      : step
        ? html`<${SecondStep} step=${step} done=${arrived} again=${(p) => {
            setStep(null);
            setToken("");
            setProblem(p);
          }}/>`
        : token
          ? form(
              t("enter.link_title"),
              async () => inside(await send("POST", "/api/portal/enter", { token })),
              html`<p>${t("enter.link_ready")}</p>`,
              t("enter.go"),
            )
          : sent
            ? html`<${Card} title=${t("enter.sent_title")}><p role="status">${t("enter.sent", { email: values.email, n: sent })}</p><div class="acts"><${Button} onClick=${() => setSent(0)}>${t("enter.again")}<//></div><//>`
            : how === "link"
              ? form(
                  t("enter.title"),
                  async () =>
                    setSent((await send("POST", "/api/portal/link", { email: values.email })).minutes),
                  field("email", {
                    type: "email",
                    autocomplete: "email",
                    help: t("enter.email_help"),
                    autofocus: true,
                  }),
                  t("enter.send"),
                  other("password"),
                )
              : form(
                  t("enter.title"),
                  async () =>
                    inside(
                      await send("POST", "/api/auth/login", {
                        username: values.username,
                        password: values.password,
                      }),
                    ),
                  html`${field("username", { autocomplete: "username", autofocus: true })}${field("password", { type: "password", autocomplete: "current-password" })}`,
                  t("enter.go"),
                  html`${possible() && html`<${Button} icon="fingerprint" disabled=${busy} onClick=${passkey}>${t("enter.passkey")}<//>`}${box?.mail && other("link")}`,
                );
  return html`<div class="small"><div class="hero"><h1 tabindex="-1">${brand.value.name}</h1></div>${body}</div>`;
}
