// SPDX-License-Identifier: MIT
//
// #/compare: two runs of one prompt beside each other (another model, seed,
// parameter or intervention), and "What if" (whatif.js).

import { fill, h } from "./dom.js";
import { segmented } from "./headtools.js";
import { TwoRuns } from "./tworuns.js";

export async function mount(root, app, params) {
  const body = h("div.stack");
  let mode = null;
  let view = null;
  const open = async (next, values) => {
    view?.unmount();
    view = null;
    mode = next;
    tabs.set(mode);
    if (mode === "runs") {
      view = new TwoRuns(body, app, values);
    } else {
      const { whatIf } = await import("./whatif.js");
      view = mode === next ? whatIf(body, app, values) : view;
    }
  };
  const tabs = segmented(
    "What to compare",
    [
      ["runs", "Two runs"],
      ["whatif", "What if"],
    ],
    "runs",
    (next) => {
      app.setParams({ mode: next === "runs" ? null : next });
      open(next, {});
    },
  );
  fill(
    root,
    h("h2.view-title", {}, "Compare"),
    h(
      "p.view-lead",
      {},
      "Change one thing and see what it does: another seed, " +
        "another model, a head switched off, a thought added.",
    ),
    tabs.node,
    body,
  );
  const modeOf = (values) => (values.mode === "whatif" ? "whatif" : "runs");
  await open(modeOf(params), params);
  return {
    update(values) {
      if (modeOf(values) !== mode) {
        open(modeOf(values), values);
      }
    },
    unmount() {
      mode = null;
      view?.unmount();
    },
  };
}
