export default {
  portal: "Mis servicios",
  help: "Ayuda",
  write: "Escríbanos",
  imprint: "Aviso legal",
  privacy: "Privacidad",
  terms: "Condiciones",
};
