export default {
  portal: "Mis servicios",
  help: "Ayuda",
  write: "Escríbanos",
  imprint: "Aviso legal",
  privacy: "Privacidad",
  terms: "Condiciones",
  invoices: "Facturas y pago",
  no_billing: "Esta cuenta no tiene facturas.",
  fresh: "Otra vez por correo",
  fresh_help: "Para esto debe haber entrado hace un momento. Le enviamos un enlace nuevo; entre con él e inténtelo otra vez.",
  fresh_send: "Enviar el enlace",
  fresh_sent: "El enlace está en camino.",
};
