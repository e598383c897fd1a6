// SPDX-License-Identifier: MIT
//
// One of a few: radio buttons that look like a divided button.

import { h } from "./dom.js";

/** choices: {key: text}; onChange(key). */
export function segmented(name, choices, value, onChange, label) {
  return h(
    "fieldset.segmented",
    h("legend.visually-hidden", label),
    Object.entries(choices).map(([key, text]) =>
      h(
        "label",
        h("input", {
          type: "radio",
          name,
          value: key,
          checked: key === value,
          on: { change: () => onChange(key) },
        }),
        h("span", text),
      ),
    ),
  );
}
