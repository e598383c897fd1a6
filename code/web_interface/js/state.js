// SPDX-License-Identifier: MIT
//
// Generations: what the events of a stream add up to, which one is shown, the
// tree of branches ("continue with this one"), and the run of the server that
// belongs to one. No DOM here.

import { ApiError, LOST } from "./api.js";

let serial = 0;

export function newGeneration(fields) {
  return {
    key: ++serial, // of this page; `id` is the server's
    id: null,
    model: null,
    seed: null,
    params: {},
    chain: [],
    prompt: [],
    tokens: [],
    text: "",
    reason: null,
    usage: null,
    timings: null,
    run: null,
    error: null,
    phase: "waiting", // loading, prefill, writing, done, error
    prefill: { done: 0, total: 0 },
    parent: null, // {generation, at}: where a branch left another one
    recorded: false,
    done: false,
    ...fields,
  };
}

/** One event of the stream into the generation. */
export function take(g, event, data) {
  switch (event) {
    case "start": {
      const { id, run, model, seed, params, chain, prompt } = data;
      Object.assign(g, { id, run, model, seed, params, chain, prompt });
      break;
    }
    case "prefill":
      g.phase = data.loading ? "loading" : "prefill";
      g.prefill = data;
      break;
    case "token":
      g.phase = "writing";
      data.logprob_raw ??= -Infinity; // JSON has no infinity
      for (const a of data.top ?? []) a.logprob_raw ??= -Infinity;
      g.tokens.push(data);
      g.text += data.text;
      break;
    case "done":
      g.phase = "done";
      g.done = true;
      g.reason = data.reason;
      g.usage = data.usage;
      g.timings = data.timings;
      g.run = data.run ?? g.run;
      break;
    case "error":
      g.phase = "error";
      g.done = true;
      g.reason = "error";
      g.error =
        data instanceof Error ? data : new ApiError(0, data.error ?? data);
  }
  return g;
}

/** The path from the first generation to `g`, by its branches. */
export function lineage(g) {
  const path = [];
  for (let x = g; x; x = x.parent?.generation) path.unshift(x);
  return path;
}

/** `force` for a branch: the tokens before place `at` as they were, then `id`. */
export function branchForce(g, at, id) {
  return [
    ...g.tokens.slice(0, at).map((t, i) => ({ i, id: t.id })),
    { i: at, id },
  ];
}

const EVENTS = ["start", "prefill", "token", "done", "error"];

export class Session {
  constructor(api) {
    this.api = api;
    this.current = null;
    this.finished = [];
    this.listeners = new Set();
    this.abort = null;
    this.pending = false;
    this.runs = new WeakMap(); // generation -> {tokens, promise, checked}
  }

  subscribe(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  #tell(what) {
    for (const listener of [...this.listeners]) listener(this.current, what);
  }

  // Tokens are told once a frame, also while nobody sees the page.
  #tellTokens() {
    if (this.pending) return;
    this.pending = true;
    const go = () => {
      if (!this.pending) return;
      this.pending = false;
      this.#tell("tokens");
    };
    if (globalThis.document?.hidden) setTimeout(go, 250);
    else requestAnimationFrame(go);
  }

  show(g, what = "change") {
    this.current = g;
    this.#tell(what);
  }

  get busy() {
    return this.abort !== null;
  }

  /** Generates what the page shows. Resolves when it has ended, whatever the
   * end; see .error. */
  async generate(body, fields = {}) {
    if (this.busy) this.stop();
    const g = newGeneration({ ...fields, body, model: body.model });
    const abort = new AbortController();
    this.abort = abort;
    this.show(g, "start");
    const watch = {
      start: () => this.current === g && this.#tell("change"),
      prefill: () => this.current === g && this.#tell("change"),
      token: () => this.current === g && this.#tellTokens(),
    };
    await this.stream(body, watch, abort.signal, g);
    if (this.abort === abort) this.abort = null;
    if (!g.error) this.finished = [g, ...this.finished].slice(0, 20);
    if (this.current === g) {
      this.pending = false;
      this.#tell("done");
    }
    return g;
  }

  /** A generation that is not shown. */
  async stream(body, handlers = {}, signal, g = newGeneration({ body })) {
    const on = Object.fromEntries(
      EVENTS.map((event) => [
        event,
        (data) => {
          take(g, event, data);
          handlers[event]?.(data, g);
        },
      ]),
    );
    try {
      await this.api.events("/api/generate", on, {
        body: { ...body, stream: true },
        signal,
      });
      if (!g.done) throw new ApiError(0, LOST);
    } catch (error) {
      if (error.name === "AbortError") on.done(cancelled(g));
      else on.error(error);
    }
    return g;
  }

  /** Asks the server to stop and waits a moment for its last word; closing the
   * connection stops it as well. */
  stop() {
    const { abort, current: g } = this;
    if (!abort) return;
    if (g?.id) this.api.post("/api/cancel", { id: g.id }).catch(() => {});
    setTimeout(() => abort.abort(), g?.id ? 1500 : 0);
  }

  /** The server's run with the queries and caches of a generation: the one that
   * it has, else one made from its tokens. */
  ensureRun(g = this.current) {
    if (!g) return Promise.reject(new ApiError(0, NOTHING));
    const known = this.runs.get(g);
    const tokens = [...g.prompt, ...g.tokens].map((t) => t.id);
    if (known && known.tokens === tokens.length) {
      if (performance.now() - known.checked < 30000) return known.promise;
    }
    const promise = this.#findRun(g, tokens, known);
    const entry = {
      tokens: tokens.length,
      promise,
      checked: performance.now(),
    };
    this.runs.set(g, entry);
    promise.catch(() => this.runs.delete(g));
    return promise;
  }

  async #findRun(g, tokens, known) {
    if (!tokens.length) throw new ApiError(0, NOTHING);
    const id =
      known?.tokens === tokens.length ? (await known.promise).run : g.run;
    if (id) {
      const run = await this.api.get(`/api/runs/${id}`).catch((error) => {
        if (error.status === 404 || error.status === 410) return null;
        throw error;
      });
      if (run && run.tokens.length >= tokens.length - 1) return run;
    }
    const run = await this.api.post("/api/inspect", {
      model: g.model,
      tokens,
      capture: ["attention", "lens"],
      layers: "all",
    });
    g.run = run.run;
    return run;
  }
}

const NOTHING = {
  code: "nothing_yet",
  type: "invalid_request_error",
  message: "There is no text yet; write one first.",
  param: null,
};

function cancelled(g) {
  return {
    reason: "cancelled",
    usage: g.usage,
    timings: g.timings,
    run: g.run,
  };
}
