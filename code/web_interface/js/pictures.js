// SPDX-License-Identifier: MIT
//
// The data of one run's pictures: tiles for the eye (kept up to 64 MiB), exact
// rows for numbers. A `view` is {heads: [[layer, head], ..], how: "head" |
// "mean" | "max", weighted, nosink}.

import { query } from "./api.js";
import {
  combine,
  encode,
  halves,
  rowWithoutFirst,
  sizeAt,
  TileCache,
  withoutFirst,
} from "./tiles.js";

const tiles = new TileCache();
const rows = new TileCache(8 << 20);

export const dropPictures = () => (tiles.clear(), rows.clear());

export class Pictures {
  constructor(app, run) {
    this.app = app;
    this.run = run;
    this.T = run.tokens.length;
  }

  async tile([layer, head], level, weighted, format, signal) {
    const path =
      `/api/runs/${this.run.run}/attention` +
      query({
        layer,
        head,
        format,
        level,
        weighted: weighted ? 1 : null,
      });
    let tile = tiles.get(path);
    if (!tile) {
      const answer = await this.app.api.binary(path, { signal });
      const s = sizeAt(level, this.T);
      tile = { s, T: this.T, scale: answer.scale ?? 1 };
      if (format === "u8") {
        tile.codes = new Uint8Array(answer.buffer);
      } else {
        tile.weights = halves(answer.buffer);
      }
      tiles.set(
        path,
        tile,
        answer.buffer.byteLength * (format === "u8" ? 1 : 2),
      );
    }
    return tile;
  }

  /** {s, T, codes} to draw. */
  async plane({ heads, how, weighted, nosink }, level, signal) {
    if (heads.length === 1 && !nosink) {
      return this.tile(heads[0], level, weighted, "u8", signal);
    }
    const parts = await Promise.all(
      heads.map((head) => this.tile(head, level, weighted, "f16", signal)),
    );
    let sum = parts.length > 1 ? combine(parts, how) : parts[0];
    if (nosink) {
      sum = weighted ? withoutColumn(sum) : withoutFirst(sum);
    }
    const top = weighted ? sum.weights.reduce((a, b) => Math.max(a, b), 0) : 1;
    return { s: sum.s, T: sum.T, codes: encode(sum.weights, top || 1) };
  }

  /** Exact: {q, weights, norms, values}, where `values` is what the picture
   * shows (weights, or |a v|, without the first token if that is hidden). */
  async row({ heads, how, weighted, nosink }, q, signal) {
    const parts = await Promise.all(
      heads.map(async ([layer, head]) => {
        const path =
          `/api/runs/${this.run.run}/row` + query({ layer, head, q });
        let row = rows.get(path);
        if (!row) {
          row = await this.app.api.get(path, { signal });
          rows.set(path, row, 16 * (q + 1));
        }
        return row;
      }),
    );
    const over = (value) =>
      Array.from({ length: q + 1 }, (_, k) => {
        const all = parts.map((row) => value(row, k));
        return how === "max"
          ? Math.max(...all)
          : all.reduce((a, b) => a + b, 0) / all.length;
      });
    const weights = over((row, k) => row.weights[k]);
    const norms = over((row, k) => row.value_norms[k]);
    let values = weighted
      ? over((row, k) => row.weights[k] * row.value_norms[k])
      : weights;
    if (nosink) {
      values = weighted
        ? values.map((x, k) => (k ? x : 0))
        : rowWithoutFirst(values);
    }
    return { q, weights, norms, values };
  }
}

function withoutColumn(tile) {
  const weights = new Float32Array(tile.weights);
  for (let i = 0, n = 0; i < tile.s; n += ++i) {
    weights[n] = 0;
  }
  return { ...tile, weights };
}
