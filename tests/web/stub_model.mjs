// SPDX-License-Identifier: MIT
//
// A language model that is none: every number comes from a hash of what was
// read, so that the page can be tried and tested without the real server. The
// shapes, orders and codings are those of the real routes; its tokens are drawn
// by the page's own sampler, its attention has heads of every known kind.

import { entropy, logSumExp, rank } from "../../code/web_interface/js/dist.js";
import { Position, cutBy } from "../../code/web_interface/js/sampler.js";

const WORDS = (
  " the| a| of| and| in| to| was| is| that| it| she| he| on| with| for| as| sea| river| old| quiet| child| from| red| coat" +
  "| little| boat| house| garden| tree| morning| night| rain| light| under| over| through| walked| looked| said| found| made" +
  "| kept| remembered| answered| asked| again| never| always| small| green| blue| stone| bread| soup| letter| window| door" +
  "| winter| summer| Tuesday| Lily| Hugo| Mama| Otto| Paris| France| capital| city| people| world| first| second|,|.|!|?|\n|'s" +
  "|ing|ed|er|ly| é|ü| 世界"
).split("|");

/** A number in [0, 1) that depends on all its arguments (murmur3's mixing). */
export function hash(...parts) {
  let x = 0x9e3779b9;
  for (const part of parts) {
    x = Math.imul(x ^ (part + 0x7f4a7c15), 0x85ebca6b);
    x ^= x >>> 13;
    x = Math.imul(x, 0xc2b2ae35);
    x ^= x >>> 16;
  }
  return (x >>> 0) / 2 ** 32;
}

export class StubModel {
  constructor({ id, name, layers, heads, kvHeads, context, vocab, chat }) {
    Object.assign(this, { id, name, layers, heads, kvHeads, context, vocab, chat });
    this.noise = Float32Array.from({ length: vocab }, (_, i) => {
      const u = Math.max(1e-9, hash(i, 1));
      return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * hash(i, 2)) - 4;
    });
  }

  describe(state) {
    return {
      id: this.id, name: this.name, arch: "llama", params: 134515008,
      n_layers: this.layers, n_heads: this.heads, n_kv_heads: this.kvHeads,
      n_ctx: this.context, vocab: this.vocab, dtype: "4 bit", bytes: 91728992,
      state, downloaded: true, default: this.id === "smollm2", base: null,
      tokenizer: "bpe", error: null,
      capabilities: [...(this.chat ? ["chat"] : []), "attention", "lens", "whatif"],
    };
  }

  text(id) {
    if (id < WORDS.length) return WORDS[id];
    if (id === this.vocab - 1) return "\ufffd";
    return ` ${WORDS[id % 60].trim()}${id}`;
  }

  token(id) {
    const bytes = id === this.vocab - 1 ? [0xe2] : [...Buffer.from(this.text(id))];
    return { id, text: this.text(id), bytes };
  }

  /** Words that it knows, the others by their letters. */
  tokenize(text) {
    const out = [];
    for (const piece of text.match(/\s?[^\s]+|\s/g) ?? []) {
      const known = WORDS.indexOf(piece);
      const id = known >= 0 ? known : 100 + (piece.length * 131 + piece.charCodeAt(0) * 7) % 900;
      out.push({ id, text: piece, bytes: [...Buffer.from(piece)] });
    }
    return out;
  }

  /** Raw logits after `ids`. */
  logits(ids) {
    const out = Float32Array.from(this.noise);
    const [a, b] = [ids.at(-1) ?? 0, ids.at(-2) ?? 0];
    const sure = 3 + 9 * hash(a, b, 5); // sometimes sure, sometimes not
    for (let k = 0; k < 40; k++) {
      const id = Math.floor(hash(a, b, k, 11) * WORDS.length);
      out[id] = sure - k * 0.35 * hash(a, k) - (k ? 1 : 0);
    }
    return out;
  }

  /** {id, details} of the next token. */
  draw(ids, params, seed, i, forced, top) {
    const logits = this.logits(ids);
    const position = new Position(logits, ids);
    const stages = position.stages(params);
    const end = stages.at(-1);
    let id = forced;
    if (id === undefined) {
      let u = hash(seed % 2 ** 31, i, 77);
      id = end.ids[0];
      for (const candidate of end.ids) {
        u -= end.p(candidate);
        id = candidate;
        if (u < 0) break;
      }
    }
    const total = logSumExp(logits);
    const details = top && {
      prob_final: end.p(id),
      entropy: entropy(position.raw),
      rank: rank(logits, id),
      top: [...stages[0].ids.subarray(0, top)].map((t) => ({
        ...this.token(t),
        logprob_raw: logits[t] - total,
        prob_final: end.p(t),
        cut_by: cutBy(stages, t),
      })),
    };
    return { id, logprob_raw: logits[id] - total, details };
  }

  stages(ids, params, shown) {
    return new Position(this.logits(ids), ids).stages(params).map((s) => ({
      name: s.name, effect: s.effect, survivors: s.survivors, mass: s.mass,
      top: [...s.ids.subarray(0, shown)].map((id) => ({ id, text: this.text(id), p: s.p(id) })),
    }));
  }

  /** Attention of query q over 0..q. */
  row(ids, layer, head, q, off = false) {
    const kind = Math.floor(hash(layer, head, 3) * 5);
    const sharp = 2 + 4 * hash(layer, head, 4);
    const scores = Array.from({ length: q + 1 }, (_, k) => {
      let s = 1.5 * hash(layer, head, ids[q], ids[k], 9);
      if (k === 0) s += kind === 0 ? 6 : 2.5;
      if (kind === 1 && k === q - 1) s += sharp;
      if (kind === 2 && k > 0 && ids[k - 1] === ids[q]) s += sharp + 2;
      if (kind === 3) s -= (q - k) / (4 + 30 * hash(layer, head, 6));
      if (kind === 4 && k === q) s += sharp;
      return off ? 0 : s;
    });
    const most = Math.max(...scores);
    const e = scores.map((s) => Math.exp(s - most));
    const sum = e.reduce((x, y) => x + y, 0);
    return e.map((x) => x / sum);
  }

  /** Max-pooled to s x s: the lower triangle as a full square of floats. */
  square(ids, layer, head, s) {
    const T = ids.length;
    const out = new Float32Array(s * s);
    for (let q = 0; q < T; q++) {
      const row = this.row(ids, layer, head, q);
      const i = cell(q, T, s);
      row.forEach((p, k) => {
        const at = i * s + cell(k, T, s);
        out[at] = Math.max(out[at], p);
      });
    }
    return out;
  }

  headScores(ids) {
    const out = [];
    for (let layer = 0; layer < this.layers; layer++) {
      for (let head = 0; head < this.heads; head++) {
        const sums = { entropy: 0, sink: 0, prev: 0, induction: 0, distance: 0 };
        ids.forEach((id, q) => {
          this.row(ids, layer, head, q).forEach((p, k) => {
            sums.entropy -= p > 0 ? p * Math.log(p) : 0;
            sums.distance += p * (q - k);
            if (k === 0) sums.sink += p;
            if (k === q - 1) sums.prev += p;
            if (k > 0 && ids[k - 1] === id) sums.induction += p;
          });
        });
        for (const name in sums) sums[name] /= ids.length;
        out.push({ layer, head, kv_group: Math.floor((head * this.kvHeads) / this.heads), ...sums });
      }
    }
    return out;
  }

  lens(ids, from, to, topK) {
    return Array.from({ length: this.layers + 1 }, (_, layer) => ({
      layer,
      positions: Array.from({ length: to - from }, (_, n) => {
        const pos = from + n;
        // A few hundred words are enough here, and quick.
        const logits = this.logits(ids.slice(0, pos + 1)).subarray(0, 400);
        const part = layer / this.layers;
        const mixed = logits.map((x, i) => part * x + (1 - part) * 6 * hash(i, layer, pos));
        const position = new Position(mixed, []);
        const [stage] = position.stages(DEFAULTS);
        const best = new Position(logits, []).stages(DEFAULTS)[0].ids[0];
        return {
          pos, kl: 9 * (1 - part) ** 2, rank_final: rank(mixed, best),
          top: [...stage.ids.subarray(0, topK)].map((id) => ({ id, text: this.text(id), p: stage.p(id) })),
        };
      }),
    }));
  }
}

/** The pooled cell of an index: that i with floor(iT/s) <= x < floor((i+1)T/s). */
export function cell(x, T, s) {
  let i = Math.floor((x * s) / T);
  while (Math.floor(((i + 1) * T) / s) <= x) i++;
  while (Math.floor((i * T) / s) > x) i--;
  return i;
}

export const DEFAULTS = {
  temperature: 1, top_k: 0, top_p: 1, min_p: 0, typical_p: 1,
  repetition_penalty: 1, frequency_penalty: 0, presence_penalty: 0,
};
