export default {
  portal: "My services",
  help: "Help",
  write: "Write to us",
  imprint: "Imprint",
  privacy: "Privacy",
  terms: "Terms",
  invoices: "Invoices and payment",
  no_billing: "There are no invoices for this account.",
  fresh: "Once more by mail",
  fresh_help: "For this you have to have signed in just now. We send you a new link; come back by it and try again.",
  fresh_send: "Send the link",
  fresh_sent: "The link is on its way.",
};
