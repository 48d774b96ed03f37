export default {
  portal: "My services",
  help: "Help",
  write: "Write to us",
  imprint: "Imprint",
  privacy: "Privacy",
  terms: "Terms",
};
