// SPDX-License-Identifier: MIT
//
// Distributions over the vocabulary and how a token's place in one becomes a
// colour. The model's own arithmetic is float32 (Math.fround where it decides
// something); logarithms are natural (nats) unless a name says bits.

const f = Math.fround;

const POWERS = Float64Array.from({ length: 129 }, (_, i) => 2 ** -i);
const COEFFICIENTS = Float32Array.of(
  1.339887440266574e-3,
  9.61843735767464e-3,
  5.550332471162809e-2,
  2.402264791363012e-1,
  6.931472028550421e-1,
  1,
);
const FIRST = f(1.5353361883195e-4);
const LOG2E = f(1.442695);

/** e^x for x <= 0 in float32, bit by bit as MLX computes it on a processor
 * (mlx/backend/cpu/simd/math.h): 2^(x / ln 2), a polynomial between whole
 * powers. Where a filter cuts depends on the last bit. */
export function exp32(x) {
  if (!(x >= -88)) return 0;
  const y = f(x * LOG2E);
  const whole = Math.floor(f(y + 0.5));
  const part = f(y - whole);
  let sum = FIRST;
  for (let i = 0; i < 6; i++) sum = f(sum * part + COEFFICIENTS[i]);
  return f(POWERS[-whole] * sum);
}

/** softmax as the server's processor computes it: exp(x - max) and their sum
 * in float32, one after the other, then times 1 / sum. -Infinity becomes 0. */
export function softmax(logits, out = new Float32Array(logits.length)) {
  const max = largest(logits);
  let sum = 0;
  for (let i = 0; i < logits.length; i++) {
    out[i] = exp32(f(logits[i] - max));
    sum = f(sum + out[i]);
  }
  const scale = f(1 / sum);
  for (let i = 0; i < logits.length; i++) out[i] *= scale;
  return out;
}

/** The same as exactly as can be: for what is shown. */
export function probabilities(logits) {
  const max = largest(logits);
  const out = Float64Array.from(logits, (x) => Math.exp(x - max));
  const sum = out.reduce((a, b) => a + b, 0);
  return out.map((e) => e / sum);
}

/** log(sum of exp), nats, in float32 as well. */
export function logSumExp(logits) {
  const max = largest(logits);
  let sum = 0;
  for (let i = 0; i < logits.length; i++) {
    sum = f(sum + exp32(f(logits[i] - max)));
  }
  return f(f(Math.log(sum)) + max);
}

function largest(logits) {
  let max = -Infinity;
  for (let i = 0; i < logits.length; i++) if (logits[i] > max) max = logits[i];
  return max;
}

/** -sum p log p, nats. */
export function entropy(p) {
  let h = 0;
  for (let i = 0; i < p.length; i++) if (p[i] > 0) h -= p[i] * Math.log(p[i]);
  return h;
}

/** 1 for the likeliest; of equals the lower id comes first. */
export function rank(logits, id) {
  let r = 1;
  for (let i = 0; i < logits.length; i++) {
    if (logits[i] > logits[id] || (logits[i] === logits[id] && i < id)) r++;
  }
  return r;
}

/** How surprising a token was, in bits: -log2 p. */
export const surprise = (logprob) => Math.max(0, -logprob / Math.LN2);

// Colours: sixteen levels, the classes h0 (the page's own ground) to h15 of
// styles.css, which are monotone in luminance in both themes. Level grows with
// how unexpected a token is, whatever the measure.

const LEVELS = 16;
const level = (x) =>
  Number.isNaN(x) ? 0 : Math.max(0, Math.min(LEVELS - 1, Math.round(15 * x)));

export const MEASURES = {
  surprise: {
    label: "Surprise",
    ends: ["expected", "surprising"],
    about: "−log₂ p: how many bits the token was worth",
    level: (t) => level(surprise(t.logprob_raw) / 12),
    text: (t) => `${surprise(t.logprob_raw).toFixed(1)} bits`,
  },
  probability: {
    label: "Probability",
    ends: ["sure", "unlikely"],
    about: "p: the model's own probability of the token",
    level: (t) => level(1 - Math.exp(t.logprob_raw)),
    text: (t) => `p = ${Math.exp(t.logprob_raw).toPrecision(2)}`,
  },
  rank: {
    label: "Rank",
    ends: ["first choice", "far down the list"],
    about: "how many tokens were likelier",
    level: (t) => level(Math.log10(t.rank ?? 1) / 3),
    text: (t) => (t.rank ? `rank ${t.rank}` : "no rank"),
  },
  entropy: {
    label: "Entropy",
    ends: ["one candidate", "wide open"],
    about: "how undecided the model was before it drew",
    level: (t) => level((t.entropy ?? 0) / Math.LN2 / 10),
    text: (t) =>
      t.entropy === undefined
        ? "no entropy"
        : `${(t.entropy / Math.LN2).toFixed(1)} bits of choice`,
  },
};

/** Tokens that get a dotted line beside their colour: p below 5 %. */
export const isUnlikely = (t) => t.logprob_raw < Math.log(0.05);
