/** Forms: the first error gets the focus, nothing typed is lost by accident, and nothing is sent twice. */

import { prepareEach } from "./dom.js";

const RESEND_MS = 8_000;

/** @param {HTMLFormElement} form */
function guardAgainstLoss(form) {
  let isChanged = false;
  /** @param {boolean} changed */
  const note = (changed) => form.toggleAttribute("data-changed", (isChanged = changed));
  form.addEventListener("input", () => note(true));
  form.addEventListener("submit", () => note(false));
  addEventListener("beforeunload", (event) => {
    if (isChanged && form.isConnected) event.preventDefault();
  });
}

/** @param {SubmitEvent} event */
function submitted(event) {
  const button = event.submitter;
  if (event.defaultPrevented || !(button instanceof HTMLButtonElement)) return;
  window.setTimeout(() => (button.disabled = true)); // after the browser has read the form
  window.setTimeout(() => (button.disabled = false), RESEND_MS);
}

/** Start; called once by main.js. */
export function startForms() {
  prepareEach("[data-form-summary]", (summary) => {
    const wrong = summary.closest("form")?.querySelector(".is-invalid") ?? document.querySelector(".is-invalid");
    (wrong instanceof HTMLElement ? wrong : summary).focus();
  });
  prepareEach("form[data-guard]", (form) => form instanceof HTMLFormElement && guardAgainstLoss(form));
  document.addEventListener("submit", submitted);
}
