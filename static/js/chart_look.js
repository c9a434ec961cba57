/** How price charts look: colours from the design tokens, the place of each indicator, markers and lines. */

import { LineStyle } from "lightweight-charts";

import { token } from "./dom.js";

const OVERLAYS = ["sma", "ema", "wma", "dema", "tema", "kama", "hma", "vwap", "bb", "bbands", "donchian", "keltner", "sar", "psar", "supertrend", "ichimoku"];
const LINE_KINDS = /** @type {const} */ ({
  order: { colour: "--info", style: LineStyle.Dashed },
  stop: { colour: "--loss", style: LineStyle.Dashed },
  target: { colour: "--gain", style: LineStyle.Dashed },
  entry: { colour: "--text-3", style: LineStyle.Dotted },
  alert: { colour: "--warn", style: LineStyle.SparseDotted },
});

/** Options of the whole chart in the present theme. */
export function chartOptions() {
  const grid = { color: token("--chart-grid") };
  const cross = { color: token("--chart-cross"), labelBackgroundColor: token("--accent-fill") };
  return {
    layout: {
      background: { color: token("--surface") },
      textColor: token("--text-2"),
      fontFamily: token("--font-text"),
      fontSize: 11,
      attributionLogo: false, // its style would need a hole in the policy; the link stands below the chart
      panes: { separatorColor: token("--line"), separatorHoverColor: token("--accent-soft") },
    },
    grid: { vertLines: grid, horzLines: grid },
    crosshair: { mode: 0, vertLine: cross, horzLine: cross },
    rightPriceScale: { borderColor: token("--line") },
    timeScale: { borderColor: token("--line"), rightOffset: 6, minBarSpacing: 0.4 },
  };
}

/** Colours of the price series; each style takes what it needs. */
export function priceOptions() {
  const up = token("--gain-candle");
  const down = token("--loss-candle");
  const line = token("--accent");
  return {
    candles: { upColor: up, downColor: down, wickUpColor: up, wickDownColor: down, borderVisible: false },
    line: { color: line, lineWidth: /** @type {const} */ (2) },
    area: { lineColor: line, topColor: `${line}40`, bottomColor: `${line}00`, lineWidth: /** @type {const} */ (2) },
  };
}

/**
 * The pane of an indicator: 0 with the price, else one pane a family (rsi, macd, …).
 * @param {string} name such as sma_20 or macd_12_26_9_signal
 * @returns {string} "" for the price pane, else the family
 */
export function familyOf(name) {
  const family = name.split("_")[0]?.toLowerCase() ?? name;
  return OVERLAYS.includes(family) ? "" : family;
}

/**
 * A name that people read: sma_20 becomes SMA 20.
 * @param {string} name
 * @returns {string}
 */
export function titleOf(name) {
  const [family = name, ...rest] = name.split("_");
  return [family.toUpperCase(), ...rest].join(" ");
}

/**
 * @param {number} index
 * @returns {string}
 */
export function seriesColour(index) {
  return token(`--chart-${(index % 6) + 1}`);
}

/**
 * Turn signals, fills and refusals into markers.
 * @param {ChartMark[]} marks
 * @returns {import("lightweight-charts").SeriesMarker<import("lightweight-charts").Time>[]}
 */
export function markersOf(marks) {
  const looks = /** @type {const} */ ({
    buy: { position: "belowBar", shape: "arrowUp", colour: "--gain" },
    sell: { position: "aboveBar", shape: "arrowDown", colour: "--loss" },
    fill_buy: { position: "belowBar", shape: "circle", colour: "--gain" },
    fill_sell: { position: "aboveBar", shape: "circle", colour: "--loss" },
    refused: { position: "aboveBar", shape: "square", colour: "--warn" },
  });
  return marks
    .toSorted((a, b) => a.time - b.time)
    .map(({ id, time, kind, text }) => {
      const { position, shape, colour } = looks[kind];
      const at = /** @type {import("lightweight-charts").UTCTimestamp} */ (time);
      return { id, time: at, position, shape, color: token(colour), ...(text && kind !== "refused" ? { text } : {}) }; // the words of refusals in a row would cover each other
    });
}

/**
 * Options of a price line.
 * @param {ChartLine} line
 */
export function lineOptions(line) {
  const { colour, style } = LINE_KINDS[line.kind];
  const lineWidth = /** @type {const} */ (1);
  return { price: Number(line.price), color: token(colour), lineStyle: style, lineWidth, title: line.title, axisLabelVisible: true };
}

/**
 * How prices are written on the scale: as fine as the tick, and never below zero, where no price can be.
 * @param {number} tick
 */
export function priceFormatOf(tick) {
  const digits = Math.min(8, Math.max(2, Math.ceil(-Math.log10(tick))));
  const write = (/** @type {number} */ price) => price.toFixed(digits);
  const tickmarksFormatter = (/** @type {number[]} */ prices) => prices.map((price) => (price < 0 ? "" : write(price)));
  return { type: /** @type {const} */ ("custom"), minMove: tick, formatter: write, tickmarksFormatter };
}

/** @param {Bar} bar */
export function volumePoint({ time, open, close, volume }) {
  const at = /** @type {import("lightweight-charts").UTCTimestamp} */ (time);
  return { time: at, value: volume, color: token(close >= open ? "--chart-volume-up" : "--chart-volume-down") };
}
