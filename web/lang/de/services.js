export default {
  none: "Hier ist noch nichts",
  none_help: "Was Sie bestellen, erscheint hier, sobald es bezahlt ist.",
  order: "Zu den Tarifen",
};
