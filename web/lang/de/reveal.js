export default {
  title: "Erste Zugangsdaten",
  lead: "Sie werden ein einziges Mal angezeigt. Bitte halten Sie etwas zum Notieren bereit.",
  show: "Jetzt anzeigen",
  done: "Bitte notieren Sie sie jetzt: Sie werden nicht noch einmal angezeigt. Ändern Sie das Passwort nach der Anmeldung.",
  gone: "Dieser Link wurde schon benutzt oder ist abgelaufen. Gerne senden wir Ihnen einen neuen.",
  incomplete: "Diese Adresse ist nicht vollständig. Bitte kopieren Sie den ganzen Link aus der Mail.",
};
