// SPDX-License-Identifier: MIT
//
// The control that chooses a model, and says what it is and whether it is in
// memory.

import { bytes, count, fill, h, short } from "./dom.js";

const STATES = {
  unloaded: "not loaded yet",
  loading: "loading …",
  loaded: "ready",
  failed: "cannot be loaded",
};

function facts(m) {
  return [
    m.n_ctx && `context ${count(m.n_ctx)}`,
    m.n_layers && `${m.n_layers} layers × ${m.n_heads} heads`,
    m.bytes && bytes(m.bytes),
    m.dtype,
  ].filter(Boolean);
}

/** The select with the line of facts below. */
export function modelPicker(app) {
  const select = h("select", {
    id: "model",
    "aria-describedby": "model-facts",
    on: { change: () => app.setModel(select.value) },
  });
  const line = h("p.hint.model-facts", { id: "model-facts" });
  const load = h(
    "button.button.small.quiet",
    {
      type: "button",
      on: {
        click: () =>
          app.load(app.model().id).catch((error) => app.toast(error)),
      },
    },
    "Load now",
  );
  const state = h("span.state");
  const element = h(
    "div.field.model-field",
    h("label", { for: "model" }, "Model"),
    select,
    h("div.cluster.tight", state, line, load),
  );

  const show = () => {
    const { models } = app;
    const chosen = app.model();
    fill(
      select,
      models
        .list()
        .map((m) =>
          h(
            "option",
            { value: m.id },
            [m.name || m.id, m.params && `${short(m.params)} parameters`]
              .filter(Boolean)
              .join(" · "),
          ),
        ),
    );
    select.disabled = !models.list().length;
    if (!chosen) {
      const none = models.connected === false ? "no server" : "looking …";
      fill(select, h("option", none));
      fill(
        line,
        models.connected === false ? "The server does not answer." : "",
      );
      load.hidden = true;
      state.hidden = true;
      return;
    }
    select.value = chosen.id;
    state.hidden = false;
    state.className = `state ${chosen.state}`;
    const away = chosen.state === "unloaded" && chosen.downloaded === false;
    state.textContent = away
      ? "is fetched when first used"
      : STATES[chosen.state];
    line.textContent =
      chosen.state === "failed" && chosen.error
        ? chosen.error
        : facts(chosen).join(" · ");
    load.hidden = chosen.state !== "unloaded" && chosen.state !== "failed";
  };
  const offs = [app.models.subscribe(show), app.onModel(show)];
  show();
  return { element, off: () => offs.forEach((off) => off()) };
}
