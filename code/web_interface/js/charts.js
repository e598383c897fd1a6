// SPDX-License-Identifier: MIT
//
// Two small charts in SVG: lines over a horizontal axis with labelled reference
// lines, and a list of bars. Colours come from the style sheet.

import { fill, h, num, svg } from "./dom.js";

const M = { top: 26, right: 132, bottom: 40, left: 52 };

/** Round numbers from low to high, about `n` of them. */
export function ticks(low, high, n = 5) {
  const raw = (high - low) / n;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].find((s) => s * power >= raw) * power;
  const out = [];
  for (let i = Math.ceil(low / step); i * step <= high * (1 + 1e-9); i++) {
    out.push(Number((i * step).toPrecision(12)));
  }
  return out;
}

/** 1, 2 and 5 times the powers of ten from low to high. */
export function logTicks(low, high) {
  const out = [];
  for (let e = Math.floor(Math.log10(low)); 10 ** e <= high; e++) {
    for (const m of [1, 2, 5]) {
      const x = Number((m * 10 ** e).toPrecision(6));
      if (x >= low && x <= high) out.push(x);
    }
  }
  return out;
}

/** Labels, [{y, ...}], moved apart so that none covers another. */
export function spread(labels, gap, low, high) {
  const out = labels.map((l) => ({ ...l, at: l.y })).sort((a, b) => a.y - b.y);
  for (let i = 0; i < out.length; i++) {
    out[i].at = Math.max(out[i].at, i ? out[i - 1].at + gap : low);
  }
  let limit = high;
  for (let i = out.length - 1; i >= 0; i--) {
    out[i].at = Math.min(out[i].at, limit);
    limit = out[i].at - gap;
  }
  return out;
}

/** At most `most` points that look the same: of each stretch its least and
 * largest. points: [[x, y], ...] by x. */
export function thin(points, most = 800) {
  if (points.length <= most) return points;
  const size = Math.ceil((2 * points.length) / most);
  const out = [];
  for (let i = 0; i < points.length; i += size) {
    const part = points.slice(i, i + size);
    let low = part[0];
    let high = part[0];
    for (const p of part) {
      if (p[1] < low[1]) low = p;
      if (p[1] > high[1]) high = p;
    }
    out.push(...(low[0] < high[0] ? [low, high] : [high, low]));
  }
  return out;
}

/** Exponential mean with the bias of its start taken out. */
export function smooth(points, keep = 0.9) {
  let mean = 0;
  let weight = 0;
  return points.map(([x, y]) => {
    mean = keep * mean + (1 - keep) * y;
    weight = keep * weight + (1 - keep);
    return [x, mean / weight];
  });
}

const path = (points, x, y) =>
  points
    .map(([a, b], i) => `${i ? "L" : "M"}${x(a).toFixed(1)} ${y(b).toFixed(1)}`)
    .join("");

/** {element, draw({width, series, references, x: {low, high, label, log},
 * y: {…}, summary})}; series: [{name, kind: "line" | "faint" | "dots",
 * points}], references: [{name, value, kind}]. */
export function lineChart() {
  const root = svg("svg.chart", { role: "img" });
  const place = (axis, from, to) => {
    const f = axis.log ? Math.log : Number;
    const [low, high] = [f(axis.low), f(axis.high)];
    const inside = (v) => Math.min(axis.high, Math.max(axis.low, v));
    return (v) =>
      from + ((f(inside(v)) - low) / (high - low || 1)) * (to - from);
  };

  function draw({ width, height = 380, series, references, x, y, summary }) {
    const narrow = width < 560;
    const right = width - (narrow || !references.length ? 12 : M.right);
    const bottom = height - M.bottom;
    const X = place(x, M.left, right);
    const Y = place(y, bottom, M.top);
    root.setAttribute("viewBox", `0 0 ${width} ${height}`);
    root.setAttribute("aria-label", summary);
    const all = [];
    const byPowers = y.log ? logTicks(y.low, y.high) : [];
    const yTicks = byPowers.length > 2 ? byPowers : ticks(y.low, y.high);
    for (const v of yTicks) {
      all.push(
        svg("line.grid", { x1: M.left, x2: right, y1: Y(v), y2: Y(v) }),
        svg(
          "text.tick",
          {
            x: M.left - 8,
            y: Y(v),
            "text-anchor": "end",
            "dominant-baseline": "middle",
          },
          num(v),
        ),
      );
    }
    const xTicks = x.log
      ? logTicks(x.low, x.high)
      : ticks(x.low, x.high, narrow ? 3 : 6);
    for (const v of xTicks) {
      all.push(
        svg(
          "text.tick",
          { x: X(v), y: bottom + 18, "text-anchor": "middle" },
          num(v),
        ),
      );
    }
    all.push(
      svg("line.axis", { x1: M.left, x2: right, y1: bottom, y2: bottom }),
      svg(
        "text.label",
        { x: right, y: height - 4, "text-anchor": "end" },
        x.label,
      ),
      svg("text.label", { x: 4, y: 12 }, y.label),
    );
    const inside = references.filter(
      (r) => r.value >= y.low && r.value <= y.high,
    );
    const labels = spread(
      inside.map((r) => ({ ...r, y: Y(r.value) })),
      16,
      M.top + 4,
      bottom - 4,
    );
    for (const r of labels) {
      all.push(
        svg(`line.reference.${r.kind}`, {
          x1: M.left,
          x2: right,
          y1: r.y,
          y2: r.y,
        }),
      );
      // On the lines themselves there is no room to move a name aside.
      if (narrow && r.kind === "ladder" && Math.abs(r.at - r.y) > 2) continue;
      all.push(
        narrow
          ? svg(
              "text.reference-name",
              { x: right - 4, y: r.at - 4, "text-anchor": "end" },
              r.name,
            )
          : svg(
              "text.reference-name",
              { x: right + 8, y: r.at, "dominant-baseline": "middle" },
              r.name,
            ),
      );
    }
    for (const s of series) {
      if (s.kind === "dots") {
        for (const [a, b] of s.points) {
          all.push(
            svg(
              "circle.dot",
              { cx: X(a), cy: Y(b), r: 4 },
              svg("title", `${s.name} ${num(b)} at ${num(a)}`),
            ),
          );
        }
      } else if (s.points.length) {
        all.push(svg(`path.line.${s.kind}`, { d: path(s.points, X, Y) }));
      }
    }
    fill(root, all);
  }
  return { element: root, draw };
}

/** A list of bars: [{label, value (0 to 1), text}]. */
export function barList(rows) {
  return h(
    "ul.bars",
    rows.map(({ label, value, text }) => {
      const bar = h("i");
      bar.style.width = `${Math.max(0, Math.min(1, value)) * 100}%`;
      return h(
        "li",
        h("span.bar-label", label),
        h("span.meter", { "aria-hidden": "true" }, bar),
        h("span.n", text),
      );
    }),
  );
}
