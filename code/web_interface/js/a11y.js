// SPDX-License-Identifier: MIT
//
// For keyboards and screen readers: one place in the tab order for a group,
// a polite voice, and pictures that turn into tables.

const STEPS = {
  ArrowRight: 1,
  ArrowLeft: -1,
  ArrowDown: "down",
  ArrowUp: "up",
};

/** Arrow keys, Home, End over the elements of `selector` in `container`, of
 * which one is in the tab order. `columns`: items in a row, a number or a
 * function; without it Up and Down look for the nearest item of the line above
 * or below. onMove(element) after each move. */
export function roving(container, selector, { columns, onMove } = {}) {
  const items = () => [...container.querySelectorAll(selector)];
  let current = null;

  const set = (element) => {
    if (current && current !== element) current.tabIndex = -1;
    else if (!current) for (const e of items()) e.tabIndex = -1;
    current = element;
    element.tabIndex = 0;
  };

  const vertical = (list, from, direction) => {
    if (columns) {
      const n = typeof columns === "function" ? columns() : columns;
      return list[list.indexOf(from) + direction * n];
    }
    const box = from.getBoundingClientRect();
    const x = box.left + box.width / 2;
    let best = null;
    let top = null;
    for (
      let i = list.indexOf(from) + direction;
      i >= 0 && i < list.length;
      i += direction
    ) {
      const b = list[i].getBoundingClientRect();
      if (Math.abs(b.top - box.top) < box.height / 2) continue;
      top ??= b.top;
      if (Math.abs(b.top - top) >= box.height / 2) break;
      const away = Math.abs(b.left + b.width / 2 - x);
      if (!best || away < best.away) best = { element: list[i], away };
    }
    return best?.element;
  };

  const onKey = (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const from = event.target.closest(selector);
    if (!from) return;
    const list = items();
    let to = null;
    const step = STEPS[event.key];
    if (event.key === "Home") to = list[0];
    else if (event.key === "End") to = list.at(-1);
    else if (step === "down" || step === "up") {
      to = vertical(list, from, step === "down" ? 1 : -1);
    } else if (step) to = list[list.indexOf(from) + step];
    else return;
    event.preventDefault();
    if (!to) return;
    set(to);
    to.focus();
    onMove?.(to);
  };

  const onFocus = (event) => {
    const item = event.target.closest?.(selector);
    if (item) set(item);
  };
  container.addEventListener("keydown", onKey);
  container.addEventListener("focusin", onFocus);
  return {
    set,
    off() {
      container.removeEventListener("keydown", onKey);
      container.removeEventListener("focusin", onFocus);
    },
  };
}

/** A polite live region: say(text) now; sentence(text) at most every 3 s. */
export function announcer(region) {
  let last = -Infinity;
  const say = (text) => {
    region.textContent = ""; // the same words again are news, too
    requestAnimationFrame(() => (region.textContent = text));
  };
  return {
    say,
    sentence(text) {
      if (performance.now() - last < 3000) return false;
      last = performance.now();
      say(text);
      return true;
    },
  };
}

/** A button that shows `table` in place of, or below, a picture. */
export function tableToggle(button, table) {
  const show = (open) => {
    table.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    button.textContent = open ? "Hide table" : "View as table";
  };
  button.addEventListener("click", () => show(table.hidden));
  show(false);
}

/** Moves the focus without a jump of the page. */
export function focusQuietly(element) {
  element.focus({ preventScroll: true });
}
