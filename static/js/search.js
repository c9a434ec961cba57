/** The search dialog: filters the pages as one types, takes found things from the server, moves with the arrow keys. */

/** @type {HTMLInputElement | null} */
let input = null;

/** @returns {HTMLAnchorElement[]} */
function shown() {
  const all = document.querySelectorAll("#search-results a:not([hidden])");
  return [...all].filter((link) => link instanceof HTMLAnchorElement);
}

/** @param {number} index */
function select(index) {
  const links = shown();
  const chosen = links.length ? links[(index + links.length) % links.length] : undefined;
  for (const link of links) link.setAttribute("aria-selected", String(link === chosen));
  chosen?.scrollIntoView({ block: "nearest" });
  if (chosen?.id) input?.setAttribute("aria-activedescendant", chosen.id);
}

function filter() {
  const words = input?.value.trim().toLowerCase() ?? "";
  for (const link of document.querySelectorAll("#search-results a[data-search-text]")) {
    link.toggleAttribute("hidden", !link.getAttribute("data-search-text")?.includes(words));
  }
  const none = document.getElementById("search-none");
  if (none) none.hidden = shown().length > 0;
  select(0);
}

/** @param {KeyboardEvent} event */
function pressed(event) {
  const links = shown();
  const at = links.findIndex((link) => link.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown") select(at + 1);
  else if (event.key === "ArrowUp") select(at - 1);
  else if (event.key === "Enter") links[Math.max(0, at)]?.click();
  else return;
  event.preventDefault();
}

/** Start; called once by main.js. */
export function startSearch() {
  const dialog = document.getElementById("search-dialog");
  const found = document.getElementById("search-input");
  if (!dialog || !(found instanceof HTMLInputElement)) return;
  input = found;
  input.addEventListener("input", filter);
  input.addEventListener("keydown", pressed);
  dialog.addEventListener("dialog:open", () => {
    found.select();
    filter();
  });
  document.addEventListener("htmx:after:swap", () => dialog.hasAttribute("open") && filter());
}
