// SPDX-License-Identifier: MIT
//
// Made-up training runs for the stub server: one finished, one that goes on
// while somebody looks, one without a ladder. The lines have the fields of
// llm/training/metrics.cpp.

import { hash } from "./stub_model.mjs";

const now = Math.floor(Date.now() / 1000);
export const TRAINING = [
  { id: "tiny-tales-2", name: "tiny-tales-2", state: "running", step: 700, steps: 2000, loss: 0.44, val_loss: 0.41, updated_s: now },
  { id: "tiny-tales-1", name: "tiny-tales-1", state: "finished", step: 2000, steps: 2000, loss: 0.35, val_loss: 0.314, updated_s: now - 7200 },
  { id: "mica", name: "mica", state: "stopped", step: 120, steps: 200, loss: 2.1, val_loss: 2.2, updated_s: now - 259200 },
];

const LADDER = [4.007, 3.057, 2.29, 1.574, 1.012, 0.708, 0.559, 0.483, 0.433].map((value, n) => ({
  model: n ? "witten-bell" : "uniform", n, k: 0, val_nats_per_char: value,
}));

function head(run) {
  const plain = run.id === "mica";
  return {
    run: run.id, config: { config: { steps: run.steps } }, data: "tiny-tales",
    ladder: plain ? [] : LADDER,
    entropy_floor: plain ? null : { source: 0.2504, fixed_windows: 0.2889, sliding: 0.2566 },
  };
}

function line(run, step) {
  const base = run.id === "mica" ? 2.1 : 0.3;
  const loss = base + (4 - base) * Math.exp(-step / 140) + 0.5 * Math.exp(-step / 900);
  const out = {
    step, tokens: 2048 * step, loss: loss + 0.06 * (hash(step, 7) - 0.5), lr: 0.012 * (1 - step / 2400),
    grad_norm: 0.4, tokens_per_s: 10200 + Math.round(900 * hash(step)), seconds: step * 0.19,
  };
  if (step % 250 === 0) out.val_loss_sampled = loss - 0.01;
  if (step % 200 === 0) {
    out.sample = step < 500
      ? "Otle bougle lived named Rosa had a red coat. Jax kept a shiny book. Hugo best friend was a flat cup."
      : "Lily was a quiet child from Snowdrop Lane. Every Tuesday Lucy marched by the muddy pond.\nOne cold Monday, Lily cooked soup, but there was no parsley.";
  }
  return JSON.stringify(out);
}

export function trainingEvents(id, { send, end }, request) {
  const run = TRAINING.find((r) => r.id === id) ?? TRAINING[1];
  send("head", head(run));
  send("state", { state: run.state });
  const lines = Array.from({ length: run.step }, (_, i) => line(run, i + 1));
  for (let i = 0; i < lines.length; i += 256) send("steps", { lines: lines.slice(i, i + 256) });
  if (run.state !== "running") {
    send("done", {});
    return end();
  }
  let step = run.step;
  const timer = setInterval(() => {
    step++;
    if (step > run.steps) {
      clearInterval(timer);
      send("state", { state: "finished" });
      send("done", {});
      return end();
    }
    send("steps", { lines: [line(run, step)] });
  }, 100);
  request.on("close", () => clearInterval(timer));
}
