// Dialogs: the browser's own <dialog>, which keeps the focus inside and gives it back. confirm() and ask()
// may be called from anywhere and answer a promise.
import { html, signal, useEffect, useRef, useState } from "./h.js";
import { t } from "./lang.js";
import { Button, Code, Icon, Trouble } from "./ui.js";

const open = signal([]);

/** show(render): puts up render(close) until close(value) is called; the promise is that value. */
export function show(make) {
  return new Promise((done) => {
    const one = {
      id: Math.random(),
      make,
      close: (value) => {
        open.value = open.value.filter((x) => x !== one);
        done(value);
      },
    };
    open.value = [...open.value, one];
  });
}
export const Dialogs = () => open.value.map((x) => html`<${x.make} key=${x.id} close=${x.close}/>`);

/** <Dialog title close wide side>…</Dialog>; Escape and a click beside it close with undefined. */
export function Dialog({ title, close, children, kind = "", foot }) {
  const box = useRef();
  useEffect(() => {
    const before = document.activeElement;
    box.current.showModal();
    return () => before?.focus?.();
  }, []);
  const beside = (e) => {
    if (e.target === box.current) close();
  };
  return html`<dialog ref=${box} class=${kind} onCancel=${(e) => {
    e.preventDefault();
    close();
  }} onPointerDown=${beside} aria-labelledby="dialog-title">
    <div class="dialog"><header><h2 id="dialog-title">${title}</h2>
      <button type="button" class="button quiet" aria-label=${t("base.close")} onClick=${() => close()}><${Icon} name="x"/></button></header>
    <div class="dialog-body">${children}</div>${foot && html`<footer>${foot}</footer>`}</div></dialog>`;
}

/** confirm({title, body, dies, name, act, kind, command}): whether it was confirmed. `name`: is to be typed. `dies`: list of
 * what goes with it. `run`: async, done within the dialog, which shows its refusal and closes when it is through. */
export const confirm = ({ title, body, dies, name, act, kind = "danger", command, run }) =>
  show(({ close }) => {
    const [typed, setTyped] = useState(""),
      [busy, setBusy] = useState(false),
      [problem, setProblem] = useState(null);
    const right = !name || typed.trim() === name;
    const go = async (e) => {
      e.preventDefault();
      if (!right) return;
      if (!run) return close(true);
      setBusy(true);
      setProblem(null);
      try {
        close((await run()) ?? true);
      } catch (p) {
        setProblem(p);
        setBusy(false);
      }
    };
    return html`<${Dialog} title=${title} close=${close}><form onSubmit=${go} class="stack">
    ${body && html`<div>${body}</div>`}
    ${dies?.length > 0 && html`<div class="dies"><p>${t("base.dies")}</p><ul>${dies.map((d) => html`<li>${d}</li>`)}</ul></div>`}
    ${
      name &&
      html`<label class="field"><span>${t("base.type_name", { name })}</span>
      <input value=${typed} onInput=${(e) => setTyped(e.target.value)} autocomplete="off" spellcheck=${false} autocapitalize="off"/></label>`
    }
    <${Trouble} of=${problem}/>
    ${command && html`<p><${Code} block>${command}<//></p>`}
    <div class="acts end"><${Button} autofocus onClick=${() => close()}>${t("base.cancel")}<//>
      <${Button} type="submit" kind=${kind} busy=${busy} disabled=${!right}>${act || title}<//></div></form><//>`;
  });
