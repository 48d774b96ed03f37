export default {
  portal: "My services",
  help: "Help",
  write: "Write to us",
  imprint: "Imprint",
  privacy: "Privacy",
  terms: "Terms",
  invoices: "Invoices and payment",
  no_billing: "There are no invoices for this account.",
};
