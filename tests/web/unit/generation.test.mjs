// SPDX-License-Identifier: MIT
//
// What the events of a stream add up to, how a session deals with servers that
// break off, refuse or forget, branches, and metrics.jsonl read line by line.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError } from "../../../code/web_interface/js/api.js";
import { logTicks, smooth, spread, thin, ticks } from "../../../code/web_interface/js/charts.js";
import { Metrics } from "../../../code/web_interface/js/metrics.js";
import { Session, branchForce, lineage, newGeneration, take } from "../../../code/web_interface/js/state.js";

globalThis.requestAnimationFrame ??= (f) => setTimeout(f, 0);
const token = (i, text) => ({ i, id: 10 + i, text, bytes: [...Buffer.from(text)], logprob_raw: -1, ms: 5 });
const START = { id: "g", run: null, model: "m", seed: 7, params: {}, chain: [], prompt: [{ id: 1, text: "Hi" }], protocol: 1 };
const DONE = { reason: "length", usage: {}, timings: { tokens_per_s: 9 }, run: "r" };

/** An api whose stream tells `events` and then does `end`. */
function fakeApi(events, end = () => {}) {
  const calls = [];
  return {
    calls,
    async events(path, on, { body }) {
      calls.push([path, body]);
      for (const [event, data] of events) {
        await null;
        on[event](data);
      }
      end();
    },
    async post(path, body) {
      calls.push([path, body]);
      return { run: "made", tokens: body.tokens.map((id) => ({ id })) };
    },
    async get(path) {
      calls.push([path]);
      throw new ApiError(410, { code: "run_expired", message: "gone" });
    },
  };
}

test("events add up", async () => {
  const session = new Session(fakeApi([["start", START], ["prefill", { done: 1, total: 1 }], ["token", token(0, "a")], ["token", token(1, "é")], ["done", DONE]]));
  const told = [];
  session.subscribe((g, what) => told.push([what, g.phase]));
  const g = await session.generate({ model: "m", prompt: "Hi" });
  assert.equal(g.text, "aé");
  assert.equal(g.reason, "length");
  assert.equal(g.run, "r");
  assert.equal(g.seed, 7);
  assert.equal(session.finished[0], g);
  assert.equal(session.busy, false);
  assert.deepEqual(told[0], ["start", "waiting"]);
  assert.deepEqual(told.at(-1), ["done", "done"]);
});

test("a stream without an end is an error, and is not kept", async () => {
  const session = new Session(fakeApi([["start", START], ["token", token(0, "a")]]));
  const g = await session.generate({ prompt: "Hi" });
  assert.equal(g.error.code, "connection_lost");
  assert.equal(g.text, "a");
  assert.equal(g.done, true);
  assert.deepEqual(session.finished, []);
});

test("refusals and error events keep the server's words", async () => {
  const refusal = new ApiError(400, { code: "out_of_range", message: "expected top_p", param: "top_p" });
  const refused = await new Session(fakeApi([], () => { throw refusal; })).generate({});
  assert.equal(refused.error, refusal);
  const told = await new Session(fakeApi([["start", START], ["error", { error: { code: "internal", message: "no. 12" } }]])).generate({});
  assert.equal(told.error.message, "no. 12");
});

test("an aborted stream ends as cancelled", async () => {
  const abort = () => { throw Object.assign(new Error("x"), { name: "AbortError" }); };
  const g = await new Session(fakeApi([["start", START]], abort)).generate({});
  assert.equal(g.reason, "cancelled");
  assert.equal(g.error, null);
});

test("a run that was forgotten is made again, once", async () => {
  const api = fakeApi([["start", START], ["token", token(0, "a")], ["done", DONE]]);
  const session = new Session(api);
  const g = await session.generate({});
  const [a, b] = await Promise.all([session.ensureRun(g), session.ensureRun(g)]);
  assert.equal(a.run, "made");
  assert.equal(a, b);
  assert.deepEqual(api.calls.slice(1).map((c) => c[0]), ["/api/runs/r", "/api/inspect"]);
  assert.deepEqual(api.calls[2][1].tokens, [1, 10]);
  await assert.rejects(new Session(api).ensureRun(), /no text yet/);
});

test("branches", () => {
  const a = newGeneration({});
  [0, 1, 2].forEach((i) => take(a, "token", token(i, "x")));
  const b = newGeneration({ parent: { generation: a, at: 2 } });
  assert.deepEqual(branchForce(a, 2, 99), [{ i: 0, id: 10 }, { i: 1, id: 11 }, { i: 2, id: 99 }]);
  assert.deepEqual(lineage(b), [a, b]);
});

test("metrics: lines of every kind", () => {
  const head = {
    run: "x", config: { config: { steps: 100 } }, entropy_floor: { fixed_windows: 0.29 },
    ladder: [{ model: "uniform", n: 0, val_nats_per_char: 4 }, { model: "add-k", n: 2, val_nats_per_char: 2.3 },
      { model: "witten-bell", n: 2, val_nats_per_char: 2.2 }, { model: "witten-bell", n: 3, val_nats_per_char: 1.5 }],
  };
  const m = new Metrics(head);
  m.add(['{"step":1,"loss":4,"lr":0.1,"tokens_per_s":10,"seconds":1}',
    { step: 2, loss: 3, val_loss_sampled: 3.1, sample: "Lily", tokens_per_s: 30, seconds: 2 },
    { forced: {}, step: 2 }]);
  assert.equal(m.steps, 100);
  assert.deepEqual(m.train, [[1, 4], [2, 3]]);
  assert.deepEqual(m.validation, [[2, 3.1]]);
  assert.deepEqual(m.samples, [{ step: 2, text: "Lily", loss: 3.1 }]);
  assert.equal(m.eta("running"), 98);
  assert.equal(m.eta("finished"), null);
  assert.deepEqual(m.references().map((r) => [r.name, r.value, r.kind]), [
    ["guessing", 4, "ladder"], ["2 letters", 2.2, "ladder"], ["counting: 3 letters", 1.5, "best"], ["floor", 0.29, "floor"]]);
  assert.deepEqual(new Metrics({ ladder: [], entropy_floor: null }).references(), []);
});

test("charts: ticks, smoothing, thinning, labels", () => {
  assert.deepEqual(ticks(0, 2000, 5), [0, 500, 1000, 1500, 2000]);
  assert.deepEqual(logTicks(0.28, 4.2), [0.5, 1, 2]);
  const flat = smooth([[0, 5], [1, 5], [2, 5]]);
  for (const [, y] of flat) assert.ok(Math.abs(y - 5) < 1e-12);
  const points = Array.from({ length: 10000 }, (_, i) => [i, i === 5000 ? 99 : Math.sin(i)]);
  const few = thin(points, 800);
  assert.ok(few.length <= 800 && few.some((p) => p[1] === 99));
  assert.ok(few.every((p, i) => !i || p[0] >= few[i - 1][0]));
  const labels = spread([{ y: 10 }, { y: 11 }, { y: 98 }, { y: 99 }], 16, 0, 100);
  labels.forEach((l, i) => {
    if (i) assert.ok(l.at - labels[i - 1].at >= 16);
    assert.ok(l.at <= 100);
  });
});
