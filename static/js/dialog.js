/** Native dialogs: `data-dialog="id"` opens, `data-dialog-close` or a click beside it closes. Menus close outside too. */

import { closest } from "./dom.js";

/**
 * Open a dialog of the page by its id.
 * @param {string} id
 * @returns {HTMLDialogElement | null}
 */
export function openDialog(id) {
  const dialog = document.getElementById(id);
  if (!(dialog instanceof HTMLDialogElement)) return null;
  if (!dialog.open) dialog.showModal();
  dialog.dispatchEvent(new CustomEvent("dialog:open"));
  return dialog;
}

/** @param {MouseEvent} event */
function clicked(event) {
  const opener = closest(event, "[data-dialog]");
  if (opener) {
    closest(event, "dialog")?.dispatchEvent(new Event("cancel"));
    for (const open of document.querySelectorAll("dialog[open]")) if (open instanceof HTMLDialogElement) open.close();
    openDialog(opener.dataset["dialog"] ?? "");
  } else if (closest(event, "[data-dialog-close]") || event.target instanceof HTMLDialogElement) {
    const dialog = closest(event, "dialog");
    if (dialog instanceof HTMLDialogElement) dialog.close();
  }
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!(event.target instanceof Node && menu.contains(event.target)) || opener) menu.removeAttribute("open");
  }
}

/** @param {Event} event */
function finished(event) {
  const form = event.target instanceof Element ? event.target.closest("form[data-close-on-done]") : null;
  const detail = event instanceof CustomEvent ? event.detail : null;
  const dialog = form?.closest("dialog");
  if (dialog instanceof HTMLDialogElement && detail?.ctx?.response?.raw?.ok) dialog.close();
}

/** Start; called once by main.js. */
export function startDialogs() {
  document.addEventListener("click", clicked);
  document.addEventListener("htmx:after:request", finished);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.removeAttribute("open");
      menu.querySelector("summary")?.focus();
    }
  });
}
