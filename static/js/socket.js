/**
 * One websocket a topic and page: reconnects with backoff and jitter, asks for what it missed, tells how it stands.
 * The server only ever sends, in order and without a gap, or says `reset`; writes go by HTTP.
 */

/** @typedef {"connecting" | "open" | "closed"} ConnectionState */
/**
 * @typedef {object} TopicListener
 * @property {(message: TopicMessage) => void} [onMessage] each message once
 * @property {() => void} [onReset] what was missed is gone: read the state again
 */

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;
const SILENCE_MS = 50_000; // the server says `ping` every 20 s
const FINAL_CODES = new Set([4401, 4403, 4404]); // signed out, not allowed, not there: trying again cannot help

/** @type {Map<string, TopicSocket>} */
const sockets = new Map();

/**
 * Wait before the next attempt: doubles each time, and half of it is random so that clients do not return together.
 * @param {number} attempt from 0
 * @param {() => number} [random]
 * @returns {number} milliseconds
 */
export function backoff(attempt, random = Math.random) {
  const full = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** attempt);
  return full / 2 + random() * (full / 2);
}

/**
 * Listen to a topic; all listeners of one path share one socket.
 * @param {string} path such as /ws/notifications/
 * @param {TopicListener} listener
 * @param {{seq?: number}} [from] the last message the page was rendered with
 * @returns {() => void} stops listening
 */
export function subscribe(path, listener, from = {}) {
  const socket = sockets.get(path) ?? new TopicSocket(path, from.seq);
  sockets.set(path, socket);
  socket.listeners.add(listener);
  return () => {
    socket.listeners.delete(listener);
    if (socket.listeners.size > 0) return;
    sockets.delete(path);
    socket.stop();
  };
}

/**
 * The worst state of all sockets of the page, or null when it has none.
 * @returns {ConnectionState | null}
 */
export function connectionState() {
  const states = new Set([...sockets.values()].map((socket) => socket.state));
  if (states.has("closed")) return "closed";
  if (states.has("connecting")) return "connecting";
  return states.has("open") ? "open" : null;
}

class TopicSocket {
  /** @type {Set<TopicListener>} */
  listeners = new Set();
  /** @type {ConnectionState} */
  state = "connecting";
  /** @type {number | null} the number of the last message */
  #last = null;
  #attempt = 0;
  #isStopped = false;
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {number | undefined} */
  #retry;
  /** @type {number | undefined} */
  #silence;

  /**
   * @param {string} path
   * @param {number | undefined} seq
   */
  constructor(path, seq) {
    this.path = path;
    this.#last = seq ?? null;
    addEventListener("online", this.#hurry);
    document.addEventListener("visibilitychange", this.#hurry);
    this.#connect();
  }

  stop() {
    this.#isStopped = true;
    removeEventListener("online", this.#hurry);
    document.removeEventListener("visibilitychange", this.#hurry);
    clearTimeout(this.#retry);
    clearTimeout(this.#silence);
    this.#socket?.close(1000);
  }

  #hurry = () => {
    if (this.state !== "connecting" || this.#retry === undefined || document.hidden) return;
    clearTimeout(this.#retry);
    this.#connect();
  };

  #connect() {
    this.#retry = undefined;
    const address = new URL(this.path, location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address);
    this.#socket = socket;
    socket.addEventListener("open", () => this.#opened());
    socket.addEventListener("message", (event) => this.#received(String(event.data)));
    socket.addEventListener("close", (event) => this.#closed(event.code));
  }

  #opened() {
    this.#attempt = 0;
    this.#tell("open");
    this.#resume();
    this.#heard();
  }

  /** @param {number} code */
  #closed(code) {
    clearTimeout(this.#silence);
    if (this.#isStopped) return;
    if (FINAL_CODES.has(code)) {
      this.#tell("closed");
      return;
    }
    this.#tell("connecting");
    this.#retry = window.setTimeout(() => this.#connect(), backoff(this.#attempt++));
  }

  #resume() {
    if (this.#last !== null && this.#socket?.readyState === WebSocket.OPEN) {
      this.#socket.send(JSON.stringify({ resume_from: this.#last }));
    }
  }

  /** Note that the line is alive; a silent one is cut, which leads to a new connection. */
  #heard() {
    clearTimeout(this.#silence);
    this.#silence = window.setTimeout(() => this.#socket?.close(4000), SILENCE_MS);
  }

  /** @param {string} text */
  #received(text) {
    /** @type {TopicMessage} */
    const message = JSON.parse(text);
    this.#heard();
    if (message.type === "ping" || message.type === "pong") return;
    const seq = message.seq ?? null;
    if (message.type === "reset" || (message.type === "ready" && this.#last === null)) {
      this.#last = seq;
      this.#reset(); // also at the first `ready`: the page may be older than the socket
    } else if (message.type !== "ready" && this.#isNext(seq)) {
      for (const listener of this.listeners) listener.onMessage?.(message);
    }
  }

  /** @param {number | null} seq */
  #isNext(seq) {
    if (seq === null || this.#last === null) return true;
    if (seq > this.#last + 1) this.#resume(); // what is missing comes again, this one included
    if (seq !== this.#last + 1) return false;
    this.#last = seq;
    return true;
  }

  #reset() {
    for (const listener of this.listeners) listener.onReset?.();
  }

  /** @param {ConnectionState} state */
  #tell(state) {
    this.state = state;
    document.dispatchEvent(new CustomEvent("connection:change"));
  }
}
