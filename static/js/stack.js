/**
 * Wide tables on narrow screens: where a table would have to be scrolled sideways, each row becomes a small card with
 * its column heads beside the values. Without this module, or with room enough, the table stays a table.
 */

import { onContent } from "./dom.js";

const NARROW = "(max-width: 700px)";

/** @param {HTMLElement} scroller */
function fit(scroller) {
  const table = scroller.querySelector("table");
  if (!table) return;
  table.classList.remove("is-stacked");
  if (!matchMedia(NARROW).matches || table.scrollWidth <= scroller.clientWidth + 1) return;
  // The first cell is the card's own heading; heads that only screen readers see are not shown here either.
  const heads = [...table.querySelectorAll("thead th")].map((head, index) =>
    index === 0 || head.querySelector(".visually-hidden") ? "" : (head.textContent?.trim() ?? ""),
  );
  for (const row of table.tBodies[0]?.rows ?? []) {
    for (const [index, cell] of [...row.cells].entries()) {
      if (cell.colSpan === 1) cell.dataset["label"] = heads[index] ?? "";
    }
  }
  table.classList.add("is-stacked");
}

/** Stack what is too wide; called once by main.js. */
export function startStacks() {
  const all = () => {
    for (const scroller of document.querySelectorAll(".table-scroll")) if (scroller instanceof HTMLElement) fit(scroller);
  };
  onContent(all);
  matchMedia(NARROW).addEventListener("change", all);
  document.addEventListener("toggle", all, true); // what was folded away had no width
}
