/** Ages that keep counting: `<time data-age datetime="…">`; grey after `data-stale-after` seconds. */

import { onContent } from "./dom.js";

/** @type {readonly (readonly [number, string])[]} */
const UNITS = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "min"],
  [1, "s"],
];

/**
 * Say an age in one unit, as `core.templatetags.formatting.age_text` does.
 * @param {number} seconds
 * @returns {string}
 */
export function ageText(seconds) {
  for (const [size, unit] of UNITS) if (seconds >= size) return `${Math.floor(seconds / size)} ${unit}`;
  return "now";
}

/**
 * Show a moment in the user's zone.
 * @param {number} seconds unix time
 * @param {"date" | "datetime"} shape
 * @param {string} [zone] an IANA name; the page's user zone when left out
 * @returns {string}
 */
export function localTime(seconds, shape, zone = document.body.dataset["userZone"] ?? "UTC") {
  /** @type {Intl.DateTimeFormatOptions} */
  const options = { day: "2-digit", month: "short", year: "numeric", timeZone: zone };
  if (shape === "datetime") Object.assign(options, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  return new Intl.DateTimeFormat("en-GB", options).format(seconds * 1000);
}

function count() {
  const now = Date.now();
  for (const element of document.querySelectorAll("time[data-age]")) {
    const seconds = (now - Date.parse(element.getAttribute("datetime") ?? "")) / 1000;
    if (Number.isNaN(seconds)) continue;
    const text = ageText(seconds);
    const shown = text === "now" ? text : `${text} ago`;
    if (element.textContent !== shown) element.textContent = shown;
    const limit = Number(element.getAttribute("data-stale-after"));
    const isStale = limit > 0 && seconds > limit;
    element.classList.toggle("is-stale", isStale);
    element.closest(".feed, .stat")?.classList.toggle("is-stale", isStale);
  }
}

/** Start counting; called once by main.js. */
export function startTime() {
  onContent(count);
  window.setInterval(() => document.hidden || count(), 1000);
}
