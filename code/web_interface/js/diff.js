// SPDX-License-Identifier: MIT
//
// What two lists of tokens have in common: the shortest edit script of Myers
// ("An O(ND) Difference Algorithm", 1986), by its greedy forward form.

/** The index of the diagonal from which round d reaches diagonal k. `furthest`
 * holds x of the diagonals -d-1 .. d+1 after round d - 1. */
function previous(furthest, d, k) {
  const x = (diagonal) => furthest[diagonal + d + 1];
  return k === -d || (k !== d && x(k - 1) < x(k + 1)) ? k + 1 : k - 1;
}

/** [{kind: "same" | "a" | "b", a, b}] in order; a and b are indices (the one
 * that has no meaning is absent). */
export function diff(left, right) {
  const [n, m] = [left.length, right.length];
  const middle = n + m + 1;
  const furthest = new Int32Array(2 * middle + 1).fill(-1);
  furthest[middle + 1] = 0;
  const trace = [];
  for (let d = 0; ; d++) {
    const before = furthest.slice(middle - d - 1, middle + d + 2);
    trace.push(before);
    for (let k = -d; k <= d; k += 2) {
      const from = previous(before, d, k);
      let x = before[from + d + 1] + (from < k ? 1 : 0);
      while (x < n && x - k < m && left[x] === right[x - k]) {
        x++;
      }
      furthest[middle + k] = x;
      if (x >= n && x - k >= m) {
        return backwards(trace, n, m);
      }
    }
  }
}

function backwards(trace, n, m) {
  const out = [];
  let [x, y] = [n, m];
  for (let d = trace.length - 1; d > 0; d--) {
    const from = previous(trace[d], d, x - y);
    const fromX = trace[d][from + d + 1];
    const fromY = fromX - from;
    while (x > fromX && y > fromY) {
      out.push({ kind: "same", a: --x, b: --y });
    }
    out.push(x > fromX ? { kind: "a", a: --x } : { kind: "b", b: --y });
  }
  while (x > 0) {
    out.push({ kind: "same", a: --x, b: --y });
  }
  return out.reverse();
}
