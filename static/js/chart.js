/**
 * Price charts: every `[data-chart]` (see components/_chart.html) becomes one. A page imports `PriceChart` only when it
 * needs to steer a chart; events that a page may hear: `chart:mark` (a marker was clicked), `chart:timeframe`.
 */

import { AreaSeries, CandlestickSeries, HistogramSeries, LineSeries, createChart } from "lightweight-charts";

import { BarWindow, barIn } from "./bars.js";
import { IndicatorPanes } from "./chart_indicators.js";
import { chartOptions, priceFormatOf, priceOptions, volumePoint } from "./chart_look.js";
import { MarkLayer } from "./chart_marks.js";
import { press, renderLegend, say, showLatestButton, summarize } from "./chart_words.js";
import { prepareEach } from "./dom.js";
import { subscribe } from "./socket.js";
import { localTime } from "./time.js";

/** @typedef {"candles" | "line" | "area"} ChartStyle */
/** @typedef {import("lightweight-charts").ISeriesApi<any>} AnySeries */
/** @typedef {import("lightweight-charts").UTCTimestamp} Stamp */

const NEAR_EDGE = 200;
const MARKS_MS = 400;
const TAIL_MS = 400;
const TAIL_BARS = 5;
const AROUND = 40; // bars on each side of what the page wants to show
const SECONDS = /** @type {Record<string, number>} */ ({ m: 60, h: 3_600, d: 86_400, w: 604_800 });
const SERIES = /** @type {const} */ ({ candles: CandlestickSeries, line: LineSeries, area: AreaSeries });

export class PriceChart {
  /** @type {ChartStyle} */
  style = "candles";
  /** @type {number | undefined} */
  #tail;
  #n_untold = 0;
  /** @type {() => void} */
  #stop = () => undefined;
  #isLoading = false; // the marks
  #isStale = false;

  /** @param {HTMLElement} root the element with `data-chart` */
  constructor(root) {
    this.root = root;
    const { symbol = "", timeframe = "1d", indicators = "", barsUrl = "" } = root.dataset;
    this.window = new BarWindow(barsUrl, { symbol, timeframe, indicators });
    const place = /** @type {HTMLElement} */ (root.querySelector(".chart-canvas"));
    this.chart = createChart(place, { autoSize: true, ...chartOptions(), ...this.#formats() });
    this.price = this.#addPrice();
    this.layer = new MarkLayer(this.price);
    this.indicators = new IndicatorPanes(this.chart, this.window);
    this.volume = this.chart.addSeries(HistogramSeries, { priceFormat: { type: "volume" }, priceScaleId: "volume", lastValueVisible: false, priceLineVisible: false });
    this.chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
    this.#listen();
  }

  /** Load everything anew: the newest bars, then marks and lines. */
  async load() {
    say(this.root, "Loading bars…");
    try {
      const focus = this.#focus();
      await (focus ? this.window.loadUntil(focus.end) : this.window.loadNewest());
      this.#draw();
      if (focus) this.#showAround(focus);
      if (focus) requestAnimationFrame(() => this.#showAround(focus)); // again when the chart has its width
      else this.#showRecent();
      say(this.root, this.window.bars.length ? "" : "No bars are stored for this instrument and timeframe. Import some first.");
      await this.loadMarks();
    } catch (error) {
      say(this.root, `The bars could not be loaded: ${error instanceof Error ? error.message : error}`);
    }
  }

  /** Fetch signals, fills, orders and stops again: never twice at once, and again later where they changed meanwhile. */
  async loadMarks() {
    const url = this.root.dataset["marksUrl"];
    if (!url) return;
    this.#isStale = this.#isLoading;
    if (this.#isLoading) return;
    this.#isLoading = true;
    try {
      if (await this.layer.load(url)) this.#drawMarks();
    } finally {
      this.#isLoading = false;
      if (this.#isStale) window.setTimeout(() => void (charts.has(this) && this.loadMarks()), MARKS_MS);
    }
  }

  /** @param {ChartStyle} style */
  setStyle(style) {
    this.style = style;
    this.layer.detach();
    this.chart.removeSeries(this.price);
    this.price = this.#addPrice();
    this.layer.attach(this.price);
    this.price.setData(this.#priceData());
    this.#drawMarks();
    press(this.root, "chartStyle", style);
  }

  /**
   * Show another timeframe or other indicators.
   * @param {{timeframe?: string, indicators?: string}} change
   * @param {{keepsPlace?: boolean}} [options] stay at the time that is seen now
   */
  async setView(change, { keepsPlace = false } = {}) {
    const seen = keepsPlace ? this.chart.timeScale().getVisibleRange() : null;
    Object.assign(this.window.wanted, change);
    this.root.dataset["timeframe"] = this.window.wanted.timeframe;
    this.indicators.clear();
    this.chart.applyOptions(this.#formats());
    press(this.root, "chartTimeframe", this.window.wanted.timeframe);
    if (!keepsPlace) this.#subscribe();
    await this.load();
    if (seen && this.window.bars.length) this.chart.timeScale().setVisibleRange(seen);
  }

  /** Take everything down, when the element has left the page. */
  destroy() {
    this.#stop();
    clearTimeout(this.#tail);
    document.removeEventListener("theme:change", this.#recolour);
    this.chart.remove();
  }

  #formats() {
    const isIntraday = /[mh]$/.test(this.window.wanted.timeframe);
    const shape = isIntraday ? "datetime" : "date";
    const zone = isIntraday ? undefined : "UTC"; // a daily bar is a date, whatever the zone
    const timeFormatter = (/** @type {unknown} */ time) => localTime(Number(time), shape, zone);
    return { localization: { timeFormatter }, timeScale: { ...chartOptions().timeScale, timeVisible: isIntraday, secondsVisible: false } };
  }

  #addPrice() {
    const priceFormat = priceFormatOf(Number(this.root.dataset["tickSize"]) || 0.01);
    /** @type {AnySeries} */
    const series = this.chart.addSeries(SERIES[this.style], { ...priceOptions()[this.style], priceFormat });
    series.priceScale().applyOptions({ scaleMargins: { top: 0.1, bottom: 0.22 } });
    return series;
  }

  #listen() {
    this.chart.timeScale().subscribeVisibleLogicalRangeChange((range) => void this.#scrolled(range));
    this.chart.subscribeCrosshairMove(({ time }) => this.#legend(time === undefined ? undefined : Number(time)));
    this.chart.subscribeClick(({ hoveredObjectId }) => this.#clicked(hoveredObjectId));
    document.addEventListener("theme:change", this.#recolour);
    this.root.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest("button") : null;
      const { chartStyle, chartTimeframe, chartLatest } = button?.dataset ?? {};
      if (chartStyle) this.setStyle(/** @type {ChartStyle} */ (chartStyle));
      if (chartTimeframe) {
        this.root.dispatchEvent(new CustomEvent("chart:timeframe", { bubbles: true, detail: chartTimeframe }));
        void this.setView({ timeframe: chartTimeframe });
      }
      if (chartLatest !== undefined) void this.#toLatest();
    });
    this.#subscribe();
  }

  #subscribe() {
    this.#stop();
    if (!("liveBars" in this.root.dataset)) return;
    const { symbol, timeframe } = this.window.wanted;
    const path = `/ws/bars/?${new URLSearchParams({ symbol, timeframe })}`;
    let isFirst = true;
    this.#stop = subscribe(path, {
      onMessage: (message) => this.#live(message),
      onReset: () => {
        if (!isFirst) void this.load();
        else if (this.window.bars.length) void this.window.refreshTail(TAIL_BARS).then(() => this.#draw());
        isFirst = false;
      },
    });
  }

  /** @param {TopicMessage} message */
  #live(message) {
    const bar = barIn(message.data ?? {});
    if (!bar || this.window.take(bar) === "ignored") return;
    this.price.update(this.#pricePoint(bar));
    this.volume.update(volumePoint(bar));
    this.#legend();
    say(this.root, "");
    this.#n_untold += 1;
    if (!this.indicators.isEmpty) this.#refreshTail();
  }

  /** Fetch the indicators of the bars that came since; at most once in TAIL_MS, however fast bars come. */
  #refreshTail() {
    if (this.#tail !== undefined) return;
    this.#tail = window.setTimeout(async () => {
      this.#tail = undefined;
      const n_bars = this.#n_untold + TAIL_BARS;
      this.#n_untold = 0;
      await this.window.refreshTail(n_bars);
      this.indicators.extend(2 * n_bars);
      this.#legend();
    }, TAIL_MS);
  }

  /** @param {import("lightweight-charts").LogicalRange | null} range */
  async #scrolled(range) {
    if (!range || !this.window.bars.length) return;
    showLatestButton(this.root, range.to < this.window.bars.length - 3);
    const seen = () => this.chart.timeScale().getVisibleRange(); // asked when the bars are there: the view may have moved
    if (range.from < NEAR_EDGE && (await this.window.loadOlder())) this.#draw(this.window.isAtEnd ? null : seen());
    else if (range.to > this.window.bars.length - NEAR_EDGE && (await this.window.loadNewer())) this.#draw(seen());
  }

  async #toLatest() {
    if (!this.window.isAtEnd) await this.load();
    this.chart.timeScale().scrollToRealTime();
  }

  /** The stretch of the past that the page wants to show first, with where loading ends. */
  #focus() {
    const { focusFrom, focusTo } = this.root.dataset;
    if (!focusFrom) return null;
    const from = Number(focusFrom);
    const to = Number(focusTo ?? focusFrom);
    const air = Math.max((to - from) * 0.75, AROUND * secondsOf(this.window.wanted.timeframe));
    return { from: from - air, to: to + air, end: to + 2 * air };
  }

  /** @param {{from: number, to: number}} focus */
  #showAround({ from, to }) {
    const times = this.window.bars.map((bar) => bar.time);
    if (!times.length) return;
    const first = times.findIndex((time) => time >= from);
    const after = times.findIndex((time) => time > to);
    this.chart.timeScale().setVisibleLogicalRange({ from: first < 0 ? 0 : first, to: after < 0 ? times.length + 5 : after });
  }

  #showRecent() {
    const n_bars = this.window.bars.length;
    const width = Math.min(n_bars, Math.max(60, Math.round(this.root.clientWidth / 7)));
    this.chart.timeScale().setVisibleLogicalRange({ from: n_bars - width, to: n_bars + 5 });
  }

  /** @param {import("lightweight-charts").IRange<import("lightweight-charts").Time> | null} [keep] */
  #draw(keep = null) {
    this.price.setData(this.#priceData());
    this.volume.setData(this.window.bars.map(volumePoint));
    this.indicators.draw();
    this.#drawMarks();
    if (keep) this.chart.timeScale().setVisibleRange(keep);
    this.#legend();
  }

  #drawMarks() {
    this.layer.draw(this.window.bars[0]?.time ?? Infinity);
    const summary = this.root.querySelector("[data-chart-summary]");
    if (summary) summary.textContent = summarize(this.window, this.layer.marks);
  }

  #recolour = () => {
    this.chart.applyOptions(chartOptions());
    this.price.applyOptions(priceOptions()[this.style]);
    this.volume.setData(this.window.bars.map(volumePoint));
    this.indicators.recolour();
    this.#drawMarks();
  };

  #priceData() {
    return this.window.bars.map((bar) => this.#pricePoint(bar));
  }

  /** @param {Bar} bar */
  #pricePoint({ time, open, high, low, close }) {
    const at = /** @type {Stamp} */ (time);
    return this.style === "candles" ? { time: at, open, high, low, close } : { time: at, value: close };
  }

  /** @param {number} [time] */
  #legend(time) {
    const place = this.root.querySelector("[data-chart-legend]");
    if (place instanceof HTMLElement) renderLegend(place, this.window, time);
  }

  /** @param {unknown} id */
  #clicked(id) {
    const mark = this.layer.markOf(id);
    if (mark) this.root.dispatchEvent(new CustomEvent("chart:mark", { bubbles: true, detail: mark }));
  }
}

/** @param {string} timeframe such as 15m */
function secondsOf(timeframe) {
  return (parseInt(timeframe, 10) || 1) * (SECONDS[timeframe.slice(-1)] ?? 86_400);
}

/** @type {Set<PriceChart>} */
const charts = new Set();

/**
 * The chart of an element, for a page that steers it.
 * @param {Element | null} root
 * @returns {PriceChart | undefined}
 */
export function chartOf(root) {
  return [...charts].find((chart) => chart.root === root);
}

prepareEach("[data-chart]", (root) => {
  const chart = new PriceChart(root);
  charts.add(chart);
  void chart.load();
});
document.addEventListener("htmx:after:swap", () => {
  for (const chart of charts) {
    if (chart.root.isConnected) continue;
    charts.delete(chart);
    chart.destroy();
  }
});

/** Marks and lines are fetched again when an order, a fill or a signal of the page's account changes. */
let marksTimer = 0;
document.addEventListener("live:message", (event) => {
  const type = event instanceof CustomEvent ? String(event.detail.type) : "";
  if (!/^(order|fill|signal|position)\./.test(type)) return;
  clearTimeout(marksTimer);
  marksTimer = window.setTimeout(() => {
    for (const chart of charts) void chart.loadMarks();
  }, MARKS_MS);
});
