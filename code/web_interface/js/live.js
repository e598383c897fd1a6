// SPDX-License-Identifier: MIT
//
// Attention while the text is written: token event i brings a row (bytes) for
// each captured head, that of the token before it, at prompt + i - 1. The rest
// of the prompt has none.

import { weightOf } from "./palette.js";
import { at, bytesOf, cells, pool, sizeAt } from "./tiles.js";
import { plain } from "./tokens.js";

/** What to ask for, so that the text that is looked at is written (again). */
export function sameText({ run, from, text }, generation) {
  const asked = from === "generation" ? generation?.body : null;
  return asked
    ? { model: run.model, prompt: asked.prompt, messages: asked.messages }
    : {
        model: run.model,
        prompt: text ?? run.tokens.map(plain).join(""),
        messages: undefined,
      };
}

export class LiveRows {
  constructor(generation) {
    this.generation = generation;
    this.layer = null;
    this.rows = []; // by token of the answer: {head: bytes}
  }

  /** Takes what has come since; true if there is anything to show (there may
   * have been no prompt). */
  take() {
    const { tokens } = this.generation;
    for (let i = this.rows.length; i < tokens.length && tokens[i].attn; i++) {
      const { layer, rows } = tokens[i].attn;
      this.layer = layer;
      this.rows.push(
        Object.fromEntries(
          Object.entries(rows).map(([head, text]) => [head, bytesOf(text)]),
        ),
      );
    }
    return this.tokens.length > 0;
  }

  get heads() {
    return Object.keys(this.rows[0] ?? {}).map(Number);
  }

  /** As many tokens as there are queries. */
  get tokens() {
    const { prompt, tokens } = this.generation;
    return [...prompt, ...tokens].slice(
      0,
      prompt.length + this.rows.length - 1,
    );
  }

  plane(head) {
    const T = this.tokens.length;
    const first = T - this.rows.length;
    const codes = new Uint8Array(cells(T));
    this.rows.forEach((row, i) => {
      codes.set(row[head].subarray(0, first + i + 1), at(first + i, 0));
    });
    const s = sizeAt(0, T);
    return { s, T, codes: pool(codes, T, s) };
  }

  /** The weights of a row as the picture has them, or null. */
  row(head, q) {
    const bytes =
      this.rows[q - (this.tokens.length - this.rows.length)]?.[head];
    return bytes
      ? {
          q,
          values: Array.from(bytes.subarray(0, q + 1), weightOf),
          about: true,
        }
      : null;
  }
}

/** The button of the attention view `v`: writes the text (on), or stops. */
export async function write(v) {
  if (v.writingLive) {
    v.app.stop();
    return;
  }
  v.writingLive = true;
  v.liveButton.textContent = "Stop";
  try {
    const capture = { layer: v.state.layer, heads: v.heads() };
    const text = sameText(v.found, v.app.generation());
    const { error } = await v.app.generate({ capture, ...text });
    if (error) {
      v.app.toast(error);
    }
  } catch (error) {
    v.app.toast(error);
  } finally {
    v.writingLive = false;
    v.liveButton.textContent = "Write live";
  }
}

/** A generation of the page: its rows while it comes, its run at the end. */
export async function follow(v, g, what) {
  if (what === "done") {
    await v.source.busy(async () => ({
      run: await v.app.ensureRun(g),
      from: "generation",
    }));
    return;
  }
  const begin = performance.now();
  const over = g.done || v.scope.signal.aborted;
  if (what !== "tokens" || over || begin < v.rest) {
    return;
  }
  if (v.live?.generation !== g) {
    v.live = new LiveRows(g);
    v.body.hidden = false;
    v.named = true;
  }
  if (!v.live.take()) {
    return;
  }
  v.state.layer = v.live.layer;
  if (!v.live.heads.includes(v.state.head)) {
    v.state.head = v.live.heads[0];
  }
  v.tools.show(v.state, [v.live.layer], v.live.heads, true);
  v.view.setLive(v.live);
  // Long texts are drawn less often: a quarter of the time, not all of it.
  v.rest = performance.now() + 3 * (performance.now() - begin);
}
