export default { title: "Iniciar sesión", username: "Usuario", password: "Contraseña" };
