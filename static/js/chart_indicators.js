/** The indicators of a price chart: a series each, with the price or in a pane of its family, drawn on as bars come. */

import { HistogramSeries, LineSeries } from "lightweight-charts";

import { familyOf, seriesColour, titleOf } from "./chart_look.js";

/** @typedef {import("lightweight-charts").ISeriesApi<any>} AnySeries */
/** @typedef {import("lightweight-charts").UTCTimestamp} Stamp */

export class IndicatorPanes {
  /** @type {Map<string, AnySeries>} */
  #series = new Map();
  /** @type {Map<string, number>} indicator name to the time of its last point */
  #drawnTo = new Map();

  /**
   * @param {import("lightweight-charts").IChartApi} chart
   * @param {import("./bars.js").BarWindow} bars
   */
  constructor(chart, bars) {
    this.chart = chart;
    this.bars = bars;
  }

  get isEmpty() {
    return this.#series.size === 0;
  }

  /** Take all of them off the chart. */
  clear() {
    for (const series of this.#series.values()) this.chart.removeSeries(series);
    this.#series.clear();
    this.#drawnTo.clear();
  }

  /** Draw all of them anew. */
  draw() {
    const families = [""];
    [...this.bars.indicators].forEach(([name, values], index) => {
      const family = familyOf(name);
      if (!families.includes(family)) families.push(family);
      const n_known = this.bars.bars.findLastIndex(({ time }) => values.has(time)) + 1; // later points can still be added
      const points = this.bars.bars.slice(0, n_known).map(({ time }) => ({ time: /** @type {Stamp} */ (time), value: values.get(time) }));
      this.#seriesOf(name, families.indexOf(family), index).setData(
        points.map(({ time, value }) => (value === undefined ? { time } : { time, value })),
      );
      this.#drawnTo.set(name, points.at(-1)?.time ?? -Infinity);
    });
    this.chart.panes().forEach((pane, index) => pane.setStretchFactor(index === 0 ? 3 : 1));
  }

  /** @param {number} n_bars how far back new points can lie */
  extend(n_bars) {
    for (const [name, series] of this.#series) {
      const values = this.bars.indicators.get(name);
      const last = this.#drawnTo.get(name) ?? -Infinity;
      for (const { time } of this.bars.bars.slice(-n_bars)) {
        const value = values?.get(time);
        if (value === undefined || time < last) continue;
        series.update({ time: /** @type {Stamp} */ (time), value });
        this.#drawnTo.set(name, time);
      }
    }
  }

  /** Take the colours of the present theme. */
  recolour() {
    [...this.#series.values()].forEach((series, index) => series.applyOptions({ color: seriesColour(index) }));
  }

  /**
   * @param {string} name
   * @param {number} pane
   * @param {number} index
   * @returns {AnySeries}
   */
  #seriesOf(name, pane, index) {
    const known = this.#series.get(name);
    if (known) return known;
    const color = seriesColour(index);
    const quiet = { color, priceLineVisible: false, lastValueVisible: pane > 0, title: pane > 0 ? titleOf(name) : "" };
    const line = { ...quiet, lineWidth: /** @type {const} */ (2), crosshairMarkerVisible: false };
    /** @type {AnySeries} */
    const series = /hist/.test(name) ? this.chart.addSeries(HistogramSeries, quiet, pane) : this.chart.addSeries(LineSeries, line, pane);
    this.#series.set(name, series);
    return series;
  }
}
