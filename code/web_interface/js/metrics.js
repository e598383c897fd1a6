// SPDX-License-Identifier: MIT
//
// metrics.jsonl as it is read line by line: the first line says what the run
// is, the others are steps, some with a validation loss or a sample. No DOM.

export class Metrics {
  constructor(head = null) {
    this.head = head;
    this.steps = head?.config?.config?.steps ?? head?.iters ?? 0;
    this.train = []; // [step, loss]
    this.validation = [];
    this.samples = [];
    this.lines = [];
    const rungs = (head?.ladder ?? []).filter((r) => r.n > 0);
    const best = rungs.length
      ? rungs.reduce((a, b) =>
          b.val_nats_per_char < a.val_nats_per_char ? b : a,
        )
      : null;
    this.best = best && { value: best.val_nats_per_char, n: best.n };
    // What a reader of as many characters as the model's can reach.
    this.floor = head?.entropy_floor?.fixed_windows ?? null;
  }

  get last() {
    return this.lines.at(-1) ?? null;
  }

  /** lines: objects, or JSON texts as the file has them. */
  add(lines) {
    for (const line of lines) {
      const r = typeof line === "string" ? JSON.parse(line) : line;
      if (typeof r.step !== "number" || typeof r.loss !== "number") continue;
      this.lines.push(r);
      this.train.push([r.step, r.loss]);
      const validation = r.val_loss_sampled ?? null;
      if (validation !== null) this.validation.push([r.step, validation]);
      if (r.sample)
        this.samples.push({ step: r.step, text: r.sample, loss: validation });
    }
  }

  /** The lines to compare with: for each n the best n-gram, the best of all,
   * and the floor. */
  references() {
    const byN = new Map();
    for (const r of this.head?.ladder ?? []) {
      const value = r.val_nats_per_char;
      if (!(byN.get(r.n) <= value)) byN.set(r.n, value);
    }
    const out = [...byN].map(([n, value]) => {
      const best = this.best?.n === n;
      const name =
        n === 0 ? "guessing" : n === 1 ? "letter counts" : `${n} letters`;
      return {
        name: best ? `counting: ${name}` : name,
        value,
        kind: best ? "best" : "ladder",
      };
    });
    if (this.floor !== null)
      out.push({ name: "floor", value: this.floor, kind: "floor" });
    return out;
  }

  /** Tokens a second, of the last 50 steps. */
  speed() {
    const part = this.lines
      .slice(-50)
      .map((r) => r.tokens_per_s)
      .sort((a, b) => a - b);
    return part[part.length >> 1] ?? 0;
  }

  /** Seconds left, by the last 100 steps; null when it is over or unknown. */
  eta(state) {
    const part = this.lines.slice(-100);
    if (state !== "running" || part.length < 2 || !this.steps) return null;
    const [a, b] = [part[0], part.at(-1)];
    const each = (b.seconds - a.seconds) / (b.step - a.step);
    return Math.max(0, this.steps - b.step) * each;
  }

  rows() {
    return this.lines.map((r) => ({
      step: r.step,
      tokens: r.tokens,
      loss: r.loss,
      val_loss: r.val_loss_sampled ?? null,
      lr: r.lr,
      grad_norm: r.grad_norm,
      tokens_per_s: r.tokens_per_s,
      seconds: r.seconds,
    }));
  }
}
