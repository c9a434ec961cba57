/**
 * The bars of one chart: only a window around what is seen is held; older and newer pieces are fetched when the view
 * comes near an edge, and what is far away is dropped. No drawing here.
 */

const PIECE = 1_500;
const MOST = 12_000;

export class BarWindow {
  /** @type {Bar[]} in order of time, no time twice */
  bars = [];
  /** @type {Map<string, Map<number, number>>} indicator name to its value at a time */
  indicators = new Map();
  hasOlder = true;
  isAtEnd = true;
  #isBusy = false;

  /**
   * @param {string} url the address of GET bars/
   * @param {{symbol: string, timeframe: string, indicators: string}} wanted
   */
  constructor(url, wanted) {
    this.url = url;
    this.wanted = wanted;
  }

  /** Load the newest piece. */
  async loadNewest() {
    const columns = await this.#fetch({});
    this.bars = [];
    this.indicators.clear();
    this.#merge(columns);
    this.hasOlder = columns.t.length >= PIECE;
    this.isAtEnd = true;
  }

  /**
   * Load the piece that ends at a moment of the past; newer ones come when the view nears the end.
   * @param {number} end unix seconds
   */
  async loadUntil(end) {
    const columns = await this.#fetch({ end: isoTime(end) });
    this.bars = [];
    this.indicators.clear();
    this.#merge(columns);
    this.hasOlder = columns.t.length >= PIECE;
    this.isAtEnd = false;
    if (!this.bars.length) await this.loadNewest();
  }

  /**
   * Load the piece before the window; drop the far end when the window grows too large.
   * @returns {Promise<boolean>} whether anything changed
   */
  async loadOlder() {
    const first = this.bars[0];
    if (!first || !this.hasOlder) return false;
    return this.#once(async () => {
      const columns = await this.#fetch({ end: isoTime(first.time) });
      const n_before = this.bars.length;
      this.#merge(columns);
      this.hasOlder = this.bars.length > n_before;
      if (this.bars.length > MOST) this.#drop(this.bars.slice(MOST), () => (this.bars.length = MOST));
      return this.hasOlder;
    });
  }

  /**
   * Load the piece after the window, when its newer end had been dropped.
   * @returns {Promise<boolean>}
   */
  async loadNewer() {
    const last = this.bars.at(-1);
    if (!last || this.isAtEnd) return false;
    return this.#once(async () => {
      const columns = await this.#fetch({ start: isoTime(last.time) });
      this.#merge(columns);
      this.isAtEnd = columns.t.length < PIECE;
      const n_over = this.bars.length - MOST;
      if (n_over > 0) {
        this.#drop(this.bars.slice(0, n_over), () => this.bars.splice(0, n_over));
        this.hasOlder = true;
      }
      return true;
    });
  }

  /**
   * Take the newest few bars again with their indicators, after a live bar.
   * @param {number} n_bars
   */
  async refreshTail(n_bars) {
    if (this.isAtEnd) this.#merge(await this.#fetch({ limit: String(n_bars) }));
  }

  /**
   * Take in one live bar: a new one, or the last one as it now stands. An older one is a correction.
   * @param {Bar} bar
   * @returns {"appended" | "changed" | "ignored"}
   */
  take(bar) {
    const last = this.bars.at(-1);
    if (!this.isAtEnd || (last && bar.time < last.time)) return "ignored";
    if (last?.time === bar.time) {
      this.bars[this.bars.length - 1] = bar;
      return "changed";
    }
    this.bars.push(bar);
    return "appended";
  }

  /** @param {() => Promise<boolean>} load */
  async #once(load) {
    if (this.#isBusy) return false;
    this.#isBusy = true;
    try {
      return await load();
    } finally {
      this.#isBusy = false;
    }
  }

  /**
   * @param {Record<string, string>} bounds
   * @returns {Promise<BarColumns>}
   */
  async #fetch(bounds) {
    const address = new URL(this.url, location.href);
    const query = { symbol: this.wanted.symbol, timeframe: this.wanted.timeframe, limit: String(PIECE), ...bounds };
    for (const [name, value] of Object.entries(query)) address.searchParams.set(name, value);
    if (this.wanted.indicators) address.searchParams.set("indicators", this.wanted.indicators);
    const response = await fetch(address, { headers: { Accept: "application/json" } });
    if (!response.ok) throw new Error(await reasonOf(response));
    return response.json();
  }

  /** @param {BarColumns} columns */
  #merge(columns) {
    const known = new Map(this.bars.map((bar) => [bar.time, bar]));
    columns.t.forEach((_, index) => {
      const bar = barAt(columns, index);
      known.set(bar.time, bar);
    });
    this.bars = [...known.values()].sort((a, b) => a.time - b.time);
    for (const [name, values] of Object.entries(columns.indicators ?? {})) {
      const kept = this.indicators.get(name) ?? new Map();
      this.indicators.set(name, kept);
      values.forEach((value, index) => {
        const time = columns.t[index];
        if (value !== null && time !== undefined) kept.set(time, Number(value));
      });
    }
  }

  /**
   * @param {Bar[]} gone
   * @param {() => void} cut
   */
  #drop(gone, cut) {
    const isNewerEnd = gone.at(-1) === this.bars.at(-1);
    cut();
    if (isNewerEnd) this.isAtEnd = false;
    for (const values of this.indicators.values()) for (const bar of gone) values.delete(bar.time);
  }
}

/**
 * Read one bar out of columns.
 * @param {BarColumns} columns
 * @param {number} index
 * @returns {Bar}
 */
export function barAt(columns, index) {
  const at = (/** @type {NumberLike[]} */ column) => Number(column[index]);
  const { o, h, l, c, v } = columns;
  return { time: columns.t[index] ?? NaN, open: at(o), high: at(h), low: at(l), close: at(c), volume: at(v) };
}

/** @param {number} seconds */
function isoTime(seconds) {
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}

/** @param {Response} response */
async function reasonOf(response) {
  try {
    const problem = await response.json();
    return String(problem.detail ?? problem.title ?? response.status);
  } catch {
    return `The platform answered ${response.status}`;
  }
}

/**
 * The bar that a message tells of, with long or short names; its time from `t`, or an RFC 3339 `time` or `open_at`.
 * @param {Record<string, unknown>} data
 * @returns {Bar | null}
 */
export function barIn(data) {
  const given = data["t"] ?? data["time"] ?? data["open_at"];
  const time = typeof given === "string" && Number.isNaN(Number(given)) ? Date.parse(given) / 1000 : Number(given);
  const read = (/** @type {string} */ long) => Number(data[long] ?? data[long[0] ?? ""]);
  const bar = { time, open: read("open"), high: read("high"), low: read("low"), close: read("close"), volume: read("volume") };
  return Number.isFinite(time) && Number.isFinite(bar.close) ? bar : null;
}
