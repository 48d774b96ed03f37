// The way in.
import { html, useState } from "../base/h.js";
import { send, whoami } from "../base/api.js";
import { t } from "../base/lang.js";
import { Button, Trouble } from "../base/ui.js";
import { Field } from "../base/form.js";
import { Choices } from "../base/shell.js";

export default function SignIn() {
  const [values, set] = useState({ username: "", password: "" }), [problem, setProblem] = useState(null), [busy, setBusy] = useState(false);
  const go = async (e) => {
    e.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      await send("POST", "/api/auth/login", values);
      await whoami();
    } catch (p) { setProblem(p); }
    setBusy(false);
  };
  const field = (name, more) => html`<${Field} of=${{ name, label: t("sign-in." + name), required: true, ...more }} value=${values[name]} change=${(v) => set((old) => ({ ...old, [name]: v }))}/>`;
  return html`<main class="narrow"><h1 class="brand">sett</h1><form class="card stack" onSubmit=${go}><h2>${t("sign-in.title")}</h2>
    ${field("username", { autocomplete: "username", autofocus: true })}${field("password", { type: "password", autocomplete: "current-password" })}
    <${Trouble} of=${problem}/><${Button} type="submit" kind="primary" busy=${busy}>${t("sign-in.title")}<//></form><div class="acts"><${Choices}/></div></main>`;
}
