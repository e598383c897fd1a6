// SPDX-License-Identifier: MIT
//
// The event stream parser: whatever the chunks, the events are the same.

import assert from "node:assert/strict";
import { test } from "node:test";
import { sseParser } from "../../../code/web_interface/js/sse.js";

const encode = (text) => new TextEncoder().encode(text);

function parse(...chunks) {
  const events = [];
  const comments = [];
  const parser = sseParser((e) => events.push(e), (c) => comments.push(c));
  for (const chunk of chunks) parser.push(chunk);
  return { events, comments };
}

const STREAM =
  ': ping\n\nid: 0\nevent: start\ndata: {"a":"é 世界 🦜"}\n\n' +
  "id: 1\r\nevent: token\r\ndata: one\r\ndata: two\r\n\r\n" +
  "data:no space\rdata:  two spaces\r\r" +
  "event: empty\n\nunknown: x\ndata\n\ndata: tail without end\n";
const EVENTS = [
  { event: "start", data: '{"a":"é 世界 🦜"}', id: "0" },
  { event: "token", data: "one\ntwo", id: "1" },
  { event: "message", data: "no space\n two spaces", id: "1" },
  { event: "message", data: "", id: "1" },
];

test("a whole stream", () => {
  const { events, comments } = parse(encode(STREAM));
  assert.deepEqual(events, EVENTS);
  assert.deepEqual(comments, ["ping"]);
});

test("every split into two chunks", () => {
  const bytes = encode(STREAM);
  for (let i = 0; i <= bytes.length; i++) {
    const { events } = parse(bytes.subarray(0, i), bytes.subarray(i));
    assert.deepEqual(events, EVENTS, `split at ${i}`);
  }
});

test("every byte by itself", () => {
  const { events, comments } = parse(...[...encode(STREAM)].map((b) => Uint8Array.of(b)));
  assert.deepEqual(events, EVENTS);
  assert.deepEqual(comments, ["ping"]);
});

test("a byte order mark at the beginning, an id with NUL is ignored", () => {
  const { events } = parse(encode("\ufeffid: a\0b\ndata: x\n\n"));
  assert.deepEqual(events, [{ event: "message", data: "x", id: "" }]);
});

test("an event that is broken off is not told", () => {
  assert.deepEqual(parse(encode("event: token\ndata: x\n")).events, []);
});
