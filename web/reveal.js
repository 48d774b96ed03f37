// First credentials, shown once. The token is the part of the address behind the #, which no server and
// no log gets to see; only the button sends it, so that a program that follows links in mails uses nothing up.
const texts = {
  en: { title: "First credentials", words: "They are shown a single time. Have something to write them down ready.", show: "Show them now",
        done: "Please note these down now: they will not be shown again. Change the password after signing in.",
        gone: "This link was used before, or it is over. We are glad to send you a new one.", none: "This address is not complete. Please copy the whole link from the mail.",
        busy: "That did not work. Please try again in a minute." },
  es: { title: "Primeras credenciales", words: "Se muestran una sola vez. Tenga a mano dónde anotarlas.", show: "Mostrarlas ahora",
        done: "Le rogamos que las anote ahora: no se volverán a mostrar. Cambie la contraseña después de iniciar sesión.",
        gone: "Este enlace ya se ha utilizado o ha caducado. Con gusto le enviaremos otro.", none: "Esta dirección no está completa. Copie el enlace entero del correo.",
        busy: "No ha funcionado. Inténtelo de nuevo dentro de un minuto." },
  de: { title: "Erste Zugangsdaten", words: "Sie werden ein einziges Mal angezeigt. Bitte halten Sie etwas zum Notieren bereit.", show: "Jetzt anzeigen",
        done: "Bitte notieren Sie sie jetzt: Sie werden nicht noch einmal angezeigt. Ändern Sie das Passwort nach der Anmeldung.",
        gone: "Dieser Link wurde schon benutzt oder ist abgelaufen. Gerne senden wir Ihnen einen neuen.", none: "Diese Adresse ist nicht vollständig. Bitte kopieren Sie den ganzen Link aus der Mail.",
        busy: "Das hat nicht geklappt. Bitte versuchen Sie es in einer Minute noch einmal." },
};
const $ = (id) => document.getElementById(id);
const language = (navigator.languages || [navigator.language]).map((l) => l.slice(0, 2)).find((l) => texts[l]) || "en";
const say = texts[language];
const token = location.hash.slice(1);

function trouble(text) {
  $("trouble").textContent = text;
  $("trouble").hidden = false;
}

document.documentElement.lang = language;
document.title = $("title").textContent = say.title;
$("words").textContent = say.words;
$("show").textContent = say.show;
if (!token) {
  $("ask").hidden = true;
  trouble(say.none);
}

$("ask").addEventListener("submit", async (event) => {
  event.preventDefault();
  $("show").disabled = true;
  try {
    const answer = await fetch("api/reveal", { method: "POST", headers: { "Content-Type": "application/json", Accept: "application/json" },
                                               body: JSON.stringify({ token }), credentials: "omit", referrerPolicy: "no-referrer" });
    if (answer.status === 404 || answer.status === 422) {
      $("ask").hidden = true;
      return trouble(say.gone);
    }
    if (!answer.ok) throw new Error(answer.statusText);
    const said = await answer.json();
    history.replaceState(null, "", location.pathname);
    $("ask").hidden = $("trouble").hidden = true;
    $("words").textContent = say.done;
    $("tenant").textContent = said.tenant;
    $("address").textContent = said.address;
    if (/^https?:/.test(said.address)) $("address").href = said.address;
    for (const [name, value] of Object.entries(said.credentials)) {
      const dt = document.createElement("dt"), dd = document.createElement("dd"), code = document.createElement("code");
      dt.textContent = name;
      code.textContent = value;
      dd.append(code);
      $("list").append(dt, dd);
    }
    $("shown").hidden = false;
  } catch {
    $("show").disabled = false;
    trouble(say.busy);
  }
});
