/**
 * Plotly figures made in Python: `<div class="plot" data-plot="ID">` beside `{{ figure|json_script:"ID" }}`.
 * The page loads vendor/plotly/plotly-finance.min.js itself (plotly.min.js for treemaps and heat maps); colours follow the theme.
 */

import { onContent, token } from "./dom.js";

/** @type {WeakMap<Element, string>} */
const drawn = new WeakMap();
const CELL_PIXELS = 44; // a cell narrower than this has no room for its figure

/**
 * Mix two hex colours of the theme: a share of 1 is all of the first.
 * @param {string} one
 * @param {string} other
 * @param {number} share
 */
function mixed(one, other, share) {
  const [a, b] = [token(one), token(other)].map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));
  const parts = (a ?? []).map((part, i) => Math.round(part * share + (b?.[i] ?? 0) * (1 - share)));
  return `rgb(${parts.join(",")})`;
}

/**
 * Put the theme's colours in for texts such as `var(--gain)` and `mix(--gain,--line,0.4)`, wherever they stand.
 * @param {unknown} value
 * @returns {unknown}
 */
function coloured(value) {
  if (typeof value === "string") {
    if (/^var\(--[\w-]+\)$/.test(value)) return token(value.slice(4, -1));
    const found = /^mix\((--[\w-]+),(--[\w-]+),([0-9.]+)\)$/.exec(value);
    return found ? mixed(found[1] ?? "", found[2] ?? "", Number(found[3])) : value;
  }
  if (Array.isArray(value)) return value.map(coloured);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, coloured(each)]));
}

/**
 * Fit a table of cells to a narrow screen: brief figures in small type where there are some, else colours alone.
 * @param {any} figure
 * @param {number} width
 */
function narrowed(figure, width) {
  const { meta } = figure.data[0] ?? {};
  if (!meta?.columns || width / meta.columns > CELL_PIXELS) return;
  const small = { size: 9 };
  const fits = meta.brief && width / meta.columns > CELL_PIXELS / 2.2;
  Object.assign(figure.data[0], fits ? { text: meta.brief, constraintext: "none" } : { text: null });
  Object.assign(figure.data[0].insidetextfont ?? {}, small);
  Object.assign(figure.layout.xaxis, { tickfont: small, tickangle: 0 });
}

/** @param {Record<string, unknown>} given */
function layoutOf(given) {
  const axis = { gridcolor: token("--chart-grid"), zerolinecolor: token("--line"), linecolor: token("--line"), automargin: true };
  const title = { font: { size: 12 }, standoff: 8 };
  const named = ["xaxis", "yaxis", ...Object.keys(given).filter((key) => /^[xy]axis\d+$/.test(key))];
  const axes = Object.fromEntries(named.map((key) => [key, { ...axis, ...axisOf(given[key], title) }]));
  const colours = [1, 2, 3, 4, 5, 6].map((n) => token(`--chart-${n}`));
  return {
    colorway: colours,
    margin: { l: 48, r: 16, t: 16, b: 36 },
    hovermode: "x unified",
    legend: { orientation: "h", x: 0, y: 1.01, yanchor: "bottom" },
    ...given,
    template: undefined,
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: token("--font-text"), size: 12, color: token("--text-2") },
    hoverlabel: { bgcolor: token("--surface"), bordercolor: token("--line"), font: { color: token("--text") } },
    ...axes,
  };
}

/**
 * @param {any} given
 * @param {object} title what all axes' titles have
 */
function axisOf(given, title) {
  return given?.title?.text ? { ...given, title: { ...title, ...given.title } } : given;
}

/** @param {HTMLElement} place */
function draw(place) {
  const source = document.getElementById(place.dataset["plot"] ?? "")?.textContent ?? "";
  const theme = document.documentElement.dataset["bsTheme"] ?? "";
  if (!source || !window.Plotly || drawn.get(place) === theme + source) return;
  drawn.set(place, theme + source);
  const parsed = JSON.parse(source);
  const figure = /** @type {any} */ (coloured(typeof parsed === "string" ? JSON.parse(parsed) : parsed));
  // Plotly's buttons would lie over the curve: dragging zooms without them, a double click goes back.
  const config = { responsive: true, displaylogo: false, displayModeBar: false };
  if (figure.layout?.height) place.style.minHeight = `${figure.layout.height}px`;
  narrowed(figure, place.clientWidth);
  void window.Plotly.react(place, figure.data, layoutOf(figure.layout ?? {}), config);
}

/** Draw all plots; called once by main.js. */
export function startPlots() {
  const all = () => {
    for (const place of document.querySelectorAll("[data-plot]")) if (place instanceof HTMLElement) draw(place);
  };
  onContent(all);
  document.addEventListener("theme:change", all);
  addEventListener("load", all); // Plotly comes after this module
}
