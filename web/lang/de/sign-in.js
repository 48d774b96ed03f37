export default {
  title: "Anmelden",
  username: "Benutzer",
  password: "Passwort",
  forgotten: "Passwort vergessen?",
  passkey: "Mit Passkey anmelden",
  passkey_elsewhere: "Der Browser erlaubt an dieser Adresse keinen Passkey.",
  new_box: "Dieses System ist neu: Melden Sie sich als admin mit dem ersten Passwort an; es steht dort in der Datei admin-password.",
  over: "Das hat zu lange gedauert. Bitte beginnen Sie neu.",
  enrol: "Ein zweiter Faktor ist nötig",
  enrol_help: "Mit der Rolle {role} melden Sie sich hier außer mit dem Passwort mit einer Authenticator-App an. Bitte richten Sie sie jetzt ein; danach öffnet sich alles Weitere.",
};
