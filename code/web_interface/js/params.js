// SPDX-License-Identifier: MIT
//
// The parameters of a generation: what each does in one sentence, its range
// (that of llm/generation/sampling_config.cpp; the server checks again) and
// the value at which it begins: a little safer than the model's own distribution
// (the API's default), because a small model rambles there.

/** name: of the API; initial: of the page, neutral: of the API if it is another;
 * slider: [low, high, step] where a slider helps. */
export const PARAMETERS = [
  {
    name: "temperature", label: "Temperature", initial: 0.8, neutral: 1,
    min: 0, max: 100, slider: [0, 2, 0.05], main: true,
    hint: "Below 1 the model plays safe, above 1 it dares more. 0 always takes the likeliest token.",
  },
  {
    name: "top_p", label: "Top-p", initial: 0.95, neutral: 1,
    min: 0, max: 1, slider: [0, 1, 0.01], main: true,
    hint: "Keeps the likeliest tokens until together they reach this probability. 1 keeps all.",
  },
  {
    name: "top_k", label: "Top-k", initial: 0,
    min: 0, max: 2147483647, slider: [0, 100, 1], main: true, whole: true,
    hint: "Keeps only this many of the likeliest tokens. 0 keeps all.",
  },
  {
    name: "max_tokens", label: "Length", initial: 256,
    min: 1, max: 1000000, slider: [16, 1024, 16], main: true, whole: true,
    hint: "At most this many tokens; the model may stop before.",
  },
  {
    name: "min_p", label: "Min-p", initial: 0,
    min: 0, max: 1, slider: [0, 0.5, 0.01],
    hint: "Removes tokens less likely than this share of the likeliest one. 0 removes none.",
  },
  {
    name: "typical_p", label: "Typical-p", initial: 1,
    min: 0, max: 1, slider: [0, 1, 0.01],
    hint: "Keeps tokens whose surprise is nearest to the average surprise, up to this probability. 1 keeps all.",
  },
  {
    name: "repetition_penalty", label: "Repetition penalty", initial: 1,
    min: 0.01, max: 100, slider: [0.8, 2, 0.01],
    hint: "Above 1, tokens that were already used become less likely.",
  },
  {
    name: "frequency_penalty", label: "Frequency penalty", initial: 0,
    min: -2, max: 2, slider: [-2, 2, 0.05],
    hint: "Lowers a token a little for each time it was used. 0 does nothing.",
  },
  {
    name: "presence_penalty", label: "Presence penalty", initial: 0,
    min: -2, max: 2, slider: [-2, 2, 0.05],
    hint: "Lowers a token once when it was used at all. 0 does nothing.",
  },
  {
    name: "stop", label: "Stop texts", initial: [], list: true,
    hint: "The model stops before it writes one of these, one a line: at most 16.",
  },
  {
    name: "seed", label: "Seed", initial: null, min: 0,
    max: Number.MAX_SAFE_INTEGER, whole: true,
    hint: "The same seed and settings give the same text again. Empty: a new one each time.",
  },
];

export const byName = Object.fromEntries(PARAMETERS.map((p) => [p.name, p]));

export const defaults = () =>
  Object.fromEntries(PARAMETERS.map((p) => [p.name, p.initial]));

/** What is wrong with a value, in the words of the server's checks, or null. */
export function problem(name, value) {
  const p = byName[name];
  if (p.list) {
    if (value.length > 16) {
      return `Expected at most 16 texts but received ${value.length}.`;
    }
    const long = value.find((s) => new TextEncoder().encode(s).length > 256);
    return long ? "Expected texts of at most 256 bytes; shorten one." : null;
  }
  if (value === null && name === "seed") return null;
  const range = `from ${p.min} to ${p.max.toLocaleString("en")}`;
  const given = value === null || Number.isNaN(value) ? "nothing" : value;
  const fine =
    Number.isFinite(value) && value >= p.min && value <= p.max &&
    (!p.whole || Number.isInteger(value)) &&
    (name !== "temperature" || value === 0 || value >= 0.001);
  if (fine) return null;
  return `Expected ${p.whole ? "a whole number " : ""}${range} but received ${given}.`;
}

/** The part of a request that belongs to the parameters: what is the API's
 * default is left out, so that a request shows what was chosen. */
export function toBody(values) {
  const body = {};
  for (const p of PARAMETERS) {
    const value = values[p.name];
    if (value === undefined || value === null) continue;
    if (p.list ? value.length : value !== (p.neutral ?? p.initial)) body[p.name] = value;
  }
  return body;
}

/** A seed of our own, so that a run can be replayed. */
export const newSeed = () => crypto.getRandomValues(new Uint32Array(1))[0];
