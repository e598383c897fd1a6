// SPDX-License-Identifier: MIT
//
// The address as state: what is written is read back, what is damaged is left
// out, and no prompt gets in front of "#".

import assert from "node:assert/strict";
import { test } from "node:test";
import { Form } from "../../../code/web_interface/js/form.js";
import { PARAMETERS, defaults, newSeed, problem, toBody } from "../../../code/web_interface/js/params.js";
import { format, fromParams, parse, toParams } from "../../../code/web_interface/js/url.js";

test("routes and their parameters", () => {
  assert.deepEqual(parse("#/attention?layer=3&head=5"), { route: "attention", params: { layer: "3", head: "5" } });
  assert.deepEqual(parse("#/docs/simple-llm/the-loss"), { route: "docs", params: { page: "simple-llm/the-loss" } });
  assert.equal(format("docs", parse("#/docs").params), "#/docs/");
  assert.equal(format("docs", { page: "a/b", model: "x" }), "#/docs/a/b");
  for (const hash of ["", "#", "#/docsx", "#/", "#main", "#/nowhere", "#/nowhere?x=1"]) {
    assert.equal(parse(hash).route, "");
  }
  assert.equal(format("attention", { layer: 0, head: null, q: undefined, run: "" }), "#/attention?layer=0");
  const params = { prompt: "a & b = c?\n#/training 100 % é 世界 🦜 +", layer: "2" };
  assert.deepEqual(parse(format("layers", params)), { route: "layers", params });
});

test("a run survives the round trip", () => {
  const state = {
    model: "tiny+otter", mode: "raw", prompt: "Once\nupon & a time", messages: [], seed: 281474976710655,
    values: { ...defaults(), temperature: 0.7, top_k: 40, min_p: 0.05, stop: ["\n\n", "END"], max_tokens: 99 },
  };
  const { params } = parse(format("", toParams(state)));
  const back = fromParams(params);
  assert.equal(back.model, state.model);
  assert.equal(back.prompt, state.prompt);
  assert.equal(Number(back.seed), state.seed);
  assert.deepEqual({ ...defaults(), ...back.values }, state.values);
  assert.deepEqual(Object.keys(params).sort(), ["max_tokens", "min_p", "model", "prompt", "seed", "stop", "temperature", "top_k"]);
});

test("a conversation survives it, too", () => {
  const messages = [{ role: "user", content: "Why?" }, { role: "assistant", content: "So." }];
  const back = fromParams(toParams({ model: "m", mode: "chat", messages, values: defaults(), seed: null }));
  assert.equal(back.mode, "chat");
  assert.deepEqual(back.messages, messages);
});

test("what a hand has damaged is left out", () => {
  const back = fromParams({ temperature: "hot", top_k: "", stop: "[1", messages: "{}", seed: "-3", top_p: "0.5" });
  assert.deepEqual(back, { model: null, mode: "raw", prompt: null, messages: [], values: { top_p: 0.5, stop: [] }, seed: null });
});

test("parameters: ranges and bodies", () => {
  for (const p of PARAMETERS) assert.equal(problem(p.name, p.initial), null, p.name);
  const bad = { temperature: [-1, 101, 0.0001, NaN], top_p: [-0.1, 1.1], top_k: [-1, 1.5], max_tokens: [0, 1e6 + 1],
    repetition_penalty: [0, 101], frequency_penalty: [-3], seed: [-1, 2 ** 53], stop: [Array(17).fill("x"), ["x".repeat(257)]] };
  for (const [name, values] of Object.entries(bad)) {
    for (const value of values) assert.match(problem(name, value), /^Expected .* but received|^Expected texts/, `${name} ${value}`);
  }
  assert.deepEqual(toBody(defaults()), { temperature: 0.8, top_p: 0.95 });
  const neutral = { ...defaults(), temperature: 1, top_p: 1 };
  assert.deepEqual(toBody({ ...neutral, top_k: 3, stop: ["a"] }), { top_k: 3, stop: ["a"] });
  for (let i = 0; i < 100; i++) assert.ok(Number.isSafeInteger(newSeed()) && newSeed() >= 0);
});

test("the form's body and link", () => {
  const form = new Form(fromParams({ prompt: "Hello", temperature: "0.5" }));
  const body = form.body();
  assert.equal(body.prompt, "Hello");
  assert.equal(body.temperature, 0.5);
  assert.ok(Number.isSafeInteger(body.seed));
  const told = [];
  form.subscribe((name) => told.push(name));
  form.set("top_k", 5);
  assert.deepEqual(told, ["top_k"]);
  assert.equal(form.toParams("m", { seed: 9 }).seed, 9);
  assert.equal(form.toParams("m", { seed: 9, recorded: true }).seed, null);
});
