export default {
  name: "Name",
  subdomain: "Subdomain",
  subdomain_help: "Leer: folgt aus dem Namen.",
  plan: "Tarif",
  address: "Adresse",
  state: "Zustand",
  health: "Gesundheit",
  port: "Port",
  created: "Angelegt",
  none: "Noch keine Mandanten",
  none_help: "Ein Mandant ist das Programm eines Kunden mit eigener Adresse. Er entsteht, wenn jemand zahlt, oder durch Sie.",
};
