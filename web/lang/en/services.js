export default {
  none: "Nothing here yet",
  none_help: "What you order appears here as soon as it is paid.",
  order: "To the plans",
};
