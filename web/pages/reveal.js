// First credentials, by the link of a letter. The token is the part of the address behind the #; only the button
// sends it, so that a program that follows links in mails uses nothing up.
import { html, useEffect, useState } from "../base/h.js";
import { send } from "../base/api.js";
import { needTexts, t } from "../base/lang.js";
import { Button, Card, LinkButton, Trouble, useLoad } from "../base/ui.js";
import { brand } from "../base/brand.js";
import { Secrets } from "./followed.js";

export default function Reveal() {
  const [token] = useState(() => location.hash.slice(1)),
    [said, set] = useState(null),
    [problem, setProblem] = useState(null),
    [busy, setBusy] = useState(false);
  const { busy: reading } = useLoad(() => needTexts("followed"), []);
  useEffect(() => {
    document.title = `${t("reveal.title")} · ${brand.value.name}`;
  }, []);
  const show = async () => {
    setBusy(true);
    setProblem(null);
    try {
      set(await send("POST", "/api/reveal", { token }));
      history.replaceState(null, "", location.pathname);
    } catch (p) {
      setProblem(p);
    }
    setBusy(false);
  };
  const gone = problem?.status === 404;
  return html`<div class="small"><div class="hero"><h1 tabindex="-1">${said?.tenant || t("reveal.title")}</h1>
      <p>${t(said ? "reveal.done" : !token ? "reveal.incomplete" : gone ? "reveal.gone" : "reveal.lead")}</p></div>
    ${said && !reading && html`<${Card}><${Secrets} of=${said.credentials}/>${said.address && html`<div class="acts"><${LinkButton} icon="external-link" href=${said.address}>${said.address}<//></div>`}<//>`}
    ${!gone && html`<${Trouble} of=${problem}/>`}
    ${!said && token && !gone && html`<div class="acts"><${Button} kind="primary large" icon="eye" busy=${busy} onClick=${show}>${t("reveal.show")}<//></div>`}</div>`;
}
