// Before anything is painted: the theme and the language that were chosen, so that nothing flashes.
(() => {
  const chosen = localStorage.getItem("sett.theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  const lang = localStorage.getItem("sett.lang");
  if (lang) document.documentElement.lang = lang;
})();
