export default { title: "Anmelden", username: "Benutzer", password: "Passwort" };
