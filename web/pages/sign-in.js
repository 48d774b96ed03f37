// The way in: name and password, then the second step where there is one; and, for whoever must have a second
// factor and has none, entering it, before anything else.
import { html, useEffect, useState } from "../base/h.js";
import { get, me, send, whoami } from "../base/api.js";
import { t, word } from "../base/lang.js";
import { Button, Trouble, useLoad } from "../base/ui.js";
import { Field } from "../base/form.js";
import { Choices, signOut } from "../base/shell.js";
import { EnrolApp, SecondStep, useTry } from "../base/second.js";
import { possible, refusal, usePasskey } from "../base/passkeys.js";

const Frame = ({ title, children }) => {
  useEffect(() => {
    document.title = `${title} · sett`;
  }, [title]);
  return html`<main class="narrow"><h1 class="brand" tabindex="-1">sett</h1>${children}<div class="acts"><${Choices}/></div></main>`;
};

function First({ next, over }) {
  const { data: box } = useLoad(() => get("/api/setup"), []);
  const [values, set] = useState({ username: "", password: "" }),
    [run, problem, busy] = useTry();
  const go = (e) => {
    e.preventDefault();
    run(async () => next(await send("POST", "/api/auth/login", values)));
  };
  const passkey = () =>
    run(async () => {
      try {
        next(await usePasskey());
      } catch (p) {
        if (!refusal(p)) throw p;
        if (refusal(p) !== "dismissed") throw new Error(t("sign-in.passkey_elsewhere"));
      }
    });
  const field = (name, more) =>
    html`<${Field} of=${{ name, label: t("sign-in." + name), required: true, ...more }} value=${values[name]} change=${(v) => set((old) => ({ ...old, [name]: v }))}/>`;
  return html`<form class="card stack" onSubmit=${go}><h2>${t("sign-in.title")}</h2>
    ${box?.needed && html`<p class="note">${t("sign-in.new_box")}</p>`}
    ${over && !problem && html`<p class="note warn" role="status">${t("sign-in.over")}</p>`}
    ${field("username", { autocomplete: "username", autofocus: true })}${field("password", { type: "password", autocomplete: "current-password" })}
    <${Trouble} of=${problem}/><${Button} type="submit" kind="primary" busy=${busy}>${t("sign-in.title")}<//>
    ${possible() && html`<${Button} icon="fingerprint" disabled=${busy} onClick=${passkey}>${t("sign-in.passkey")}<//>`}
    ${box?.mail && html`<a href="/admin/forgotten">${t("sign-in.forgotten")}</a>`}</form>`;
}

const Enrol =
  () => html`<div class="card stack"><h2>${t("sign-in.enrol")}</h2><p>${t("sign-in.enrol_help", { role: word("base.role", me.value.role) })}</p>
  <${EnrolApp} done=${() => {}}/>
  <button type="button" class="link" onClick=${signOut}>${t("base.sign_out")}</button></div>`;

/** The first password is good for this alone. */
function Renew() {
  const [values, set] = useState({ current_password: "", new_password: "" }),
    [run, problem, busy] = useTry();
  const field = (name, more) =>
    html`<${Field} of=${{ name, type: "password", label: t("sign-in." + name), required: true, ...more }} value=${values[name]} change=${(v) => set((old) => ({ ...old, [name]: v }))}/>`;
  const change = (e) => {
    e.preventDefault();
    run(async () => {
      await send("POST", "/api/users/me/password", values);
      await whoami();
    });
  };
  return html`<form class="card stack" onSubmit=${change}><h2>${t("sign-in.renew")}</h2><p>${t("sign-in.renew_help")}</p>
    <input type="text" autocomplete="username" value=${me.value.user.name} hidden readonly/>
    ${field("current_password", { autocomplete: "current-password", autofocus: true })}${field("new_password", { autocomplete: "new-password", help: t("sign-in.new_password_help") })}
    <${Trouble} of=${problem}/><${Button} type="submit" kind="primary" busy=${busy}>${t("sign-in.renew_do")}<//>
    <button type="button" class="link" onClick=${signOut}>${t("base.sign_out")}</button></form>`;
}

export default function SignIn() {
  const [step, setStep] = useState(null),
    [over, setOver] = useState(false);
  const next = async (answer) => {
    if (answer.second_factor === "needed") return setStep(answer);
    await whoami();
  };
  const again = (p) => {
    setStep(null);
    setOver(!!p);
  };
  if (me.value?.user?.password_once) return html`<${Frame} title=${t("sign-in.renew")}><${Renew}/><//>`;
  if (me.value) return html`<${Frame} title=${t("sign-in.enrol")}><${Enrol}/><//>`;
  return html`<${Frame} title=${t("sign-in.title")}>${step ? html`<${SecondStep} step=${step} done=${whoami} again=${again}/>` : html`<${First} next=${next} over=${over}/>`}<//>`;
}
