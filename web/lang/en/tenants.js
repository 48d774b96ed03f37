export default {
  name: "Name",
  subdomain: "Subdomain",
  subdomain_help: "Left empty it follows from the name.",
  plan: "Plan",
  address: "Address",
  state: "State",
  health: "Health",
  port: "Port",
  created: "Created",
  none: "No tenants yet",
  none_help: "A tenant is one customer's program with an address of its own. It is made when somebody pays, or by you.",
};
