// What is shown once: a link, a key, a secret. It stays until it was copied or somebody says that they have it.
import { html } from "./h.js";
import { t } from "./lang.js";
import { Button, Code } from "./ui.js";
import { Dialog, show } from "./dialog.js";

/** showOnce({title, text, note}): resolves when it is closed. */
export const showOnce = ({ title, text, note }) =>
  show(
    ({ close }) => html`<${Dialog} title=${title} close=${close}>
  <p>${note}</p><p class="note warn">${t("base.shown_once")}</p><p data-once><${Code} block>${text}<//></p>
  <div class="acts end"><${Button} kind="primary" onClick=${() => close(true)}>${t("base.have_it")}<//></div><//>`,
  );
