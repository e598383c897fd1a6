// SPDX-License-Identifier: MIT
//
// The stub's tiles of attention, in every form that the real route has: bytes
// or halves, weights or |a v|, packed lower triangle of one level.

import { cell, hash } from "./stub_model.mjs";

/** The length of a value vector: made up, as /row tells it. */
export const valueNorm = (id, layer) => 1 + hash(id, layer);

/** The bits of the nearest half float of a number from 0 to 65504. */
export function toHalf(x) {
  if (x < 2 ** -14) return Math.round(x * 2 ** 24);
  let exponent = Math.floor(Math.log2(x));
  if (2 ** exponent > x) exponent--;
  const fraction = Math.round((x / 2 ** exponent - 1) * 1024);
  return ((exponent + 15) << 10) + fraction; // 1024 carries into the exponent
}

export function attentionTile(model, ids, query) {
  const { layer, head, level = 0, format = "u8", weighted = 0 } = query;
  const T = ids.length;
  const s = Math.min(T, 512 >> Number(level));
  const values = new Float64Array((s * (s + 1)) / 2);
  for (let q = 0; q < T; q++) {
    const i = cell(q, T, s);
    model.row(ids, Number(layer), Number(head), q).forEach((p, k) => {
      const at = (i * (i + 1)) / 2 + cell(k, T, s);
      const value = Number(weighted) ? p * valueNorm(ids[k], Number(layer)) : p;
      values[at] = Math.max(values[at], value);
    });
  }
  const scale = Number(weighted) ? Math.max(...values) : 1;
  const f16 = format === "f16";
  const bytes = Buffer.alloc(values.length * (f16 ? 2 : 1));
  values.forEach((value, n) => {
    if (f16) bytes.writeUInt16LE(toHalf(value / scale), 2 * n);
    else bytes[n] = Math.round(255 * Math.sqrt(value / scale));
  });
  return {
    bytes,
    headers: {
      "X-Shape": String(s),
      "X-Tokens": String(T),
      "X-Scale": String(scale),
      "X-Coding": f16 ? "f16" : "sqrt-u8",
    },
  };
}
