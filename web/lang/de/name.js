export default {
  free: "{url} ist frei",
  "not.taken": "Dieser Name ist vergeben.",
  "not.reserved": "Dieser Name ist reserviert.",
  "not.empty": "Ein Name wird gebraucht.",
  "not.too_long": "Höchstens 30 Zeichen.",
  "not.first_letter": "Er muss mit einem Buchstaben von a bis z beginnen.",
  "not.punycode": "Er darf nicht mit xn-- beginnen.",
  "not.last_hyphen": "Er darf nicht mit einem Bindestrich enden.",
  "not.two_hyphens": "Keine zwei Bindestriche hintereinander.",
  "not.characters": "Nur a bis z, 0 bis 9 und einzelne Bindestriche.",
};
