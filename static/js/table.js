/**
 * Tables made by `{% table %}`: sort by a click on `<th data-sort="number|text|time">`, filter as one types, export CSV.
 * A cell's exact value is its `data-value`, else its text. Sort and filter survive a live refresh.
 */

import { closest, make, onContent } from "./dom.js";

/**
 * @typedef {object} TableState
 * @property {number} column
 * @property {"ascending" | "descending" | null} order
 * @property {string} filter
 */

/** @type {Map<string, TableState>} */
const states = new Map();
const PLAIN_NUMBER = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/;

/**
 * Write one cell of a CSV file. Text that a spreadsheet would run as a formula gets an apostrophe; negative numbers stay.
 * @param {string} text
 * @returns {string}
 */
export function csvCell(text) {
  const value = text.replaceAll("−", "-");
  const isFormula = /^[=+\-@\t\r\n]/.test(value) && !PLAIN_NUMBER.test(value);
  const safe = isFormula ? `'${value}` : value;
  return /[",\r\n;]/.test(safe) || safe !== safe.trim() ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/**
 * Compare two cell values; what is missing comes last in either order.
 * @param {string} left
 * @param {string} right
 * @param {string} kind number, time or text
 * @param {"ascending" | "descending"} order
 * @returns {number}
 */
export function compareCells(left, right, kind, order) {
  const isMissing = (/** @type {string} */ value) => value === "" || value === "–";
  if (isMissing(left) || isMissing(right)) return Number(isMissing(left)) - Number(isMissing(right));
  const direction = order === "ascending" ? 1 : -1;
  if (kind === "text") return direction * left.localeCompare(right, undefined, { numeric: true });
  return direction * (toNumber(left) - toNumber(right));
}

/** @param {string} text */
function toNumber(text) {
  return Number(text.replaceAll("−", "-").replace(/[^0-9.eE-]/g, ""));
}

/** @param {Element | undefined} cell */
function valueOf(cell) {
  const exact = cell?.querySelector("[data-value]")?.getAttribute("data-value");
  return cell?.getAttribute("data-value") ?? exact ?? cell?.textContent?.trim() ?? "";
}

/** @param {Element | undefined} cell */
function writtenIn(cell) {
  const moment = cell?.querySelector("time[datetime]")?.getAttribute("datetime");
  return cell?.getAttribute("data-value") ?? moment ?? cell?.textContent?.trim().replace(/\s+/g, " ") ?? "";
}

/** @param {HTMLElement} block */
function stateOf(block) {
  const state = states.get(block.id) ?? { column: -1, order: null, filter: "" };
  states.set(block.id, state);
  return state;
}

/** @param {HTMLElement} block */
function show(block) {
  const body = block.querySelector("tbody");
  if (!body) return;
  const state = stateOf(block);
  const heads = [...block.querySelectorAll("thead th")];
  const kind = heads[state.column]?.getAttribute("data-sort") ?? "text";
  const rows = [...body.rows];
  const { order } = state;
  if (order !== null) {
    const sorted = rows.toSorted((a, b) => compareCells(valueOf(a.cells[state.column]), valueOf(b.cells[state.column]), kind, order));
    if (sorted.some((row, index) => row !== rows[index])) body.append(...sorted);
  }
  heads.forEach((head, index) => {
    if (index === state.column && order !== null) head.setAttribute("aria-sort", order);
    else head.removeAttribute("aria-sort");
  });
  const words = state.filter.toLowerCase().split(/\s+/).filter(Boolean);
  let n_shown = 0;
  for (const row of rows) {
    const text = row.textContent?.toLowerCase() ?? "";
    row.hidden = !words.every((word) => text.includes(word));
    if (!row.hidden) n_shown += 1;
  }
  const count = block.querySelector("[data-table-count]");
  if (count) count.textContent = words.length ? `${n_shown} of ${rows.length} rows` : `${rows.length} row${rows.length === 1 ? "" : "s"}`;
}

/** @param {HTMLElement} block */
function prepare(block) {
  for (const head of block.querySelectorAll("th[data-sort]")) {
    if (head.querySelector(".sort-button")) continue;
    const button = make("button", { type: "button", class: "sort-button" });
    button.append(...head.childNodes);
    head.append(button);
  }
  const box = block.querySelector("[data-table-filter]");
  if (box instanceof HTMLInputElement && box !== document.activeElement) box.value = stateOf(block).filter;
  show(block);
}

/** @param {HTMLElement} block */
function download(block) {
  const head = [...block.querySelectorAll("thead th")];
  const kept = head.map((cell, index) => ({ cell, index })).filter(({ cell }) => !cell.hasAttribute("data-no-csv"));
  const rows = [...(block.querySelector("tbody")?.rows ?? [])].filter((row) => !row.hidden);
  const lines = [kept.map(({ cell }) => csvCell(cell.textContent?.trim() ?? "")).join(",")];
  for (const row of rows) lines.push(kept.map(({ index }) => csvCell(writtenIn(row.cells[index]))).join(","));
  const address = URL.createObjectURL(new Blob(["\ufeff", lines.join("\r\n"), "\r\n"], { type: "text/csv;charset=utf-8" }));
  const link = make("a", { href: address, download: block.dataset["csv"] ?? "table.csv" });
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** @param {Event} event */
function clicked(event) {
  const block = closest(event, "[data-table]");
  if (!block) return;
  if (closest(event, "[data-table-csv]")) download(block);
  const head = closest(event, ".sort-button")?.closest("th");
  if (!head) return;
  const state = stateOf(block);
  const isSame = state.column === head.cellIndex;
  state.column = head.cellIndex;
  const first = head.dataset["sort"] === "text" ? "ascending" : "descending";
  const second = first === "ascending" ? "descending" : "ascending";
  state.order = !isSame || state.order === null ? first : state.order === first ? second : null;
  show(block);
}

/** Start; called once by main.js. */
export function startTables() {
  onContent(() => {
    for (const block of document.querySelectorAll("[data-table]")) if (block instanceof HTMLElement) prepare(block);
  });
  document.addEventListener("click", clicked);
  document.addEventListener("input", (event) => {
    const box = closest(event, "[data-table-filter]");
    const block = closest(event, "[data-table]");
    if (!(box instanceof HTMLInputElement) || !block) return;
    stateOf(block).filter = box.value;
    show(block);
  });
}
