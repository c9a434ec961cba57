/** A price chart in words: the legend above the bars, and the summary that screen readers read. */

import { titleOf } from "./chart_look.js";
import { make } from "./dom.js";
import { localTime } from "./time.js";

/** @typedef {import("./bars.js").BarWindow} BarWindow */

const price = new Intl.NumberFormat("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 8 });
const short = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 2 });

/**
 * Write open, high, low, close, volume and indicators of one bar, or of the last one.
 * @param {HTMLElement} place
 * @param {BarWindow} view
 * @param {number} [time] unix seconds
 */
export function renderLegend(place, view, time) {
  const index = time === undefined ? view.bars.length - 1 : view.bars.findLastIndex((each) => each.time <= time);
  const bar = view.bars[index];
  if (!bar) return;
  const before = view.bars[index - 1]?.close ?? bar.open;
  const change = (bar.close / before - 1) * 100;
  const item = (/** @type {string} */ name, /** @type {string} */ value) => make("span", {}, `${name} `, make("b", {}, value));
  const parts = [
    make("b", {}, view.wanted.symbol),
    item("O", price.format(bar.open)),
    item("H", price.format(bar.high)),
    item("L", price.format(bar.low)),
    item("C", price.format(bar.close)),
    make("span", { class: change < 0 ? "loss" : change > 0 ? "gain" : "flat" }, percent(change)),
    item("Vol", short.format(bar.volume)),
  ];
  [...view.indicators].forEach(([name, values], at) => {
    const value = values.get(bar.time);
    if (value !== undefined) parts.push(make("span", { "data-series": String((at % 6) + 1) }, `${titleOf(name)} ${price.format(rounded(value)).replace("-", "−")}`));
  });
  place.replaceChildren(...parts);
}

const UNITS = { m: "minute", h: "hour", d: "day", w: "week" };

/**
 * Write a timeframe before the word bars: `1d` is `1-day`.
 * @param {string} timeframe
 */
function timeframeWords(timeframe) {
  const unit = UNITS[/** @type {keyof typeof UNITS} */ (timeframe.at(-1) ?? "")];
  return unit ? `${timeframe.slice(0, -1)}-${unit}` : timeframe;
}

/**
 * Say what the chart shows.
 * @param {BarWindow} view
 * @param {ChartMarks} marks
 * @returns {string}
 */
export function summarize(view, marks) {
  const first = view.bars[0];
  const last = view.bars.at(-1);
  if (!first || !last) return "No bars.";
  const high = view.bars.reduce((most, bar) => Math.max(most, bar.high), -Infinity);
  const low = view.bars.reduce((least, bar) => Math.min(least, bar.low), Infinity);
  const lines = marks.lines.map((line) => `${line.title} at ${price.format(Number(line.price))}`);
  return [
    `${view.wanted.symbol}, ${timeframeWords(view.wanted.timeframe)} bars, ${view.bars.length.toLocaleString("en")} loaded,`,
    `from ${localTime(first.time, "date")} to ${localTime(last.time, "date")}.`,
    `Last close ${price.format(last.close)}, ${percent((last.close / first.close - 1) * 100)} since the first of them.`,
    `Highest ${price.format(high)}, lowest ${price.format(low)}.`,
    marks.marks.length ? `${marks.marks.length} signals and fills are marked.` : "",
    lines.length ? `Lines: ${lines.join(", ")}.` : "",
  ].join(" ");
}

/** @param {number} value */
function percent(value) {
  const sign = value > 0 ? "+" : value < 0 ? "−" : "";
  return `${sign}${Math.abs(value).toFixed(2)} %`;
}

/** @param {number} value */
function rounded(value) {
  return Math.abs(value) >= 1 ? Math.round(value * 100) / 100 : Number(value.toPrecision(4));
}

/**
 * Say something over the chart; nothing takes it away.
 * @param {HTMLElement} root
 * @param {string} text
 */
export function say(root, text) {
  const place = root.querySelector("[data-chart-message]");
  if (!(place instanceof HTMLElement)) return;
  place.hidden = text === "";
  place.textContent = text;
}

/**
 * Show which of the chart's buttons is chosen.
 * @param {HTMLElement} root
 * @param {"chartStyle" | "chartTimeframe"} name
 * @param {string} value
 */
export function press(root, name, value) {
  const attribute = name === "chartStyle" ? "data-chart-style" : "data-chart-timeframe";
  for (const button of root.querySelectorAll(`[${attribute}]`)) {
    button.setAttribute("aria-pressed", String(button.getAttribute(attribute) === value));
  }
}

/**
 * @param {HTMLElement} root
 * @param {boolean} isShown
 */
export function showLatestButton(root, isShown) {
  const button = root.querySelector("[data-chart-latest]");
  if (button instanceof HTMLElement) button.hidden = !isShown;
}
