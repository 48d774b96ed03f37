export default { title: "Sign in", username: "User", password: "Password" };
