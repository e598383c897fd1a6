// SPDX-License-Identifier: MIT
//
// The three cards of the attention view: all heads, one head, text and row.

import { tableToggle } from "./a11y.js";
import { h } from "./dom.js";
import { exportMenu, saveCSV, saveJSON, savePNG, saveSVG } from "./export.js";
import { PATTERNS } from "./heads.js";

export function sheetCard(v) {
  v.sheetTable = h("div.table-wrap", {
    tabindex: "0",
    role: "region",
    "aria-label": "All heads as a table",
  });
  const button = h("button.button.small.quiet", { type: "button" });
  tableToggle(button, v.sheetTable);
  button.addEventListener("click", () => v.showSheetTable());
  return h(
    "section.card.stack.attention-sheet",
    { "aria-label": "All heads" },
    h(
      "div.spread",
      {},
      h("h3", {}, "All heads"),
      h("div.pick", {}, h("label", { for: "sort" }, "Sort"), v.sort),
    ),
    v.sheet.node,
    h(
      "p.legend.sheet-legend",
      {},
      PATTERNS.map(([letter, name]) =>
        h("span", {}, h("b", {}, letter), ` ${name}`),
      ),
    ),
    h("div.cluster", {}, button),
    v.sheetTable,
  );
}

export function headCard(v) {
  const { view } = v;
  const name = () => view.name().replaceAll(" ", "-");
  const exports = exportMenu([
    {
      label: "Picture (PNG)",
      run: () => savePNG(name(), view.matrix.picture),
    },
    {
      label: "Arcs (SVG)",
      run: () => view.picture && saveSVG(name(), view.picture),
    },
    { label: "Row (CSV)", run: () => saveCSV(name(), view.data()) },
    {
      label: "Row (JSON)",
      run: () =>
        saveJSON(name(), {
          model: v.run?.model,
          ...v.state,
          chosen: [...v.state.chosen],
          row: view.data(),
        }),
    },
    {
      label: "All heads (CSV)",
      run: () => saveCSV("heads", v.sheet.data()),
    },
  ]);
  return h(
    "section.card.stack.attention-head",
    { "aria-label": "One head" },
    h(
      "div.spread",
      {},
      view.title,
      h("span.cluster.tight", {}, v.liveButton, view.tableButton, exports),
    ),
    v.tools.node,
    view.matrix.node,
    h(
      "p.hint",
      {},
      "A row is a token that looks, a column one that is " +
        "looked at. Keys: arrows, Enter pins, [ ] head, { } layer, + − 0 zoom, " +
        "t table. Write live: rows arrive while the text grows.",
    ),
    h("div.cluster", {}, v.off),
    view.table,
  );
}

export function textCard({ view }) {
  return h(
    "section.card.stack.attention-text",
    { "aria-label": "Text and row" },
    h("h3", {}, "The text"),
    view.text.node,
    view.rowTitle,
    h("div.row-view", {}, view.arcs, view.bars),
  );
}
