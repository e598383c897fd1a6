// SPDX-License-Identifier: MIT
//
// The parameters of a generation: their ranges (those of the server, in
// llm/generation/sampling_config.cpp; it checks again) and where they begin: a
// little safer than the model's own distribution (the API's default), because a
// small model rambles there. settings.js says what each of them does.

/** name: of the API; initial: of the page, neutral: of the API if it is
 * another. */
export const PARAMETERS = [
  { name: "temperature", initial: 0.8, neutral: 1, min: 0, max: 100 },
  { name: "top_p", initial: 0.95, neutral: 1, min: 0, max: 1 },
  { name: "top_k", initial: 0, min: 0, max: 2147483647, whole: true },
  { name: "max_tokens", initial: 256, min: 1, max: 1000000, whole: true },
  { name: "min_p", initial: 0, min: 0, max: 1 },
  { name: "typical_p", initial: 1, min: 0, max: 1 },
  { name: "repetition_penalty", initial: 1, min: 0.01, max: 100 },
  { name: "frequency_penalty", initial: 0, min: -2, max: 2 },
  { name: "presence_penalty", initial: 0, min: -2, max: 2 },
  { name: "stop", initial: [], list: true },
  {
    name: "seed",
    initial: null,
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    whole: true,
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
    Number.isFinite(value) &&
    value >= p.min &&
    value <= p.max &&
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
    if (p.list ? value.length : value !== (p.neutral ?? p.initial))
      body[p.name] = value;
  }
  return body;
}

/** A seed of our own, so that a run can be replayed. */
export const newSeed = () => crypto.getRandomValues(new Uint32Array(1))[0];
