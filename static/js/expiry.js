/**
 * What ends by the clock: at `data-ends` (a time) the page is loaded again, so that what holds now is shown. Where
 * something was typed meanwhile nothing is lost: the element says by `data-ended` what has happened instead.
 */

import { prepareEach } from "./dom.js";

const AFTER_MS = 500; // the server's clock may be behind
const LONGEST_MS = 2_147_000_000; // a timer can not wait longer

/** @param {HTMLElement} element */
function waitForEnd(element) {
  const left = Date.parse(element.dataset["ends"] ?? "") - Date.now() + AFTER_MS;
  if (Number.isNaN(left) || left > LONGEST_MS) return;
  window.setTimeout(() => element.isConnected && end(element), Math.max(left, AFTER_MS));
}

/** @param {HTMLElement} element */
function end(element) {
  if (!document.querySelector("form[data-changed], #preview")) {
    location.replace(location.pathname + location.search);
    return;
  }
  for (const control of element.querySelectorAll("button")) control.remove();
  const place = element.querySelector("p") ?? element;
  place.textContent = element.dataset["ended"] ?? "";
}

/** Start; called once by main.js. */
export function startExpiries() {
  prepareEach("[data-ends]", waitForEnd);
}
