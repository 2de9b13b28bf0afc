// The button that changes the theme: the system's, light, dark. theme.js applies the choice before a page is drawn.
const icons = new URL("icons.svg", import.meta.url);
const themes = ["", "light", "dark"];
const names = { "": "the system's", light: "light", dark: "dark" };

/** Returns the chosen theme, "" for the system's. */
export const theme = () => document.documentElement.dataset.theme ?? "";

/** Makes a button change the theme, and returns the function that does it. changed gets each theme, also the first. */
export function themeButton(button, changed) {
  const show = () => {
    button.querySelector("use").setAttribute("href", `${icons}#${theme() || "auto"}`);
    button.setAttribute("aria-label", `Theme: ${names[theme()]}`);
    button.title = `Theme: ${names[theme()]} (t)`;
    changed?.(theme());
  };
  const next = () => {
    const chosen = themes[(themes.indexOf(theme()) + 1) % themes.length];
    if (chosen) document.documentElement.dataset.theme = chosen;
    else delete document.documentElement.dataset.theme;
    try {
      localStorage.setItem("devserver-theme", chosen);
    } catch {
      // Storage is off: the choice lasts until the tab is loaded again.
    }
    show();
  };
  button.addEventListener("click", next);
  show();
  return next;
}
