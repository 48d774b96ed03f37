// The second factor and the fresh password, wherever they are asked for: signing in, an act that needs the
// password again, one's own account. For the admin and the portal alike.
import { html, useEffect, useRef, useState } from "./h.js";
import { get, me, send, whoami } from "./api.js";
import { needTexts, t } from "./lang.js";
import { Dialog, show } from "./dialog.js";
import { Field } from "./form.js";
import { possible, refusal, usePasskey } from "./passkeys.js";
import { Button, Code, Icon, Trouble } from "./ui.js";

await needTexts("second");

/** useTry(): [run, problem, busy, clear]: run(async () => …) keeps what is refused. */
export function useTry() {
  const [problem, setProblem] = useState(null),
    [busy, setBusy] = useState(false);
  const run = async (what) => {
    setBusy(true);
    setProblem(null);
    try {
      await what();
    } catch (p) {
      setProblem(p);
    }
    setBusy(false);
  };
  return [run, problem, busy, () => setProblem(null)];
}

/** The field of a code: six digits of the app, or, by a button, a recovery code. Managers and phones may fill it in. */
function CodeField({ value, change, problem, recovery, setRecovery, autofocus }) {
  const of = recovery
    ? {
        name: "code",
        label: t("second.recovery_code"),
        autocomplete: "off",
        placeholder: "xxxx-xxxx-xxxx-xxxx",
        maxlength: 40,
      }
    : {
        name: "code",
        label: t("second.code"),
        autocomplete: "one-time-code",
        inputmode: "numeric",
        maxlength: 9,
        help: t("second.code_help"),
      };
  return html`<div class="stack tight"><${Field} key=${recovery} of=${{ ...of, required: true, autofocus }} value=${value} change=${change} problem=${problem}/>
    ${
      setRecovery &&
      html`<button type="button" class="link" onClick=${() => {
        change("");
        setRecovery(!recovery);
      }}>${t(recovery ? "second.use_app" : "second.use_recovery")}</button>`
    }</div>`;
}

/** The second step of signing in: `step` is the first one's answer. done() when the session is there, again(problem) when it is over. */
export function SecondStep({ step, done, again }) {
  const [code, setCode] = useState(""),
    [recovery, setRecovery] = useState(false);
  const [run, problem, busy, clear] = useTry(),
    form = useRef();
  useEffect(() => form.current.querySelector("input").focus(), [recovery]);
  const go = (e) => {
    e.preventDefault();
    run(async () => {
      try {
        await send("POST", "/api/auth/second", { step_token: step.step_token, code });
      } catch (p) {
        if (p.code === "step_over") return again(p);
        setCode("");
        form.current?.querySelector("input")?.focus();
        throw p;
      }
      await done();
    });
  };
  return html`<form class="card stack" onSubmit=${go} ref=${form}><h2>${t("second.title")}</h2>
    <${CodeField} value=${code} change=${(v) => {
      setCode(v);
      clear();
    }} recovery=${recovery} setRecovery=${setRecovery} autofocus
      problem=${problem?.code === "code_wrong" && t("second.wrong")}/>
    ${problem && problem.code !== "code_wrong" && html`<${Trouble} of=${problem}/>`}
    <${Button} type="submit" kind="primary" busy=${busy}>${t("second.go_on")}<//>
    <button type="button" class="link" onClick=${() => again(null)}>${t("second.other_name")}</button></form>`;
}

/** The password again, within the session: resolves to whether it was given. What an act needs that is refused for want of it. */
export const askFresh = () =>
  show(({ close }) => {
    const needsCode = me.value?.second_factor === "on";
    const [password, setPassword] = useState(""),
      [code, setCode] = useState(""),
      [recovery, setRecovery] = useState(false);
    const [run, problem, busy] = useTry();
    const go = (e) => {
      e.preventDefault();
      run(async () => {
        await send("POST", "/api/auth/confirm", needsCode ? { password, code } : { password });
        await whoami();
        close(true);
      });
    };
    const passkey = () =>
      run(async () => {
        try {
          await usePasskey("/api/auth/confirm/passkey");
        } catch (p) {
          if (refusal(p)) return;
          throw p;
        }
        await whoami();
        close(true);
      });
    const elsewhere = problem && !problem.of("password") && !problem.of("code");
    return html`<${Dialog} title=${t("second.fresh")} close=${() => close(false)}><form class="stack" onSubmit=${go}>
    <p>${t("second.fresh_help")}</p>
    <input type="text" class="unseen" autocomplete="username" value=${me.value?.user?.name} readonly tabindex="-1" aria-hidden="true"/>
    <${Field} of=${{ name: "password", label: t("second.password"), type: "password", required: true, autocomplete: "current-password", autofocus: true }} value=${password} change=${setPassword}
      problem=${problem?.of("password") && t("second.password_wrong")}/>
    ${needsCode && html`<${CodeField} value=${code} change=${setCode} recovery=${recovery} setRecovery=${setRecovery} problem=${problem?.of("code") && t("second.wrong")}/>`}
    ${elsewhere && html`<${Trouble} of=${problem}/>`}
    <div class="acts end">${me.value?.has_passkey && possible() && html`<${Button} icon="fingerprint" disabled=${busy} onClick=${passkey}>${t("second.passkey")}<//><span class="grow"></span>`}
      <${Button} onClick=${() => close(false)}>${t("base.cancel")}<//><${Button} type="submit" kind="primary" busy=${busy}>${t("second.go_on")}<//></div></form><//>`;
  });

/** Recovery codes, this once: to copy, to keep as a file, to print. done() when they are kept. */
export function Codes({ codes, done }) {
  const text = `${t("second.codes_of", { name: me.value?.user?.name || "", at: location.host })}\n\n${codes.join("\n")}\n`;
  const [file] = useState(() => URL.createObjectURL(new Blob([text], { type: "text/plain" })));
  const [copied, setCopied] = useState(false);
  const copy = () =>
    navigator.clipboard.writeText(codes.join("\n")).then(
      () => setCopied(true),
      () => {},
    );
  useEffect(() => () => URL.revokeObjectURL(file), []);
  return html`<div class="stack codes"><p class="note warn">${t("second.codes_help")}</p>
    <ol class="code-list">${codes.map((c) => html`<li><code>${c}</code></li>`)}</ol>
    <div class="acts"><${Button} icon=${copied ? "check" : "copy"} onClick=${copy}>${t("second.copy_all")}<//><span class="unseen" aria-live="polite">${copied && t("base.copied")}</span>
      <a class="button" href=${file} download="sett-recovery-codes.txt"><${Icon} name="download"/>${t("second.as_file")}</a>
      <${Button} icon="file-text" onClick=${() => print()}>${t("second.print")}<//></div>
    <div class="acts end"><${Button} kind="primary" onClick=${done}>${t("second.kept")}<//></div></div>`;
}

/** Entering an app: a picture to scan, a code of it, then the recovery codes. done() at the end; the session has new tokens by then. */
export function EnrolApp({ done, cancel }) {
  const [offer, setOffer] = useState(null),
    [codes, setCodes] = useState(null),
    [code, setCode] = useState("");
  const [run, problem, busy, clear] = useTry();
  const begin = () => run(async () => setOffer(await send("POST", "/api/users/me/second-factor")));
  useEffect(() => {
    begin();
  }, []);
  const confirm = (e) => {
    e.preventDefault();
    run(async () => {
      const answer = await send("POST", "/api/users/me/second-factor/confirm", { code });
      if (answer.csrf_token) me.value = { ...me.value, csrf_token: answer.csrf_token };
      setCodes(answer.codes);
    });
  };
  if (codes)
    return html`<${Codes} codes=${codes} done=${() =>
      run(async () => {
        await whoami();
        done();
      })}/>`;
  if (!offer) return html`<${Trouble} of=${problem} again=${begin}/>`;
  return html`<form class="stack" onSubmit=${confirm}><ol class="enrol">
      <li><p>${t("second.scan")}</p><img class="qr" src=${"data:image/svg+xml," + encodeURIComponent(offer.qr)} alt=${t("second.qr_alt")} width="200" height="200"/>
        <details><summary>${t("second.by_hand")}</summary><p>${t("second.by_hand_help")}</p><${Code} block>${offer.secret.replace(/(.{4})(?=.)/g, "$1 ")}<//></details></li>
      <li><${CodeField} value=${code} change=${(v) => {
        setCode(v);
        clear();
      }} problem=${problem?.of?.("code") && t("second.wrong")}/></li></ol>
    ${problem && !problem.of?.("code") && html`<${Trouble} of=${problem}/>`}
    <div class="acts end">${cancel && html`<${Button} onClick=${cancel}>${t("base.cancel")}<//>`}<${Button} type="submit" kind="primary" busy=${busy}>${t("second.confirm")}<//></div></form>`;
}

/** How the second factor of whoever is signed in stands. */
export const factor = () => get("/api/users/me/second-factor");
