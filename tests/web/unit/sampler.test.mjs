// SPDX-License-Identifier: MIT
//
// The page's sampler chain against Hugging Face's and mlx-lm's samplers, the
// same file that the C++ chain is tested with (golden/make_samplers.py). With
// LLM_WEB_URL the chain is compared with GET /api/runs/{r}/stages of a server.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  Position, cutBy, makeChain, sixDigits, sortFalling,
} from "../../../code/web_interface/js/sampler.js";

const OFF = {
  temperature: 1, top_k: 0, top_p: 1, min_p: 0, typical_p: 1,
  repetition_penalty: 1, frequency_penalty: 0, presence_penalty: 0,
};

function golden() {
  const file = readFileSync(new URL("../../golden/samplers.safetensors", import.meta.url));
  const size = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString("utf8", 8, 8 + size));
  const read = (name) => {
    const { dtype, shape, data_offsets: [from, to] } = header[name];
    const bytes = Uint8Array.from(file.subarray(8 + size + from, 8 + size + to)).buffer;
    if (dtype === "I32") return new Int32Array(bytes);
    const all = new Float32Array(bytes);
    return Array.from({ length: shape[0] }, (_, r) => all.slice(r * shape[1], (r + 1) * shape[1]));
  };
  return { read, logits: read("logits"), seen: [...read("seen")] };
}

// Reference logits with -Infinity for what was removed -> probabilities.
function softmax(x) {
  const max = x.reduce((a, b) => Math.max(a, b), -Infinity);
  const e = Array.from(x, (v) => Math.exp(v - max));
  const sum = e.reduce((a, b) => a + b, 0);
  return e.map((v) => v / sum);
}

const REFERENCES = {
  repetition: ["repetition_penalty", [1.3, 0.7]],
  frequency: ["frequency_penalty", [0.5, -0.25]],
  presence: ["presence_penalty", [0.5, -0.25]],
  top_k: ["top_k", [1, 10, 299]],
  typical: ["typical_p", [0.05, 0.5, 0.95]],
  top_p: ["top_p", [0.01, 0.5, 0.9, 0.99]],
  min_p: ["min_p", [0.01, 0.1, 0.9]],
  temperature: ["temperature", [0.5, 1.7]],
};

function compare(name, settings, reference, logits, seen) {
  const end = new Position(logits, seen).stages({ ...OFF, ...settings }).at(-1);
  const expected = softmax(reference);
  const kept = expected.flatMap((p, id) => (reference[id] === -Infinity ? [] : [id]));
  assert.deepEqual([...end.ids].sort((a, b) => a - b), kept, `${name}: which tokens stay`);
  for (const id of kept) {
    assert.ok(Math.abs(end.p(id) - expected[id]) <= 1e-5 * expected[id] + 1e-9,
      `${name}: p(${id}) is ${end.p(id)}, expected ${expected[id]}`);
  }
}

test("each stage equals the reference", () => {
  const { read, logits, seen } = golden();
  let compared = 0;
  for (const [stage, [parameter, values]] of Object.entries(REFERENCES)) {
    values.forEach((value, i) => {
      read(`${stage}.${i}`).forEach((reference, row) => {
        compare(`${stage} ${value} row ${row}`, { [parameter]: value }, reference, logits[row], seen);
        compared++;
      });
    });
  }
  assert.equal(compared, 84);
});

test("the whole chain equals the reference", () => {
  const { read, logits, seen } = golden();
  const settings = {
    repetition_penalty: 1.2, frequency_penalty: 0.1, presence_penalty: 0.2, top_k: 60,
    typical_p: 0.9, top_p: 0.8, min_p: 0.05, temperature: 0.7,
  };
  read("chain").forEach((reference, row) =>
    compare(`chain row ${row}`, settings, reference, logits[row], seen));
  assert.deepEqual(makeChain({ ...OFF, ...settings }).map((s) => s.name), [
    "repetition-penalty", "frequency-penalty", "presence-penalty", "top-k",
    "typical-p", "top-p", "min-p", "temperature",
  ]);
});

test("of equals the lower id stays, in every filter", () => {
  const logits = Float32Array.of(1, 2, 2, -0, 2, 0, 1);
  const ids = (settings) => [...new Position(logits).stages({ ...OFF, ...settings }).at(-1).ids];
  assert.deepEqual(ids({}), [1, 2, 4, 0, 6, 3, 5]);
  assert.deepEqual(ids({ top_k: 2 }), [1, 2]);
  assert.deepEqual(ids({ top_p: 0.3 }), [1, 2]);
  assert.deepEqual(ids({ temperature: 0, top_k: 5 }), [1]);
  assert.deepEqual(ids({ typical_p: 0.1 }), [1]);
});

test("sorting: falling, stable, with infinities", () => {
  const values = Float32Array.of(-1, 3, -Infinity, 3, 0, -0, 1e-40, -1e-40, Infinity);
  assert.deepEqual([...sortFalling(values)], [8, 1, 3, 6, 4, 5, 7, 0, 2]);
  const random = Float32Array.from({ length: 5000 }, (_, i) => Math.fround(Math.sin(i * i)));
  const order = sortFalling(random);
  const expected = [...random.keys()].sort((a, b) => random[b] - random[a] || a - b);
  assert.deepEqual([...order], expected);
});

test("settings that change come out as if they were new", () => {
  const { logits, seen } = golden();
  const used = new Position(logits[1], seen);
  for (const t of [0.5, 1.5, 0, 0.7]) {
    for (const top_k of [0, 20, 3]) {
      const settings = { ...OFF, temperature: t, top_k, top_p: 0.9, repetition_penalty: 1 + t };
      const a = used.stages(settings);
      const b = new Position(logits[1], seen).stages(settings);
      assert.deepEqual(a.map((s) => [s.name, s.effect, s.survivors, s.mass]),
        b.map((s) => [s.name, s.effect, s.survivors, s.mass]));
      assert.deepEqual([...a.at(-1).ids].map(a.at(-1).p), [...b.at(-1).ids].map(b.at(-1).p));
    }
  }
});

test("mass and survivors only fall; the cut is named", () => {
  const { logits } = golden();
  const stages = new Position(logits[1]).stages({ ...OFF, top_k: 60, top_p: 0.8, min_p: 0.1, temperature: 2 });
  assert.deepEqual(stages.map((s) => s.name), ["softmax", "top-k", "top-p", "min-p", "temperature"]);
  for (let i = 1; i < stages.length; i++) {
    assert.ok(stages[i].survivors <= stages[i - 1].survivors);
    assert.ok(stages[i].mass <= stages[i - 1].mass);
  }
  assert.ok(Math.abs(stages[0].mass - 1) < 1e-5);
  const order = stages[0].ids;
  assert.equal(cutBy(stages, order[0]), null);
  assert.equal(cutBy(stages, order[60]), "top-k");
  assert.equal(cutBy(stages, order[stages[1].survivors - 1]), "top-p");
});

test("numbers as C's %.6g", () => {
  const cases = [[0.9, "0.9"], [1, "1"], [0.1, "0.1"], [1.7, "1.7"], [1e-5, "1e-05"], [0.001, "0.001"],
    [1234567, "1.23457e+06"], [100, "100"], [-0.25, "-0.25"], [0, "0"], [1 / 3, "0.333333"]];
  for (const [value, text] of cases) assert.equal(sixDigits(value), text);
});

const url = process.env.LLM_WEB_URL;
test("the chain equals the server's /stages", { skip: !url && "LLM_WEB_URL names no server" }, async () => {
  const post = async (path, body) => {
    const r = await fetch(url + path, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
    });
    assert.ok(r.ok, `${path}: ${r.status}`);
    return r.json();
  };
  const models = (await (await fetch(`${url}/api/models`)).json()).data;
  const model = process.env.LLM_WEB_MODEL ?? models.find((m) => m.default).id;
  const run = await post("/api/inspect", { model, text: process.env.LLM_WEB_TEXT ?? "Lily was a quiet child from", capture: ["lens"] });
  const ids = run.tokens.map((t) => t.id);
  const some = [
    {}, { top_k: 5 }, { top_p: 0.9 }, { top_p: 0.5 }, { top_p: 0.99 }, { min_p: 0.05 }, { typical_p: 0.8 }, { typical_p: 0.95 }, { temperature: 0.3 }, { temperature: 0 },
    { repetition_penalty: 1.5 }, { frequency_penalty: 0.7, presence_penalty: -0.4 },
    { repetition_penalty: 1.1, top_k: 40, typical_p: 0.9, top_p: 0.8, min_p: 0.02, temperature: 1.4 },
  ];
  for (const pos of ids.keys()) {
    const bytes = await (await fetch(`${url}/api/runs/${run.run}/logits?pos=${pos}`)).arrayBuffer();
    const position = new Position(new Float32Array(bytes), ids.slice(0, pos + 1));
    for (const settings of some) {
      const query = new URLSearchParams({ pos, top_k_shown: 20, ...settings });
      const { stages } = await (await fetch(`${url}/api/runs/${run.run}/stages?${query}`)).json();
      const ours = position.stages({ ...OFF, ...settings });
      assert.deepEqual(ours.map((s) => [s.name, s.survivors]), stages.map((s) => [s.name, s.survivors]));
      assert.deepEqual(ours.map((s) => s.effect), stages.map((s) => s.effect));
      stages.forEach((s, i) => {
        assert.ok(Math.abs(ours[i].mass - s.mass) < 1e-6, `${s.name}: mass`);
        s.top.forEach((t, n) => {
          assert.equal(ours[i].ids[n], t.id, `${s.name}: token ${n}`);
          assert.ok(Math.abs(ours[i].p(t.id) - t.p) <= 1e-5 * t.p + 1e-9, `${s.name}: p of ${t.id}`);
        });
      });
    }
  }
});
