// SPDX-License-Identifier: MIT
//
// The models of the server: the list, kept fresh by /api/events, and loading.

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
    else
      this.all = this.all.with
        ? this.all.with(i, model)
        : this.all.map((m, j) => (j === i ? model : m));
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
      this.waiting.set(id, [
        ...(this.waiting.get(id) ?? []),
        { resolve, reject },
      ]);
    });
    loaded.catch(() => {});
    const answer = await this.api.post("/api/models/load", { id });
    if (answer.state === "loaded") return { ...model, ...answer };
    return loaded;
  };
}
