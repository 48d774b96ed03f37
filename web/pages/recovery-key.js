// A recovery key, made on the box and shown once: for the first run and for whoever wants one more.
import { html, useEffect, useState } from "../base/h.js";
import { get, send } from "../base/api.js";
import { needTexts, t } from "../base/lang.js";
import { Button, Copy, Loading, Trouble } from "../base/ui.js";
import { Dialog, show } from "../base/dialog.js";
import { Field } from "../base/form.js";
import { useTry } from "../base/second.js";

await needTexts("setup");

const groupsOf = (secret) => secret.slice(secret.indexOf("1") + 1).match(/.{1,6}/g);
const kitText = (secret, kit) =>
  [
    t("setup.kit_title", { box: kit.box_id }),
    "",
    secret.slice(0, secret.indexOf("1") + 1) + " " + groupsOf(secret).join(" "),
    "",
    `signer ${kit.signer || ""}`,
    ...(kit.former_signers || []).map((s) => `signer ${s}`),
    "",
    kit.how,
  ].join("\n");
const save = (text) => {
  const a = Object.assign(document.createElement("a"), {
    href: URL.createObjectURL(new Blob([text], { type: "text/plain" })),
    download: "sett-recovery-kit.txt",
  });
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 1000);
};

/** A recovery key: made on the box, shown here and nowhere else, two groups of it asked back, and only then its public half added. */
export const recoveryKey = (name, again) =>
  show(({ close }) => {
    const [made, setMade] = useState(null),
      [ask, setAsk] = useState(null),
      [typed, setTyped] = useState(["", ""]),
      [run, problem, busy] = useTry(),
      [wrong, setWrong] = useState(false);
    useEffect(() => {
      run(async () => {
        const [secret, kit] = await Promise.all([
          send("POST", "/api/recovery/generate", {}),
          get("/api/recovery/kit"),
        ]);
        setMade({ ...secret, kit });
      });
    }, []);
    const groups = made ? groupsOf(made.secret) : [];
    const quiz = () => {
      const all = groups.map((g, i) => i).filter((i) => groups[i].length === 6),
        pick = () => all.splice(crypto.getRandomValues(new Uint32Array(1))[0] % all.length, 1)[0];
      setAsk([pick(), pick()].sort((a, b) => a - b));
    };
    const prove = (e) => {
      e.preventDefault();
      const right = ask.every((g, i) => typed[i].trim().toUpperCase() === groups[g]);
      setWrong(!right);
      if (right)
        run(async () => {
          await send("POST", "/api/recovery/keys", { name, key: made.key });
          await send("POST", "/api/recovery/prove", { recovery: made.secret });
          close();
          again();
        });
    };
    return html`<${Dialog} title=${t("setup.recovery")} close=${close} kind="wide">${
      !made
        ? problem
          ? html`<${Trouble} of=${problem}/>`
          : html`<${Loading}/>`
        : ask
          ? html`<form class="stack" onSubmit=${prove}><p>${t("setup.quiz")}</p>
      ${ask.map((g, i) => html`<${Field} key=${g} of=${{ name: "group" + i, label: t("setup.group", { n: g + 1 }), required: true, maxlength: 6, autofocus: i === 0 }} value=${typed[i]} change=${(v) => setTyped((o) => o.map((x, k) => (k === i ? v : x)))}/>`)}
      ${wrong && html`<p class="bad" role="alert">${t("setup.quiz_wrong")}</p>`}<${Trouble} of=${problem}/>
      <div class="acts end"><${Button} onClick=${() => setAsk(null)}>${t("setup.show_again")}<//><${Button} type="submit" kind="primary" busy=${busy}>${t("setup.quiz_done")}<//></div></form>`
          : html`<p>${t("setup.recovery_text")}</p><p class="note warn">${t("base.shown_once")}</p>
      <div class="row" data-once><img class="qr" src=${"data:image/svg+xml," + encodeURIComponent(made.qr)} alt=${t("setup.qr")} width="170" height="170"/>
        <p class="grow"><code>${made.secret.slice(0, made.secret.indexOf("1") + 1)}</code><br/>${groups.map((g) => html`<code>${g}</code> `)} <${Copy} text=${made.secret}/></p></div>
      <div class="acts end"><${Button} icon="download" onClick=${() => save(kitText(made.secret, made.kit))}>${t("setup.download")}<//><${Button} kind="primary" onClick=${quiz}>${t("base.have_it")}<//></div>`
    }<//>`;
  });
