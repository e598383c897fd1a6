// SPDX-License-Identifier: MIT
//
// One side of a comparison: its model, its parameters, what is changed in it.

import { fill, h } from "./dom.js";
import { editor } from "./edits.js";

const FIELDS = [
  ["temperature", "Temperature", { min: 0, max: 100, step: "any" }],
  ["top_k", "Top-k", { min: 0, step: 1 }],
  ["top_p", "Top-p", { min: 0, max: 1, step: "any" }],
  ["seed", "Seed", { min: 0, step: 1 }],
];

/** One side's model and parameters. */
export function setup(app, name, given, withEdits) {
  const model = h("select", { id: `compare-model-${name}` });
  const inputs = Object.fromEntries(
    FIELDS.map(([key, , props]) => [
      key,
      h("input", {
        id: `compare-${key}-${name}`,
        type: "number",
        required: true,
        ...props,
        value: String(given[key]),
      }),
    ]),
  );
  const edits = withEdits
    ? editor(app, {
        model: () => model.value,
        facts: () => app.models.get(model.value),
        kinds: ["scale_head", "scale_mlp", "add_vector"],
      })
    : null;
  edits?.set(Array.isArray(given.edits) ? given.edits : []);
  model.addEventListener("change", () => edits?.renew());
  const off = app.models.subscribe((list) => {
    const chosen = model.value || given.model || app.model()?.id;
    fill(
      model,
      list.map((m) => h("option", { value: m.id }, m.name || m.id)),
    );
    model.value = chosen;
  });
  return {
    off,
    node: h(
      "fieldset.card.stack.side",
      {},
      h("legend.side-name", {}, name),
      h("div.field", {}, h("label", { for: model.id }, "Model"), model),
      h(
        "div.cluster.side-fields",
        {},
        FIELDS.map(([key, label]) =>
          h(
            "div.field",
            {},
            h("label", { for: inputs[key].id }, label),
            inputs[key],
          ),
        ),
      ),
      edits && [
        h("p.hint", {}, "Changes in the model, only here:"),
        edits.node,
      ],
    ),
    valid: () => Object.values(inputs).every((x) => x.reportValidity()),
    values: () => ({
      model: model.value,
      ...Object.fromEntries(
        Object.entries(inputs).map(([key, x]) => [key, Number(x.value)]),
      ),
    }),
    edits: () => edits?.list() ?? [],
  };
}
