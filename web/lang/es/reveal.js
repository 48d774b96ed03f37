export default {
  title: "Primeras credenciales",
  lead: "Se muestran una sola vez. Tenga a mano dónde anotarlas.",
  show: "Mostrarlas ahora",
  done: "Le rogamos que las anote ahora: no se volverán a mostrar. Cambie la contraseña después de entrar.",
  gone: "Este enlace ya se ha utilizado o ha caducado. Con gusto le enviaremos otro.",
  incomplete: "Esta dirección no está completa. Copie el enlace entero del correo.",
};
