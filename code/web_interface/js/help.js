// SPDX-License-Identifier: MIT
//
// The dialog "?": the keys of every view, and the voice for screen readers. It
// is loaded when it is first asked for.

import { h } from "./dom.js";

const KEYS = [
  [
    "Everywhere",
    [
      ["?", "this help"],
      [
        "g then w a l c t d",
        "go to Write, Attention, Layers, Compare, Training, Learn",
      ],
    ],
  ],
  [
    "Learn",
    [
      ["/", "search all pages"],
      ["n p", "next page, page before"],
    ],
  ],
  [
    "Write",
    [
      ["Ctrl Enter", "generate"],
      ["Esc", "stop"],
      ["← → ↑ ↓ Home End", "from token to token"],
      ["Enter", "look inside a token"],
      ["Alt ←", "back to where a branch began"],
    ],
  ],
  [
    "Pictures",
    [
      ["← → ↑ ↓ Home End PgUp PgDn", "move the cell"],
      ["[  ]", "previous, next head"],
      ["{  }", "previous, next layer"],
      ["Enter", "pin the cell"],
      ["t", "show the numbers as a table"],
    ],
  ],
];

export function helpDialog(app) {
  const rows = KEYS.map(([where, keys]) => [
    h("h3", where),
    h(
      "dl.keys",
      keys.map(([key, what]) => [
        h(
          "dt",
          key
            .split(" ")
            .filter(Boolean)
            .map((k) => (k === "then" ? " then " : h("kbd", k))),
        ),
        h("dd", what),
      ]),
    ),
  ]);
  const aloud = h("input", {
    type: "checkbox",
    on: { change: () => (app.readAloud = aloud.checked) },
  });
  const close = h("button.button.primary", { type: "submit" }, "Close");
  const box = h(
    "dialog.dialog",
    { "aria-labelledby": "help-title" },
    h(
      "form",
      { method: "dialog" },
      h("div.spread", h("h2", { id: "help-title" }, "Keys and hints"), close),
      h(
        "p.muted",
        "Every picture and every number can be reached without a mouse.",
      ),
      h(
        "div.help-columns",
        rows.map((r) => h("section", r)),
      ),
      h(
        "label.switch",
        aloud,
        h(
          "span",
          "Screen reader: speak the text while it is written, a sentence at a time",
        ),
      ),
    ),
  );
  document.body.append(box);
  return box;
}
