// SPDX-License-Identifier: MIT
//
// Attention as numbers. A tile is {s, T, scale, codes | weights}: the packed
// lower triangle (row i has i + 1 keys) of s texels a side for T tokens; texel
// i has the largest of the tokens floor(i T / s) .. floor((i+1) T / s) - 1.

/** Index of (row i, column j <= i); the number of cells of s rows. */
export const at = (i, j) => (i * (i + 1)) / 2 + j;
export const cells = (s) => (s * (s + 1)) / 2;

/** The texel of a token. */
export const texelOf = (token, s, T) => Math.floor(((token + 1) * s - 1) / T);

export const sizeAt = (level, T) => Math.min(T, 512 >> level);

/** The finest level (0..3) of which each texel still gets a pixel; of equal
 * ones the last. */
export function levelFor(T, pixels) {
  for (let level = 3; level > 0; level--) {
    if (sizeAt(level, T) === T || sizeAt(level - 1, T) > pixels) {
      return level;
    }
  }
  return 0;
}

/** Largest value of each cell's block: T rows packed -> s rows packed. */
export function pool(packed, T, s) {
  if (s === T) {
    return packed.slice();
  }
  const out = new packed.constructor(cells(s));
  const texel = Array.from({ length: T }, (_, t) => texelOf(t, s, T));
  for (let q = 0, n = 0; q < T; q++) {
    const row = at(texel[q], 0);
    for (let k = 0; k <= q; k++, n++) {
      const cell = row + texel[k];
      if (packed[n] > out[cell]) {
        out[cell] = packed[n];
      }
    }
  }
  return out;
}

/** IEEE half -> number. */
export function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) {
    return sign * fraction * 2 ** -24;
  }
  if (exponent === 31) {
    return fraction ? NaN : sign * Infinity;
  }
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Little-endian halves -> floats. */
export function halves(buffer) {
  const view = new DataView(buffer);
  const out = new Float32Array(buffer.byteLength / 2);
  for (let i = 0; i < out.length; i++) {
    out[i] = half(view.getUint16(2 * i, true));
  }
  return out;
}

/** Base64 of bytes, as a live row comes. */
export const bytesOf = (text) =>
  Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

/** Mean or largest of tiles of one size, each times its scale. */
export function combine(tiles, how) {
  const out = new Float32Array(tiles[0].weights.length);
  for (const { weights, scale } of tiles) {
    for (let n = 0; n < out.length; n++) {
      const x = weights[n] * scale;
      out[n] = how === "max" ? Math.max(out[n], x) : out[n] + x / tiles.length;
    }
  }
  return { s: tiles[0].s, T: tiles[0].T, scale: 1, weights: out };
}

/** Weights without those on token 0; each row again sums to 1. Where a texel is
 * several tokens the rest is taken as 1 - (weight on token 0). */
export function withoutFirst({ s, T, scale, weights }) {
  const out = new Float32Array(weights);
  for (let i = 0; i < s; i++) {
    const row = out.subarray(at(i, 0), at(i, i) + 1);
    const first = row[0];
    row[0] = 0;
    const rest = s === T ? row.reduce((a, b) => a + b, 0) : 1 - first;
    if (rest > 0) {
      row.forEach((x, j) => (row[j] = Math.min(1, x / rest)));
    }
  }
  return { s, T, scale, weights: out };
}

/** The same for one exact row. */
export function rowWithoutFirst(weights) {
  const rest = weights.slice(1).reduce((a, b) => a + b, 0);
  return weights.map((x, k) => (k === 0 || rest <= 0 ? 0 : x / rest));
}

/** Weights -> codes, where `top` becomes 255. */
export function encode(weights, top = 1) {
  const out = new Uint8Array(weights.length);
  for (let n = 0; n < out.length; n++) {
    out[n] = Math.min(255, Math.round(255 * Math.sqrt(weights[n] / top)));
  }
  return out;
}

/** Keeps what was used last, up to so many bytes. */
export class TileCache {
  constructor(limit = 64 << 20) {
    this.limit = limit;
    this.bytes = 0;
    this.entries = new Map();
  }

  get(key) {
    const entry = this.entries.get(key);
    if (entry) {
      this.entries.delete(key); // to the end: a Map keeps its order
      this.entries.set(key, entry);
    }
    return entry?.value;
  }

  set(key, value, bytes) {
    this.bytes += bytes - (this.entries.get(key)?.bytes ?? 0);
    this.entries.delete(key);
    this.entries.set(key, { value, bytes });
    for (const [old, entry] of this.entries) {
      if (this.bytes <= this.limit || old === key) {
        break;
      }
      this.bytes -= entry.bytes;
      this.entries.delete(old);
    }
  }

  clear() {
    this.entries.clear();
    this.bytes = 0;
  }
}
