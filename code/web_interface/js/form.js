// SPDX-License-Identifier: MIT
//
// What the person has chosen: model, prompt or conversation, parameters. It
// outlives the views, and becomes the body of a request or a link.

import { PARAMETERS, defaults, newSeed, toBody } from "./params.js";
import { toParams } from "./url.js";

export class Form {
  constructor({ model, mode, prompt, messages, values, seed }) {
    this.model = model;
    this.mode = mode;
    this.prompt = prompt; // null: not touched yet
    this.messages = messages; // [{role, content, generation?}]
    this.values = { ...defaults(), ...values };
    this.values.seed = seed === null ? null : Number(seed);
    this.listeners = new Set();
  }

  subscribe(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  changed(name = null) {
    for (const listener of [...this.listeners]) listener(name);
  }

  set(name, value) {
    this.values[name] = value;
    this.changed(name);
  }

  reset() {
    this.values = defaults();
    this.changed();
  }

  get isDefault() {
    return PARAMETERS.every(
      (p) => JSON.stringify(this.values[p.name]) === JSON.stringify(p.initial),
    );
  }

  #text() {
    return this.mode === "chat"
      ? {
          messages: this.messages.map(({ role, content }) => ({
            role,
            content,
          })),
        }
      : { prompt: this.prompt ?? "" };
  }

  body(text = this.#text()) {
    const seed = this.values.seed ?? newSeed();
    return { ...text, ...toBody(this.values), seed };
  }

  /** With the seed of the run that is shown, so that the link replays it. */
  toParams(model, generation) {
    const seed = generation?.recorded ? null : (generation?.seed ?? null);
    return toParams({
      ...this,
      model,
      seed: this.values.seed ?? seed,
      messages: this.messages.map(({ role, content }) => ({ role, content })),
    });
  }
}
