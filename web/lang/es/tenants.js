export default {
  name: "Nombre",
  subdomain: "Subdominio",
  subdomain_help: "Vacío, se deriva del nombre.",
  plan: "Plan",
  address: "Dirección",
  state: "Estado",
  health: "Salud",
  port: "Puerto",
  created: "Creado",
  none: "Aún no hay inquilinos",
  none_help: "Un inquilino es el programa de un cliente con su propia dirección. Se crea cuando alguien paga, o lo crea usted.",
};
