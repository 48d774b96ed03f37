export default {
  portal: "Mis servicios",
  help: "Ayuda",
  write: "Escríbanos",
  imprint: "Aviso legal",
  privacy: "Privacidad",
  terms: "Condiciones",
  invoices: "Facturas y pago",
  no_billing: "Esta cuenta no tiene facturas.",
};
