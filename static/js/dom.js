/** Small typed helpers over the DOM, and the one hook by which modules see content that arrives later. */

/**
 * Run a function on the page now, and again on everything that htmx swaps in.
 * @param {() => void} run must be safe to repeat
 */
export function onContent(run) {
  run();
  document.addEventListener("htmx:after:swap", () => run());
}

/**
 * Call `prepare` once for each element that matches, however often the page is scanned.
 * @param {string} selector
 * @param {(element: HTMLElement) => void} prepare
 */
export function prepareEach(selector, prepare) {
  /** @type {WeakSet<Element>} */
  const done = new WeakSet();
  onContent(() => {
    for (const element of document.querySelectorAll(selector)) {
      if (done.has(element) || !(element instanceof HTMLElement)) continue;
      done.add(element);
      prepare(element);
    }
  });
}

/**
 * The closest element of an event's target that matches, if any.
 * @param {Event} event
 * @param {string} selector
 * @returns {HTMLElement | null}
 */
export function closest(event, selector) {
  const found = event.target instanceof Element ? event.target.closest(selector) : null;
  return found instanceof HTMLElement ? found : null;
}

/**
 * Make an element with attributes and text; text is never read as HTML.
 * @param {string} tag
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string)} children
 * @returns {HTMLElement}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/**
 * Read a design token of tokens.css.
 * @param {string} name such as `--gain`
 * @returns {string}
 */
export function token(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/**
 * Tell whether the user is typing, so that single keys are text and not commands.
 * @param {EventTarget | null} target
 * @returns {boolean}
 */
export function isTyping(target) {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches("input, textarea, select"));
}
