// SPDX-License-Identifier: MIT
//
// A training run as tables: about a hundred of its steps, with all that have a
// validation loss, and what counting reaches.

import { count, h, num } from "./dom.js";

const ROWS = 100;

const head = (names) =>
  h(
    "thead",
    h(
      "tr",
      names.map((name) => h("th.n", { scope: "col" }, name)),
    ),
  );

export function numbersTable(metrics) {
  const all = metrics.rows();
  const step = Math.ceil(all.length / ROWS);
  const shown = all.filter(
    (r, i) => r.val_loss !== null || i % step === 0 || i === all.length - 1,
  );
  return h(
    "table.table",
    h("caption.visually-hidden", "Loss by step"),
    head([
      "Step",
      "Training loss",
      "Validation loss",
      "Learning rate",
      "Tokens/s",
    ]),
    h(
      "tbody",
      shown.map((r) =>
        h(
          "tr",
          h("td.n", count(r.step)),
          h("td.n", num(r.loss)),
          h("td.n", r.val_loss === null ? "" : num(r.val_loss)),
          h("td.n", num(r.lr)),
          h("td.n", count(Math.round(r.tokens_per_s))),
        ),
      ),
    ),
  );
}

/** null when the run has no ladder. */
export function ladderTable(metrics) {
  const ladder = metrics.head?.ladder ?? [];
  if (!ladder.length) return null;
  return h(
    "table.table",
    h("caption", "What counting reaches"),
    head(["Model", "n", "Nats per character"]),
    h(
      "tbody",
      ladder.map((r) =>
        h(
          "tr",
          h("td.n", r.model),
          h("td.n", r.n),
          h("td.n", num(r.val_nats_per_char)),
        ),
      ),
    ),
  );
}
