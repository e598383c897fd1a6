// SPDX-License-Identifier: MIT
//
// The controls above one head's matrix: which head, how several are combined,
// what is hidden, contrast and zoom.

import { fill, h } from "./dom.js";

let serial = 0;

/** A labelled select; set(values, chosen) fills it. */
export function picker(label, onChange) {
  const id = `pick-${++serial}`;
  const select = h("select", {
    id,
    on: { change: () => onChange(Number(select.value)) },
  });
  return {
    node: h("div.pick", {}, h("label", { for: id }, label), select),
    set(values, chosen) {
      if (
        select.options.length !== values.length ||
        values.some((v, n) => select.options[n].value !== String(v))
      ) {
        fill(
          select,
          values.map((v) => h("option", { value: v }, String(v))),
        );
      }
      select.value = String(chosen);
    },
    disable: (off) => (select.disabled = off),
  };
}

/** Radio buttons in a row: choices [[value, text], ..]. */
export function segmented(label, choices, chosen, onChange) {
  const name = `segment-${++serial}`;
  const inputs = choices.map(([value, text]) => {
    const input = h("input", {
      type: "radio",
      name,
      value,
      checked: value === chosen,
      on: { change: () => onChange(value) },
    });
    return [input, h("label", {}, input, h("span", {}, text))];
  });
  return {
    node: h(
      "div.segmented",
      { role: "radiogroup", "aria-label": label },
      inputs.map(([, node]) => node),
    ),
    set: (value) => inputs.forEach(([x]) => (x.checked = x.value === value)),
  };
}

export function toggle(text, title, onChange) {
  const input = h("input", {
    type: "checkbox",
    on: { change: () => onChange(input.checked) },
  });
  return {
    node: h("label.switch", { title }, input, h("span", {}, text)),
    set: (on) => (input.checked = on),
  };
}

const small = (text, label, click) =>
  h(
    "button.button.small",
    {
      type: "button",
      "aria-label": label,
      title: label,
      on: { click },
    },
    text,
  );

/** on: change(patch), step(what, by), zoom(factor or 0), chooseLayer(), clear()
 */
export function headTools(on) {
  const layer = picker("Layer", (value) => on.change({ layer: value }));
  const head = picker("Head", (value) => on.change({ head: value }));
  const how = segmented(
    "Heads shown",
    [
      ["head", "One head"],
      ["mean", "Mean"],
      ["max", "Largest"],
    ],
    "head",
    (value) => on.change({ how: value }),
  );
  const set = h("p.hint.chosen-heads", { hidden: true });
  const weighted = toggle(
    "Weigh by value",
    "Each weight times the length of the value it fetches: |a·v|",
    (value) => on.change({ weighted: value }),
  );
  const nosink = toggle(
    "Hide first token",
    "Many heads rest on the first token; without it each row sums to 1 again",
    (value) => on.change({ nosink: value }),
  );
  const gamma = h("input", {
    type: "range",
    id: "gamma",
    min: "0.15",
    max: "1",
    step: "0.05",
    on: { input: () => on.change({ gamma: Number(gamma.value) }) },
  });
  const node = h(
    "div.stack.head-tools",
    {},
    h(
      "div.cluster",
      {},
      layer.node,
      head.node,
      h(
        "span.cluster.tight",
        {},
        small("‹", "Previous head  [", () => on.step("head", -1)),
        small("›", "Next head  ]", () => on.step("head", 1)),
      ),
      how.node,
    ),
    set,
    h(
      "div.cluster",
      {},
      weighted.node,
      nosink.node,
      h("div.pick", {}, h("label", { for: "gamma" }, "Contrast"), gamma),
      h(
        "span.cluster.tight",
        {},
        small("−", "Zoom out  -", () => on.zoom(1 / 1.5)),
        small("+", "Zoom in  +", () => on.zoom(1.5)),
        small("Fit", "Show the whole matrix  0", () => on.zoom(0)),
      ),
    ),
  );
  return {
    node,
    /** state: see attention.js; live: only the heads that arrive. */
    show(state, layers, heads, live) {
      layer.set(layers, state.layer);
      layer.disable(live);
      head.set(heads, state.head);
      how.set(state.how);
      weighted.set(state.weighted);
      nosink.set(state.nosink);
      gamma.value = state.gamma;
      set.hidden = state.how === "head" || live;
      const n = state.chosen.size;
      fill(
        set,
        n ? `${n} head${n > 1 ? "s" : ""} chosen. ` : "",
        "Click heads on the left to add or remove them. ",
        h(
          "button.button.small.quiet",
          {
            type: "button",
            on: { click: on.chooseLayer },
          },
          `All of layer ${state.layer}`,
        ),
        h(
          "button.button.small.quiet",
          {
            type: "button",
            on: { click: on.clear },
          },
          "None",
        ),
      );
    },
  };
}
