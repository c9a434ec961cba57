/** What trading draws over a price series: signals, fills and refusals as marks; orders, stops and entries as lines. */

import { createSeriesMarkers } from "lightweight-charts";

import { lineOptions, markersOf } from "./chart_look.js";

/** @typedef {import("lightweight-charts").ISeriesApi<any>} AnySeries */

export class MarkLayer {
  /** @type {ChartMarks} */
  marks = { marks: [], lines: [] };
  /** @type {import("lightweight-charts").IPriceLine[]} */
  #lines = [];

  /** @param {AnySeries} series */
  constructor(series) {
    this.series = series;
    this.markers = createSeriesMarkers(series, []);
  }

  /**
   * Draw over another series from now on.
   * @param {AnySeries} series
   */
  attach(series) {
    this.series = series;
    this.markers = createSeriesMarkers(series, []);
    this.#lines = [];
  }

  /** Let go of the series before it is removed. */
  detach() {
    this.markers.detach();
  }

  /**
   * Fetch marks and lines.
   * @param {string} url
   * @returns {Promise<boolean>} whether they came
   */
  async load(url) {
    const response = await fetch(url, { headers: { Accept: "application/json" } });
    if (response.ok) this.marks = await response.json();
    return response.ok;
  }

  /** @param {number} since time of the first bar that is loaded; older marks would pile up at its edge */
  draw(since) {
    this.markers.setMarkers(markersOf(this.marks.marks.filter((mark) => mark.time >= since)));
    for (const line of this.#lines) this.series.removePriceLine(line);
    this.#lines = this.marks.lines.map((line) => this.series.createPriceLine(lineOptions(line)));
  }

  /**
   * @param {unknown} id
   * @returns {ChartMark | undefined}
   */
  markOf(id) {
    return this.marks.marks.find((each) => each.id === id);
  }
}
