/**
 * Colour theme: system, light or dark, remembered in this browser. A classic script in the head, so that no page is
 * painted in the wrong colours first. Buttons with `data-theme-next` step through the three.
 */
(() => {
  const KEY = "theme";
  const NAMES = { system: "System theme", light: "Light theme", dark: "Dark theme" };
  const dark = matchMedia("(prefers-color-scheme: dark)");

  /** @returns {"system" | "light" | "dark"} */
  function chosen() {
    try {
      const stored = localStorage.getItem(KEY);
      return stored === "light" || stored === "dark" ? stored : "system";
    } catch {
      return "system"; // storage is switched off: follow the system
    }
  }

  function apply() {
    const choice = chosen();
    document.documentElement.dataset["bsTheme"] = choice === "system" ? (dark.matches ? "dark" : "light") : choice;
    for (const name of document.querySelectorAll("[data-theme-name]")) name.textContent = NAMES[choice];
    document.dispatchEvent(new CustomEvent("theme:change"));
  }

  function next() {
    const order = /** @type {const} */ (["system", "light", "dark"]);
    const following = order[(order.indexOf(chosen()) + 1) % order.length] ?? "system";
    try {
      localStorage.setItem(KEY, following);
    } catch {
      return; // nothing to remember it in
    }
    apply();
  }

  apply();
  dark.addEventListener("change", apply);
  addEventListener("storage", (event) => event.key === KEY && apply());
  document.addEventListener("DOMContentLoaded", apply);
  document.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest("[data-theme-next]")) next();
  });
})();
