export default {
  portal: "Meine Dienste",
  help: "Hilfe",
  write: "Schreiben Sie uns",
  imprint: "Impressum",
  privacy: "Datenschutz",
  terms: "AGB",
  invoices: "Rechnungen und Zahlung",
  no_billing: "Für dieses Konto gibt es keine Rechnungen.",
  fresh: "Noch einmal per E-Mail",
  fresh_help: "Dafür müssen Sie sich gerade erst angemeldet haben. Wir senden Ihnen einen neuen Link; kommen Sie damit zurück und versuchen Sie es noch einmal.",
  fresh_send: "Link senden",
  fresh_sent: "Der Link ist unterwegs.",
};
