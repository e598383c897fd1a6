// SPDX-License-Identifier: MIT
//
// The sampler chain of llm/generation/samplers.cpp, in the same order and with
// the same rules, over the raw logits of one position, fast enough to follow a
// slider: penalties -> top-k -> typical-p -> top-p -> min-p -> temperature
// (greedy in place of all filters when the temperature is 0). Of tokens that
// are equally good the lower id stays. All but typical-p keep a beginning of
// one sorted list, which is made once.

import { exp32, logSumExp, probabilities, softmax } from "./dist.js";

const f = Math.fround;

/** Ids by falling value, lower id first among equals: a stable radix sort over
 * the bits of the floats, three passes of 11. */
export function sortFalling(values) {
  const n = values.length;
  const keys = new Uint32Array(n);
  const bits = new Uint32Array(values.buffer, values.byteOffset, n);
  for (let i = 0; i < n; i++) {
    const b = bits[i] === 0x80000000 ? 0 : bits[i]; // -0 equals 0
    keys[i] = b & 0x80000000 ? b : ~b & 0x7fffffff; // rising key, falling value
  }
  let from = new Uint32Array(n);
  for (let i = 0; i < n; i++) from[i] = i;
  let to = new Uint32Array(n);
  for (const shift of [0, 11, 22]) {
    const starts = new Uint32Array(2048);
    for (let i = 0; i < n; i++) starts[(keys[i] >>> shift) & 2047]++;
    for (let b = 0, sum = 0; b < 2048; b++) {
      const size = starts[b];
      starts[b] = sum;
      sum += size;
    }
    for (let i = 0; i < n; i++) {
      const id = from[i];
      to[starts[(keys[id] >>> shift) & 2047]++] = id;
    }
    [from, to] = [to, from];
  }
  return from;
}

/** As C's "%.6g". */
export function sixDigits(value) {
  const x = f(value);
  const [, exponent] = x.toExponential(5).split("e");
  if (x !== 0 && (exponent < -4 || exponent >= 6)) {
    const [digits] = x.toExponential(5).split("e");
    const size = String(Math.abs(exponent)).padStart(2, "0");
    return `${Number(digits)}e${exponent < 0 ? "-" : "+"}${size}`;
  }
  return String(Number(x.toPrecision(6)));
}

/** The active stages, by the names and in the words of the C++ chain. */
export function makeChain(s) {
  const chain = [];
  const add = (on, name, effect) => on && chain.push({ name, effect });
  const six = sixDigits;
  add(
    s.repetition_penalty !== 1,
    "repetition-penalty",
    `divides positive logits of seen tokens by ${six(s.repetition_penalty)} and multiplies negative ones`,
  );
  add(
    s.frequency_penalty !== 0,
    "frequency-penalty",
    `subtracts ${six(s.frequency_penalty)} from a token's logit for each time it was seen`,
  );
  add(
    s.presence_penalty !== 0,
    "presence-penalty",
    `subtracts ${six(s.presence_penalty)} once from the logit of each seen token`,
  );
  if (s.temperature === 0) {
    add(true, "greedy", "keeps only the most likely token (temperature 0)");
    return chain;
  }
  add(s.top_k > 0, "top-k", `keeps the ${s.top_k} most likely tokens`);
  add(
    s.typical_p < 1,
    "typical-p",
    `keeps the tokens whose surprise is nearest to the entropy, until their probabilities sum to ${six(s.typical_p)}`,
  );
  add(
    s.top_p < 1,
    "top-p",
    `keeps the most likely tokens until their probabilities sum to ${six(s.top_p)}`,
  );
  add(
    s.min_p > 0,
    "min-p",
    `keeps the tokens at least ${six(s.min_p)} times as likely as the most likely one`,
  );
  const spread = s.temperature < 1 ? "likely" : "unlikely";
  add(
    s.temperature !== 1,
    "temperature",
    `divides the logits by ${six(s.temperature)}: ${spread} tokens become more likely`,
  );
  return chain;
}

/** The logits of one position (Float32Array) and the ids before it. What a
 * stage gives depends on its own value and those before; it is remembered, so
 * that a slider computes only what comes after it. */
export class Position {
  constructor(logits, seen = []) {
    this.logits = logits;
    this.counts = new Map();
    for (const id of seen) this.counts.set(id, (this.counts.get(id) ?? 0) + 1);
    this.raw = probabilities(logits);
    this.known = new Map();
  }

  /** Every stage: {name, effect, ids (Uint32Array of the survivors, likeliest
   * first), survivors, mass (raw probability kept), has(id), p(id)}; the first
   * is "softmax", p is among the survivors. */
  stages(settings) {
    let key = "softmax";
    let stage = this.#remember(key, () =>
      this.#look(
        sorted(this.logits),
        "softmax",
        "the probabilities of the model",
      ),
    );
    const out = [stage];
    for (const { name, effect } of makeChain(settings)) {
      const before = stage;
      key += `|${name} ${settings[name.replace("-", "_")] ?? ""}`;
      stage = this.#remember(key, () =>
        this.#look(this.#apply(name, settings, before), name, effect),
      );
      out.push(stage);
    }
    return out;
  }

  // The 40 that were used last.
  #remember(key, make) {
    const value = this.known.get(key) ?? make();
    this.known.delete(key);
    this.known.set(key, value);
    if (this.known.size > 40) this.known.delete(this.known.keys().next().value);
    return value;
  }

  #apply(name, s, now) {
    const { ids, logits } = now;
    const first = (n) => ({
      ...now,
      scale: undefined,
      ids: ids.subarray(0, n),
    });
    switch (name) {
      case "repetition-penalty":
        return this.#penalize(logits, (x) =>
          x < 0 ? x * f(s.repetition_penalty) : x / f(s.repetition_penalty),
        );
      case "frequency-penalty":
        return this.#penalize(
          logits,
          (x, n) => x - f(n * f(s.frequency_penalty)),
        );
      case "presence-penalty":
        return this.#penalize(logits, (x) => x - f(s.presence_penalty));
      case "greedy":
        return first(1);
      case "top-k":
        return first(s.top_k);
      case "typical-p":
        return typical(now, s.typical_p);
      case "top-p":
        return first(cheapest(now, ids, s.top_p));
      case "min-p": {
        const least = f(largest(logits, ids) + f(Math.log(f(s.min_p))));
        let n = 0;
        while (n < ids.length && logits[ids[n]] >= least) n++;
        return first(n);
      }
      default:
        return { ...now, divisor: s.temperature };
    }
  }

  #penalize(before, change) {
    const logits = Float32Array.from(before);
    for (const [id, n] of this.counts) logits[id] = change(logits[id], n);
    return sorted(logits);
  }

  #look({ logits, ids, place, divisor }, name, effect) {
    const max = largest(logits, ids);
    const t = f(divisor);
    let sum = 0;
    let mass = 0;
    for (const id of ids) {
      sum += Math.exp((logits[id] - max) / t);
      mass += this.raw[id];
    }
    const has = (id) => place[id] < ids.length;
    return {
      name,
      effect,
      ids,
      logits,
      place,
      divisor,
      has,
      survivors: ids.length,
      mass: Math.min(1, mass),
      p: (id) => (has(id) ? Math.exp((logits[id] - max) / t) / sum : 0),
    };
  }
}

// All ids, likeliest first, and where each of them stands in that list.
function sorted(logits) {
  const ids = sortFalling(logits);
  return { logits, ids, place: places(ids, logits.length), divisor: 1 };
}

function places(ids, size) {
  const place = new Uint32Array(size).fill(size);
  for (let i = 0; i < ids.length; i++) place[ids[i]] = i;
  return place;
}

const largest = (logits, ids) => logits[ids[0]]; // ids: likeliest first

// How many of `order` come before the probabilities of their predecessors sum
// to p, at least one. The probabilities are those among the ids of the stage
// `now`, summed in float32 as the server does.
function cheapest(now, order, limit) {
  const { logits, ids } = now;
  const max = largest(logits, ids);
  if (now.scale === undefined) {
    let sum = 0; // by rising id and in float32: rounding decides the last token
    for (let id = 0; id < logits.length; id++) {
      if (now.place[id] < ids.length) {
        sum = f(sum + exp32(f(logits[id] - max)));
      }
    }
    now.scale = f(1 / sum);
  }
  const { scale } = now;
  const p = f(limit);
  let before = 0;
  let n = 0;
  while (n < order.length && (n === 0 || before < p)) {
    const weight = f(exp32(f(logits[order[n]] - max)) * scale);
    before = f(before + weight);
    n++;
  }
  return n;
}

// Removes by distance, so what stays is no beginning of the list: it gets
// places of its own.
function typical(now, p) {
  const { logits } = now;
  const byId = Uint32Array.from(now.ids).sort(); // equals: the lower id first
  const kept = Float32Array.from(byId, (id) => logits[id]);
  const total = logSumExp(kept);
  const probability = softmax(kept);
  let entropy = 0;
  for (let i = 0; i < kept.length; i++) {
    if (probability[i] > 0) {
      entropy = f(entropy + f(probability[i] * f(total - kept[i])));
    }
  }
  const nearness = kept.map((x) => -Math.abs(f(f(total - x) - entropy)));
  const order = Uint32Array.from(sortFalling(nearness), (i) => byId[i]);
  const stays = new Uint8Array(logits.length);
  const n = cheapest(now, order, p);
  for (const id of order.subarray(0, n)) stays[id] = 1;
  const ids = now.ids.filter((id) => stays[id]);
  return { ...now, ids, place: places(ids, logits.length) };
}

/** The first stage that lacks the token, or null when it may be drawn. */
export function cutBy(stages, id) {
  return stages.find((stage) => !stage.has(id))?.name ?? null;
}
