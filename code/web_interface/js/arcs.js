// SPDX-License-Identifier: MIT
//
// One row of attention: arcs from the query back to its keys, and the largest
// weights as bars and as a table.

import { h, num, svg } from "./dom.js";
import { visible } from "./tokens.js";

const HEIGHT = 190;
const GROUND = 128; // y of the tokens
const EDGE = 14;

/** Keys by value, largest first, zeros left out. */
export const ranked = (values) =>
  values
    .map((value, k) => ({ value, k }))
    .filter((x) => x.value > 0)
    .sort((a, b) => b.value - a.value);

/** Places labels where they do not touch: of those in order, each that fits. */
export function fitting(places, width) {
  const taken = [];
  return places.filter((x) => {
    const free = taken.every((y) => Math.abs(x - y) >= width);
    if (free) {
      taken.push(x);
    }
    return free;
  });
}

/** An SVG of the row {q, values}; `top` is the value of the thickest arc. */
export function arcs(row, tokens, width, colour, ink, title) {
  const { q, values } = row;
  const x = (t) => EDGE + ((width - 2 * EDGE - 20) * t) / Math.max(1, q);
  const order = ranked(values).slice(0, 120);
  const top = order[0]?.value || 1;
  const paths = order.map(({ value, k }) => {
    const share = value / top;
    const [from, to] = [x(k), x(q)];
    const rise =
      k === q ? 16 : 12 + (GROUND - 20) * Math.sqrt((q - k) / Math.max(1, q));
    const path =
      k === q
        ? `M${to} ${GROUND}c-9 ${-rise} 18 ${-rise} 9 0`
        : `M${from} ${GROUND}A${(to - from) / 2} ${rise} 0 0 1 ${to} ${GROUND}`;
    return svg("path", {
      d: path,
      fill: "none",
      stroke: colour,
      "stroke-width": (0.75 + 5 * share).toFixed(2),
      "stroke-opacity": (0.12 + 0.78 * Math.sqrt(share)).toFixed(2),
      "stroke-linecap": "round",
    });
  });
  const dots =
    q <= 400 &&
    Array.from({ length: q + 1 }, (_, t) =>
      svg("circle", { cx: x(t), cy: GROUND, r: 1.5, fill: ink }),
    );
  const places = fitting([x(q), ...order.map(({ k }) => x(k))], 15);
  const byPlace = new Map([[x(q), q], ...order.map(({ k }) => [x(k), k])]);
  const labels = places.slice(0, 40).map((place) =>
    svg(
      "text",
      {
        transform: `translate(${place} ${GROUND + 8}) rotate(55)`,
        "font-size": 11,
        fill: ink,
        "dominant-baseline": "middle",
        "font-weight": byPlace.get(place) === q ? 700 : 400,
      },
      visible(tokens[byPlace.get(place)]).slice(0, 9),
    ),
  );
  return svg(
    "svg.arcs.mono",
    {
      role: "img",
      "aria-label": title,
      width,
      height: HEIGHT,
      viewBox: `0 0 ${width} ${HEIGHT}`,
      xmlns: "http://www.w3.org/2000/svg",
    },
    paths.reverse(),
    dots,
    labels,
  );
}

/** The largest values of a row as bars. onPick(k) on click. */
export function bars(row, tokens, onPick, count = 10) {
  const order = ranked(row.values).slice(0, count);
  const top = order[0]?.value || 1;
  return h(
    "ol.row-bars",
    {},
    order.map(({ value, k }) => {
      const bar = h("i");
      bar.style.width = `${(100 * value) / top}%`;
      return h(
        "li",
        {},
        h(
          "button.row-bar",
          {
            type: "button",
            on: { click: () => onPick(k) },
          },
          h("span.mono", {}, visible(tokens[k])),
          h("span.muted", {}, `at ${k}`),
          h("span.meter", { "aria-hidden": "true" }, bar),
          h("span.n", {}, num(value, 4)),
        ),
      );
    }),
  );
}

/** The rows of a table or file. Of a live row only the picture is known. */
export const rowData = (row, tokens) =>
  row.values.map((shown, k) => ({
    position: k,
    token: visible(tokens[k]),
    weight: row.weights?.[k],
    value_norm: row.norms?.[k],
    shown,
  }));

/** A table of objects with the same keys; numbers to so many digits. */
export function tableOf(rows, caption, digits) {
  const names = Object.keys(rows[0] ?? {});
  const number = (name) => typeof rows[0][name] !== "string";
  return h(
    "table.table",
    {},
    h("caption", {}, caption),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        names.map((name) =>
          h(
            number(name) ? "th.n" : "th",
            { scope: "col" },
            name.replace("_", " "),
          ),
        ),
      ),
    ),
    h(
      "tbody",
      {},
      rows.map((row) =>
        h(
          "tr",
          {},
          names.map((name) =>
            number(name)
              ? h(
                  "td.n",
                  {},
                  Number.isInteger(row[name])
                    ? row[name]
                    : num(row[name], digits),
                )
              : h("td.mono", {}, row[name]),
          ),
        ),
      ),
    ),
  );
}
