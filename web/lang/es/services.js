export default {
  none: "Aquí todavía no hay nada",
  none_help: "Lo que pida aparecerá aquí en cuanto esté pagado.",
  order: "Ver los planes",
};
