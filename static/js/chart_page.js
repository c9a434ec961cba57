/** The chart page: symbol box, indicator picker (kept in the address), live marks, and the trace behind a mark. */

import { chartOf } from "./chart.js";
import { openDialog } from "./dialog.js";
import { make } from "./dom.js";
import { matches } from "./live.js";

/**
 * @typedef {{name: string, default: number, min: number, max: number, whole: boolean}} Parameter
 * @typedef {{name: string, title: string, parameters: Parameter[]}} Indicator
 */

const MARKS_WAIT_MS = 500;
const root = /** @type {HTMLElement} */ (document.getElementById("chart"));
const chart = chartOf(root);
/** @type {Indicator[]} */
const catalogue = JSON.parse(document.getElementById("indicator-catalogue")?.textContent ?? "[]");
let chosen = (root.dataset["indicators"] ?? "").split(",").filter(Boolean);

/** @param {string} request such as sma:20 */
function title(request) {
  const [name = "", ...values] = request.split(":");
  return [name.toUpperCase(), ...values].join(" ");
}

function showChosen() {
  const list = document.querySelector("[data-indicator-list]");
  list?.replaceChildren(
    ...chosen.map((request) => {
      const button = make("button", { type: "button", class: "chip-remove", "aria-label": `Remove ${title(request)}`, "data-remove": request }, "×");
      return make("li", { class: "chip chip-quiet indicator-chip" }, title(request), button);
    }),
  );
}

/** @param {Record<string, string>} change */
function keepInAddress(change) {
  const address = new URL(location.href);
  for (const [name, value] of Object.entries(change)) address.searchParams.set(name, value);
  history.replaceState(null, "", address);
  const kept = document.querySelector("[data-symbol-form] [name=indicators]");
  if (kept instanceof HTMLInputElement && "indicators" in change) kept.value = change["indicators"] ?? "";
}

/** @param {string[]} requests */
function setIndicators(requests) {
  chosen = requests;
  const text = chosen.join(",");
  keepInAddress({ indicators: text, symbol: root.dataset["symbol"] ?? "" });
  showChosen();
  void chart?.setView({ indicators: text }, { keepsPlace: true });
}

/** @returns {Indicator | undefined} */
function picked() {
  const select = document.querySelector("[data-indicator-name]");
  return select instanceof HTMLSelectElement ? catalogue.find((each) => each.name === select.value) : undefined;
}

function showParameters() {
  const place = document.querySelector("[data-indicator-parameters]");
  place?.replaceChildren(
    ...(picked()?.parameters ?? []).map(({ name, default: value, min, max, whole }) => {
      const id = `indicator-${name}`;
      const input = make("input", { class: "form-control", id, name, type: "number", value: String(value), min: String(min), max: String(max), step: whole ? "1" : "any", required: "" });
      return make("div", { class: "form-field" }, make("label", { class: "form-label", for: id }, name[0]?.toUpperCase() + name.slice(1)), input);
    }),
  );
}

function startPicker() {
  const select = document.querySelector("[data-indicator-name]");
  const form = document.querySelector("[data-indicator-form]");
  if (!(select instanceof HTMLSelectElement) || !(form instanceof HTMLFormElement)) return;
  select.append(...catalogue.map(({ name, title: words }) => make("option", { value: name }, words)));
  select.addEventListener("change", showParameters);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const indicator = picked();
    if (!indicator) return;
    const values = indicator.parameters.map(({ name }) => String(new FormData(form).get(name) ?? ""));
    const request = [indicator.name, ...values].join(":");
    form.closest("details")?.removeAttribute("open");
    if (!chosen.includes(request)) setIndicators([...chosen, request]);
  });
  document.querySelector("[data-indicator-list]")?.addEventListener("click", (event) => {
    const removed = event.target instanceof HTMLElement ? event.target.dataset["remove"] : undefined;
    if (removed) setIndicators(chosen.filter((each) => each !== removed));
  });
  showParameters();
}

/** @param {Event} event */
function openMark(event) {
  const url = event instanceof CustomEvent ? event.detail?.url : undefined;
  if (!url || !window.htmx) return;
  void window.htmx.ajax("GET", url, { target: "#mark-content", swap: "innerHTML" }).then(() => openDialog("mark-dialog"));
}

/** @type {number | undefined} */
let waiting;
/** @param {Event} event */
function heard(event) {
  const type = event instanceof CustomEvent ? String(event.detail?.type ?? "") : "";
  if (!matches("order.* fill.* signal.* position.* account.reset", type) || waiting) return;
  waiting = window.setTimeout(() => {
    waiting = undefined;
    void chart?.loadMarks();
  }, MARKS_WAIT_MS);
}

/** @param {Event} event */
function timeframeChosen(event) {
  const timeframe = event instanceof CustomEvent ? String(event.detail) : "";
  keepInAddress({ timeframe, symbol: root.dataset["symbol"] ?? "" });
  const marks = new URL(root.dataset["marksUrl"] ?? "", location.href);
  marks.searchParams.set("timeframe", timeframe);
  root.dataset["marksUrl"] = `${marks.pathname}${marks.search}`;
  const replay = document.getElementById("replay");
  const address = new URL(replay?.getAttribute("hx-get") ?? "", location.href);
  address.searchParams.set("timeframe", timeframe);
  replay?.setAttribute("hx-get", `${address.pathname}${address.search}`);
}

showChosen();
startPicker();
root.addEventListener("chart:mark", openMark);
root.addEventListener("chart:timeframe", timeframeChosen);
document.addEventListener("live:message", heard);
document.getElementById("symbol")?.addEventListener("change", (event) => {
  if (event.target instanceof HTMLInputElement && event.target.value) event.target.form?.requestSubmit();
});
// Starting or restarting a replay hides bars or brings them back: draw anew.
document.addEventListener("htmx:after:request", (event) => {
  const form = event.target instanceof Element ? event.target.closest("form[action*='/replays/']") : null;
  if (form && /\/(open|restart)\/$/.test(form.getAttribute("action") ?? "")) void chart?.load();
});
