/**
 * Live pages: a message says WHAT changed, and every fragment that shows it is fetched again.
 *
 * `data-topic="/ws/account/…/"` opens a topic (any element, optional `data-seq`). `data-live="order.* fill.recorded"` on
 * an element with `hx-get` and `hx-trigger="live"` refetches it; `data-live-wait` (ms, default 250) gathers bursts.
 */

import { onContent } from "./dom.js";
import { connectionState, subscribe } from "./socket.js";

const DEFAULT_WAIT_MS = 250;
const WORDS = { open: "Live", connecting: "Reconnecting…", closed: "Signed out" };

/** @type {Map<string, () => void>} */
const topics = new Map();
/** @type {WeakMap<Element, number>} */
const waiting = new WeakMap();
/** @type {WeakSet<Element>} */
const busy = new WeakSet();
/** @type {Set<Element>} */
const dirty = new Set();

/**
 * Tell whether an event name fits one of the patterns: `order.*`, `order.filled` or `*`.
 * @param {string} patterns separated by spaces
 * @param {string} name
 * @returns {boolean}
 */
export function matches(patterns, name) {
  return patterns.split(/\s+/).some((pattern) => {
    return pattern === "*" || pattern === name || (pattern.endsWith(".*") && name.startsWith(pattern.slice(0, -1)));
  });
}

/**
 * Fetch every fragment again that shows this kind of event; without a name, all of them.
 * @param {string} [name]
 */
export function refresh(name) {
  for (const element of document.querySelectorAll("[data-live]")) {
    if (name === undefined || matches(element.getAttribute("data-live") ?? "", name)) schedule(element);
  }
}

/** @param {Element} element */
function schedule(element) {
  if (waiting.has(element)) return;
  const wait = Number(element.getAttribute("data-live-wait") ?? DEFAULT_WAIT_MS);
  waiting.set(element, window.setTimeout(() => fetchAgain(element), wait));
}

/** @param {Element} element */
function fetchAgain(element) {
  waiting.delete(element);
  if (!element.isConnected) return;
  if (document.hidden || busy.has(element)) {
    dirty.add(element);
    return;
  }
  busy.add(element);
  window.htmx?.trigger(element, "live");
}

/** @param {Event} event */
function finished(event) {
  if (!(event.target instanceof Element)) return;
  busy.delete(event.target);
  if (!document.hidden && dirty.delete(event.target)) schedule(event.target);
}

function openTopics() {
  const wanted = new Map();
  for (const element of document.querySelectorAll("[data-topic]")) {
    const path = element.getAttribute("data-topic");
    if (path) wanted.set(path, element.getAttribute("data-seq"));
  }
  for (const [path, seq] of wanted) {
    if (topics.has(path)) continue;
    const from = seq ? { seq: Number(seq) } : {};
    topics.set(path, subscribe(path, { onMessage: received, onReset: () => refresh() }, from));
  }
  for (const [path, stop] of topics) {
    if (wanted.has(path)) continue;
    topics.delete(path);
    stop();
  }
}

/** @param {TopicMessage} message */
function received(message) {
  document.dispatchEvent(new CustomEvent("live:message", { detail: message }));
  refresh(message.type);
}

function showConnection() {
  const shown = document.getElementById("connection");
  const state = connectionState();
  if (!shown) return;
  shown.hidden = state === null;
  if (state === null || shown.dataset["connection"] === state) return;
  shown.dataset["connection"] = state;
  shown.title = state === "open" ? "Changes arrive by themselves" : "What you see may be old";
  const text = shown.querySelector(".connection-text");
  if (text) text.textContent = WORDS[state];
}

/** Start listening; called once by main.js. */
export function startLive() {
  document.addEventListener("htmx:finally:request", finished);
  document.addEventListener("connection:change", showConnection);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    for (const element of dirty) schedule(element);
    dirty.clear();
  });
  onContent(openTopics);
}
