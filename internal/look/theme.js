// Runs before the page is drawn, so that a chosen theme does not flash. themes.js changes the choice.
try {
  const theme = localStorage.getItem("devserver-theme");
  if (theme) document.documentElement.dataset.theme = theme;
} catch {
  // Storage is off: the theme is the system's.
}
