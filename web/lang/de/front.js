export default {
  portal: "Meine Dienste",
  help: "Hilfe",
  write: "Schreiben Sie uns",
  imprint: "Impressum",
  privacy: "Datenschutz",
  terms: "AGB",
  invoices: "Rechnungen und Zahlung",
  no_billing: "Für dieses Konto gibt es keine Rechnungen.",
};
