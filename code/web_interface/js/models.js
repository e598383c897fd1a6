// SPDX-License-Identifier: MIT
//
// The models of the server: the list, kept fresh by /api/events, and the
// control that chooses one and says what it is and whether it is in memory.

import { bytes, count, fill, h, short } from "./dom.js";

const RETRY_MS = [500, 1000, 2000, 5000, 10000];

export class Models {
  constructor(api) {
    this.api = api;
    this.all = [];
    this.listeners = new Set();
    this.connected = null; // not known yet
    this.waiting = new Map(); // id -> [{resolve, reject}]
  }

  list = () => this.all;
  get = (id) => this.all.find((m) => m.id === id) ?? null;
  initial = () => this.all.find((m) => m.default) ?? this.all[0] ?? null;

  subscribe = (listener) => {
    this.listeners.add(listener);
    if (this.connected !== null) listener(this.all);
    return () => this.listeners.delete(listener);
  };

  #tell() {
    for (const listener of [...this.listeners]) listener(this.all);
  }

  #put(model) {
    const i = this.all.findIndex((m) => m.id === model.id);
    if (i < 0) this.all = [...this.all, model];
    else this.all = this.all.with ? this.all.with(i, model) : this.all.map((m, j) => (j === i ? model : m));
    this.#settle(model);
  }

  #settle(model) {
    if (model.state !== "loaded" && model.state !== "failed") return;
    for (const { resolve, reject } of this.waiting.get(model.id) ?? []) {
      if (model.state === "loaded") resolve(model);
      else reject(new Error(model.error ?? `${model.id} cannot be loaded.`));
    }
    this.waiting.delete(model.id);
  }

  /** The list once, then its changes for as long as the page lives. */
  async follow() {
    for (let failures = 0; ; failures++) {
      try {
        this.all = (await this.api.get("/api/models")).data;
        this.connected = true;
        this.#tell();
        failures = 0;
        await this.api.events("/api/events", {
          model: (model) => {
            this.#put(model);
            this.#tell();
          },
        });
      } catch (error) {
        this.error = error;
        this.connected = false;
        this.#tell();
      }
      const wait = RETRY_MS[Math.min(failures, RETRY_MS.length - 1)];
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }

  load = async (id) => {
    const model = this.get(id);
    if (model?.state === "loaded") return model;
    const loaded = new Promise((resolve, reject) => {
      this.waiting.set(id, [...(this.waiting.get(id) ?? []), { resolve, reject }]);
    });
    loaded.catch(() => {});
    const answer = await this.api.post("/api/models/load", { id });
    if (answer.state === "loaded") return { ...model, ...answer };
    return loaded;
  };
}

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
        click: () => app.load(app.model().id).catch((error) => app.toast(error)),
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
      models.list().map((m) =>
        h("option", { value: m.id },
          [m.name || m.id, m.params && `${short(m.params)} parameters`].filter(Boolean).join(" · ")),
      ),
    );
    select.disabled = !models.list().length;
    if (!chosen) {
      const none = models.connected === false ? "no server" : "looking …";
      fill(select, h("option", none));
      fill(line, models.connected === false ? "The server does not answer." : "");
      load.hidden = true;
      state.hidden = true;
      return;
    }
    select.value = chosen.id;
    state.hidden = false;
    state.className = `state ${chosen.state}`;
    const away = chosen.state === "unloaded" && chosen.downloaded === false;
    state.textContent = away ? "is fetched when first used" : STATES[chosen.state];
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
