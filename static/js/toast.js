/** Short messages in the corner. They never replace a message on the page, and bad ones stay until closed. */

import { make } from "./dom.js";

const SHOWN_MS = 6_000;

/**
 * Show a message.
 * @param {string} title
 * @param {{text?: string, tone?: "info" | "good" | "warn" | "bad"}} [options]
 */
export function toast(title, { text = "", tone = "info" } = {}) {
  const place = document.getElementById("toasts");
  if (!place) return;
  const close = make("button", { type: "button", class: "btn btn-sm btn-quiet", "aria-label": "Close message" }, "×");
  const words = make("div", {}, make("strong", {}, title), ...(text ? [make("p", {}, text)] : []));
  const box = make("div", { class: `toast toast-${tone}`, role: tone === "bad" ? "alert" : "status" }, make("span"), words, close);
  close.addEventListener("click", () => box.remove());
  place.append(box);
  if (tone !== "bad") window.setTimeout(() => box.remove(), SHOWN_MS);
}

/** Say it when a fragment could not be fetched; called once by main.js. */
export function startToasts() {
  document.addEventListener("htmx:error", () => {
    toast("The platform did not answer", { text: "What you see may be old. It is tried again by itself.", tone: "warn" });
  });
}
