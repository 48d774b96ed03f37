export default {
  free: "{url} está libre",
  "not.taken": "Este nombre está ocupado.",
  "not.reserved": "Este nombre está reservado.",
  "not.empty": "Hace falta un nombre.",
  "not.too_long": "30 caracteres como máximo.",
  "not.first_letter": "Debe empezar con una letra de la a a la z.",
  "not.punycode": "No debe empezar con xn--.",
  "not.last_hyphen": "No debe terminar con un guion.",
  "not.two_hyphens": "Sin dos guiones seguidos.",
  "not.characters": "Solo de la a a la z, del 0 al 9 y guiones sueltos.",
};
