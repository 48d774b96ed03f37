export default {
  title: "Sign in",
  username: "User",
  password: "Password",
  forgotten: "Password forgotten?",
  passkey: "Sign in with a passkey",
  passkey_elsewhere: "The browser allows no passkey at this address.",
  new_box: "This box is new: sign in as admin with the first password, which stands in the file admin-password on it.",
  over: "That took too long. Please begin anew.",
  enrol: "A second factor is needed",
  enrol_help: "Whoever is {role} here signs in with an authenticator app besides the password. Please set it up now; everything else opens afterwards.",
};
