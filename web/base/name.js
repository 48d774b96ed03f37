// The field for a subdomain: says while it is typed whether it can be had, why not, and what like it could.
import { html, useEffect, useState } from "./h.js";
import { get } from "./api.js";
import { needTexts, t, word } from "./lang.js";
import { Icon } from "./ui.js";

await needTexts("name");

/** useName(text, own): the box's word on a name, or null while there is none; `own` is what one has already. */
export function useName(text, own) {
  const [said, set] = useState(null);
  useEffect(() => {
    set(null);
    if (!text || text === own) return;
    const stop = new AbortController();
    const wait = setTimeout(
      () => get("/api/names/" + encodeURIComponent(text), null, stop.signal).then(set, () => {}),
      250,
    );
    return () => {
      clearTimeout(wait);
      stop.abort();
    };
  }, [text, own]);
  return said;
}

/** <NameInput value change own …/>: for Field's `input`. */
export function NameInput({ value, change, own, ...about }) {
  const said = useName((value || "").trim(), own),
    free = said?.available;
  return html`<input ...${about} type="text" value=${value ?? ""} onInput=${(e) => change(e.target.value)} maxlength="63" spellcheck=${false} autocapitalize="off"/>
    <div aria-live="polite" data-name=${said?.state}>${
      said &&
      html`<span class=${"state " + (free ? "good" : "bad")}><${Icon} name=${free ? "circle-check" : "circle-x"}/>${
        free
          ? t("name.free", { url: said.url.replace(/^https?:\/\/|\/$/g, "") })
          : word("name.not", said.code)
      }</span>`
    }
      ${said?.suggestions?.length > 0 && html`<div class="chips">${said.suggestions.map((s) => html`<button type="button" class="button" onClick=${() => change(s)}>${s}</button>`)}</div>`}</div>`;
}
