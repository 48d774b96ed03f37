export default {
  portal: "Meine Dienste",
  help: "Hilfe",
  write: "Schreiben Sie uns",
  imprint: "Impressum",
  privacy: "Datenschutz",
  terms: "AGB",
};
