/** Keyboard: `/` searches, `g` and a letter goes to a page, `?` lists the keys. Keys typed into a field stay text. */

import { openDialog } from "./dialog.js";
import { isTyping } from "./dom.js";

const GO_MS = 1_500;
let goUntil = 0;

/** @param {KeyboardEvent} event */
function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  if (document.querySelector("dialog[open]")) return;
  if (Date.now() < goUntil) {
    goUntil = 0;
    const link = document.querySelector(`a[data-key="${CSS.escape(event.key)}"]`);
    if (link instanceof HTMLAnchorElement) location.assign(link.href);
  } else if (event.key === "g") {
    goUntil = Date.now() + GO_MS;
  } else if (event.key === "/") {
    if (openDialog("search-dialog")) event.preventDefault();
  } else if (event.key === "?") {
    openDialog("keys-dialog");
  }
}

/** Start; called once by main.js. */
export function startKeys() {
  document.addEventListener("keydown", pressed);
}
