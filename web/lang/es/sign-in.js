export default {
  title: "Iniciar sesión",
  username: "Usuario",
  password: "Contraseña",
  forgotten: "¿Ha olvidado la contraseña?",
  passkey: "Iniciar sesión con una llave de acceso",
  passkey_elsewhere: "El navegador no permite llaves de acceso en esta dirección.",
  new_box: "Este equipo es nuevo: inicie sesión como admin con la primera contraseña, que está en el archivo admin-password.",
  over: "Ha pasado demasiado tiempo. Empiece de nuevo, por favor.",
  enrol: "Se necesita un segundo factor",
  enrol_help: "Quien tiene la función {role} inicia sesión con una aplicación de autenticación además de la contraseña. Configúrela ahora, por favor; después se abrirá todo lo demás.",
};
