// Links that people hold: an invitation, a new password. The token is the part of the address behind the #,
// which no server and no log gets to see; only the button sends it.
import { html, useEffect, useState } from "../base/h.js";
import { placed } from "../base/place.js";
import { send, whoami } from "../base/api.js";
import { t, setLang, lang, languages, word } from "../base/lang.js";
import { exact } from "../base/say.js";
import { go } from "../base/route.js";
import { Button, LinkButton, Loading, Trouble } from "../base/ui.js";
import { Field } from "../base/form.js";
import { Choices } from "../base/shell.js";

const Frame = ({ title, children }) => {
  useEffect(() => {
    document.title = `${title} · sett`;
  }, [title]);
  return html`<main class="narrow"><p class="brand">sett</p><div class="card stack"><h1>${title}</h1>${children}</div><div class="acts"><${Choices}/></div></main>`;
};

/** A password, twice, for whoever holds the link that `look` knows. */
function Choose({ look, use, title, lead, act, done }) {
  const [token] = useState(() => location.hash.slice(1));
  const [seen, setSeen] = useState(null),
    [values, set] = useState({ password: "", again: "" });
  const [problem, setProblem] = useState(null),
    [busy, setBusy] = useState(false),
    [differ, setDiffer] = useState(false);
  useEffect(() => {
    send("POST", look, { token }).then((a) => {
      setSeen(a);
      if (languages[a.language] && !localStorage.getItem("sett.lang") && a.language !== lang.value)
        setLang(a.language);
    }, setProblem);
  }, []);
  const submit = async (e) => {
    e.preventDefault();
    setDiffer(values.password !== values.again);
    if (values.password !== values.again) return;
    setBusy(true);
    setProblem(null);
    try {
      const answer = await send("POST", use, { token, password: values.password });
      history.replaceState(null, "", location.pathname);
      await done(answer, seen);
    } catch (p) {
      setProblem(p);
    }
    setBusy(false);
  };
  const field = (
    name,
    more,
  ) => html`<${Field} of=${{ name, label: t("way-in." + name), type: "password", required: true, autocomplete: "new-password", ...more }} value=${values[name]} change=${(v) => set((o) => ({ ...o, [name]: v }))}
    problem=${name === "again" ? differ && t("way-in.differ") : problem?.of?.("password")}/>`;
  if (!token || problem?.code === "link_gone")
    return html`<${Frame} title=${title(seen)}><p class="note warn">${t(token ? "way-in.gone" : "way-in.incomplete")}</p><${LinkButton} href="/admin">${t("way-in.to_sign_in")}<//><//>`;
  if (!seen)
    return html`<${Frame} title=${title(seen)}>${problem ? html`<${Trouble} of=${problem}/>` : html`<${Loading}/>`}<//>`;
  return html`<${Frame} title=${title(seen)}><p>${lead(seen)}</p><form class="stack" onSubmit=${submit}>
    <input type="text" class="unseen" autocomplete="username" value=${seen.name} readonly tabindex="-1" aria-hidden="true"/>
    ${field("password", { help: t("way-in.rules"), autofocus: true })}${field("again")}
    ${!problem?.of?.("password") && html`<${Trouble} of=${problem}/>`}<${Button} type="submit" kind="primary" busy=${busy}>${act}<//></form>
    <p class="quiet">${t("way-in.until", { at: exact(seen.expires_at) })}</p><//>`;
}

export const accept =
  () => html`<${Choose} look="/api/invitations/look" use="/api/invitations/accept" act=${t("way-in.accept")}
  title=${(seen) => (seen ? t("way-in.welcome", { box: seen.box }) : t("way-in.invitation"))}
  lead=${(seen) => t("way-in.invited", { name: seen.name, role: word("base.role", seen.role) })}
  done=${async () => {
    if ((await whoami()).role === "customer") location.replace(placed("/portal"));
    else go("/admin", { replace: true });
  }}/>`;

export const reset = () => {
  const [name, setName] = useState("");
  if (name)
    return html`<${Frame} title=${t("way-in.set")}><p class="note good">${t("way-in.set_text", { name })}</p><${LinkButton} kind="primary" href="/admin">${t("way-in.to_sign_in")}<//><//>`;
  return html`<${Choose} look="/api/auth/reset/look" use="/api/auth/reset" act=${t("way-in.set_it")} title=${() => t("way-in.new_password")} lead=${(seen) => t("way-in.new_for", { name: seen.name })} done=${(a, seen) => setName(seen.name)}/>`;
};

export const forgotten = () => {
  const [name, set] = useState(""),
    [done, setDone] = useState(false),
    [problem, setProblem] = useState(null),
    [busy, setBusy] = useState(false);
  const submit = async (e) => {
    e.preventDefault();
    setBusy(true);
    setProblem(null);
    await send("POST", "/api/auth/forgotten", { username: name }).then(() => setDone(true), setProblem);
    setBusy(false);
  };
  return html`<${Frame} title=${t("way-in.forgotten")}>${
    done
      ? html`<p class="note good">${t("way-in.on_its_way")}</p>`
      : html`<p>${t("way-in.forgotten_text")}</p><form class="stack" onSubmit=${submit}>
    <${Field} of=${{ name: "username", label: t("way-in.name"), required: true, autocomplete: "username", autofocus: true }} value=${name} change=${set}/>
    <${Trouble} of=${problem}/><${Button} type="submit" kind="primary" busy=${busy}>${t("way-in.send")}<//></form>`
  }<p><a href="/admin">${t("way-in.to_sign_in")}</a></p><//>`;
};
