// SPDX-License-Identifier: MIT
//
// Distributions over the vocabulary and how a token's place in one becomes a
// colour. The model's own arithmetic is float32 (Math.fround where it decides
// something); logarithms are natural (nats) unless a name says bits.

/** softmax in float32, as the server computes it: exp(x - max), its sum, the
 * product with 1 / sum. -Infinity becomes exactly 0. */
export function softmax(logits, out = new Float32Array(logits.length)) {
  let max = -Infinity;
  for (let i = 0; i < logits.length; i++) if (logits[i] > max) max = logits[i];
  let sum = 0;
  for (let i = 0; i < logits.length; i++) {
    out[i] = Math.exp(logits[i] - max);
    sum += out[i];
  }
  const scale = Math.fround(1 / Math.fround(sum));
  for (let i = 0; i < logits.length; i++) out[i] *= scale;
  return out;
}

/** log(sum of exp), nats. */
export function logSumExp(logits) {
  let max = -Infinity;
  for (let i = 0; i < logits.length; i++) if (logits[i] > max) max = logits[i];
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp(logits[i] - max);
  return max + Math.log(sum);
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
