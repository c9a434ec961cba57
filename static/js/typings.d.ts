// Types that the modules share, and the globals of scripts that are loaded before them. Read by `tsc` alone.

interface HtmxApi {
  process(element: Element): void;
  trigger(element: Element, name: string, detail?: unknown): void;
  ajax(verb: string, path: string, options: Record<string, unknown>): Promise<void>;
}

interface PlotlyApi {
  newPlot(element: HTMLElement, data: object[], layout: object, config: object): Promise<unknown>;
  react(element: HTMLElement, data: object[], layout: object, config: object): Promise<unknown>;
  purge(element: HTMLElement): void;
}

interface Window {
  htmx?: HtmxApi;
  Plotly?: PlotlyApi;
}

/** What a topic socket delivers: `type` is an event name such as order.filled. */
interface TopicMessage {
  type: string;
  seq?: number;
  data?: Record<string, unknown>;
}

/** The answer of GET bars/: one array a column, times in unix seconds. */
interface BarColumns {
  symbol: string;
  timeframe: string;
  t: number[];
  o: NumberLike[];
  h: NumberLike[];
  l: NumberLike[];
  c: NumberLike[];
  v: NumberLike[];
  indicators?: Record<string, (NumberLike | null)[]>;
}

type NumberLike = number | string;

interface Bar {
  time: number;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
}

/** A signal, entry, exit, fill or refusal on a chart. `url` answers the fragment that a click shows. */
interface ChartMark {
  id: string;
  time: number;
  kind: "buy" | "sell" | "fill_buy" | "fill_sell" | "refused";
  text?: string;
  url?: string;
}

/** A working order or stop that is drawn as a line. */
interface ChartLine {
  id: string;
  price: NumberLike;
  kind: "order" | "stop" | "target" | "entry" | "alert";
  title: string;
}

interface ChartMarks {
  marks: ChartMark[];
  lines: ChartLine[];
}
