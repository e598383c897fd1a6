// SPDX-License-Identifier: MIT
//
// A value for each position of a text: bars over a line of tokens, and the same
// as a table.

import { tableToggle } from "./a11y.js";
import { tableOf } from "./arcs.js";
import { fill, h, num, svg } from "./dom.js";

const HEIGHT = 150;
const SIDE = 40;

/** Largest absolute value, rounded up to 1, 2 or 5 times a power of ten. */
export function niceTop(values) {
  const most = Math.max(1e-6, ...values.map((x) => Math.abs(x ?? 0)));
  const unit = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 5, 10].map((n) => n * unit).find((x) => x >= most * 0.999);
}

function draw({ values, labels, title, signed }, width) {
  const top = niceTop(values);
  const bottom = HEIGHT - 18;
  const zero = signed ? bottom / 2 + 4 : bottom;
  const y = (x) => zero - (x / top) * (zero - 8);
  const step = (width - SIDE - 4) / values.length;
  const bars = values.map((x, n) =>
    x === null
      ? null
      : svg(
          `rect.${x < 0 ? "bar-down" : "bar-up"}`,
          {
            x: SIDE + n * step + Math.min(1, step / 8),
            width: Math.max(1, step - Math.min(2, step / 4)),
            y: Math.min(y(x), zero),
            height: Math.max(0.75, Math.abs(y(x) - zero)),
          },
          svg("title", {}, `${labels[n]}: ${num(x, 4)}`),
        ),
  );
  const every = Math.max(1, Math.ceil(44 / step));
  const names = values.map((_, n) =>
    n % every
      ? null
      : svg(
          "text.tick",
          {
            x: SIDE + (n + 0.5) * step,
            y: HEIGHT - 4,
            "text-anchor": "middle",
          },
          step >= 44 ? labels[n] : n,
        ),
  );
  const ticks = (signed ? [top, 0, -top] : [top, 0]).map((x) => [
    svg("line.grid", { x1: SIDE, x2: width, y1: y(x), y2: y(x) }),
    svg(
      "text.tick",
      { x: SIDE - 6, y: y(x) + 4, "text-anchor": "end" },
      num(x, 2),
    ),
  ]);
  return svg(
    "svg.by-position",
    {
      role: "img",
      "aria-label": title,
      viewBox: `0 0 ${width} ${HEIGHT}`,
      width,
      height: HEIGHT,
    },
    ticks,
    bars,
    names,
  );
}

/** {node, set({values, labels, title, unit, signed}), off()} */
export function positionChart() {
  const box = h("div.by-position-box");
  const table = h("div.table-wrap", { tabindex: "0", role: "region" });
  const button = h("button.button.small.quiet", { type: "button" });
  const caption = h("figcaption");
  let data = null;
  const show = () => {
    if (data) {
      fill(box, draw(data, Math.max(260, box.clientWidth || 600)));
    }
  };
  const observer = new ResizeObserver(show);
  observer.observe(box);
  tableToggle(button, table);
  return {
    node: h(
      "figure.figure",
      {},
      h("div.figure-tools", {}, caption, button),
      box,
      table,
    ),
    set(next) {
      data = next;
      const most = next.values.reduce(
        (best, x, n) =>
          Math.abs(x ?? 0) > Math.abs(next.values[best] ?? 0) ? n : best,
        0,
      );
      data.title =
        `${next.title}: most at ${most}, ` +
        `'${next.labels[most]}', ${num(next.values[most], 3)} ${next.unit}`;
      caption.textContent = next.title;
      table.setAttribute("aria-label", next.title);
      fill(
        table,
        tableOf(
          next.values.map((x, n) => ({
            position: n,
            token: next.labels[n],
            [next.unit]: x,
          })),
          next.title,
          4,
        ),
      );
      show();
    },
    off: () => observer.disconnect(),
  };
}
