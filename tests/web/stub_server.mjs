// SPDX-License-Identifier: MIT
//
// A stand-in for the real server, for the page's tests and for working on the
// page: all routes with a made-up model (stub_model.mjs), the real security
// headers, and streams that behave badly when asked to:
//
//     node stub_server.mjs [--port 0] [--mode normal] [--rate 60] [--example FILE]
//     PUT /stub {"mode", "rate", "tokens"}     changes it while it runs
//
//   normal    an event a write         bytes     every byte a write of its own
//   coalesce  all events in one write  stall     stops after 5 tokens, no end
//   drop      cuts the line after 5    error     an error event after 5 tokens
//   queue_full, bad_request            answered with 429, 400
//
// GET /stub tells what arrived: {requests, cancelled, closed}.

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { attentionTile, valueNorm } from "./stub_attention.mjs";
import { DEFAULTS, StubModel, hash } from "./stub_model.mjs";
import { TRAINING, trainingEvents } from "./stub_training.mjs";

const APP = fileURLToPath(new URL("../../code/web_interface/", import.meta.url));
const HEADERS = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
    "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; " +
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types dompurify",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cache-Control": "no-store",
};
const TYPES = {
  ".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8", ".json": "application/json",
  ".svg": "image/svg+xml",
};

const option = (name, fallback) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : process.argv[at + 1];
};
const stub = {
  mode: option("mode", "normal"),
  rate: Number(option("rate", 60)),
  tokens: Number(option("tokens", 0)), // 0: as many as were asked for
};
const seen = { requests: [], cancelled: [], closed: 0 };

const small = { layers: 4, heads: 4, kvHeads: 2, context: 256, vocab: 512, chat: false };
const models = [
  new StubModel({ id: "smollm2", name: "SmolLM2 135M Instruct", layers: 30, heads: 9, kvHeads: 3, context: 8192, vocab: 49152, chat: true }),
  new StubModel({ id: "tiny-tales-1", name: "tiny-tales-1", ...small }),
];
const states = new Map(models.map((m) => [m.id, "unloaded"]));
const watchers = new Set();
const runs = new Map();
const streams = new Map(); // id -> {cancelled}
let serial = 0;

class Problem extends Error {
  constructor(status, code, message, param = null) {
    super(message);
    Object.assign(this, { status, code, param });
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const find = (id) => {
  const model = models.find((m) => m.id === (id ?? "smollm2"));
  if (!model) throw new Problem(404, "model_not_found", `expected a model of /api/models but received ${id}.`, "model");
  return model;
};

async function load(model) {
  if (states.get(model.id) === "loaded") return;
  const set = (state) => {
    states.set(model.id, state);
    for (const w of watchers) w("model", model.describe(state));
  };
  set("loading");
  await pause(400);
  set("loaded");
}

function sse(response) {
  response.writeHead(200, { ...HEADERS, "Content-Type": "text/event-stream", "X-Accel-Buffering": "no" });
  let id = 0;
  let held = "";
  const send = async (event, data) => {
    const text = `id: ${id++}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
    if (stub.mode === "coalesce") return void (held += text);
    if (stub.mode !== "bytes") return void response.write(text);
    for (const byte of Buffer.from(text)) {
      response.write(Buffer.of(byte));
      if (hash(byte, id) < 0.02) await pause(0); // so that packets differ
    }
  };
  return { send, end: () => response.end(held), response };
}

function check(body) {
  const known = ["model", "prompt", "messages", "max_tokens", "stop", "seed", "top_logprobs", "force", "capture", "interventions", "stream", ...Object.keys(DEFAULTS)];
  const unknown = Object.keys(body).find((k) => !known.includes(k));
  if (unknown) throw new Problem(400, "unknown_param", `expected a known parameter but received ${unknown}.`, unknown);
  if (stub.mode === "queue_full") throw new Problem(429, "queue_full", "expected a free place but 64 generations run or wait; try again in a second.");
  if (stub.mode === "bad_request" || body.top_p > 1) {
    throw new Problem(400, "out_of_range", `expected top_p from 0 to 1 but received ${body.top_p}; 1 switches it off.`, "top_p");
  }
}

async function generate(body, response) {
  check(body);
  const model = find(body.model);
  const params = { ...DEFAULTS, max_tokens: 256, stop: [], ...Object.fromEntries(Object.entries(body).filter(([k]) => k in DEFAULTS || k === "max_tokens")) };
  const id = `gen-${++serial}`;
  const control = { cancelled: false };
  streams.set(id, control);
  const out = sse(response);
  response.on("close", () => {
    control.cancelled = true;
    seen.closed++;
  });
  if (states.get(model.id) !== "loaded") {
    await out.send("prefill", { done: 0, total: 0, loading: true });
    await load(model);
  }
  const prompt = model.tokenize(body.prompt ?? body.messages.map((m) => m.content).join("\n"));
  const seed = body.seed ?? serial;
  const chain = model.stages([1], params, 1).slice(1).map(({ name, effect }) => ({ name, effect }));
  await out.send("start", { id, run: body.capture ? addRun(model, prompt) : null, model: model.id, seed, params, chain, prompt, protocol: 1 });
  await out.send("prefill", { done: prompt.length, total: prompt.length });
  const ids = prompt.map((t) => t.id);
  const forced = new Map((body.force ?? []).map((f) => [f.i, f.id]));
  const most = stub.tokens || params.max_tokens;
  const begin = performance.now();
  let text = "";
  for (let i = 0; i < most && !control.cancelled; i++) {
    const { id: drawn, logprob_raw, details } = model.draw(ids, params, seed, i, forced.get(i), body.top_logprobs);
    const event = { i, ...model.token(drawn), logprob_raw, ...details, ms: 1000 / stub.rate };
    if (body.capture) event.attn = liveRows(model, ids, body.capture);
    ids.push(drawn);
    text += event.text;
    await out.send("token", event);
    if (i === 4 && stub.mode === "stall") return;
    if (i === 4 && stub.mode === "drop") return void response.destroy();
    if (i === 4 && stub.mode === "error") {
      await out.send("error", { error: envelope(new Problem(500, "internal", "something went wrong; its number is 1234.")) });
      return out.end();
    }
    const due = begin + ((i + 1) * 1000) / stub.rate - performance.now();
    if (due > 1) await pause(due);
    else if (i % 8 === 0) await pause(0);
  }
  const count = ids.length - prompt.length;
  await out.send("done", {
    reason: control.cancelled ? "cancelled" : "length",
    usage: { prompt_tokens: prompt.length, cached_tokens: 0, completion_tokens: count, total_tokens: ids.length },
    timings: { queue_ms: 0.4, prefill_ms: 21, first_token_ms: 38, decode_ms: performance.now() - begin, tokens_per_s: stub.rate },
    run: null,
  });
  out.end();
}

function liveRows(model, ids, { layer, heads }) {
  const all = heads?.length ? heads : [...Array(model.heads).keys()];
  const rows = all.map((head) => {
    const row = model.row(ids, layer, head, ids.length - 1);
    return [head, Buffer.from(row.map((p) => Math.round(255 * Math.sqrt(p)))).toString("base64")];
  });
  return { layer, rows: Object.fromEntries(rows) };
}

function addRun(model, tokens, extra = {}) {
  const run = `run-${++serial}`;
  runs.set(run, { model, tokens, ids: tokens.map((t) => t.id), ...extra });
  return run;
}

function describeRun(run) {
  const found = runs.get(run);
  if (!found) throw new Problem(404, "run_not_found", "expected a run that exists; make a new one.");
  const { model, tokens } = found;
  return {
    run, model: model.id, tokens, n_layers: model.layers, n_heads: model.heads,
    n_kv_heads: model.kvHeads, layers: [...Array(model.layers).keys()],
    bytes: tokens.length * 110592, expires_s: 600,
  };
}

const sqrtByte = (p) => Math.round(255 * Math.sqrt(p));

function look(run, what, q) {
  describeRun(run);
  const { model, ids } = runs.get(run);
  const [layer, head] = [Number(q.layer), Number(q.head)];
  const T = ids.length;
  if (what === "row") {
    const at = Number(q.q);
    return { layer, head, q: at, weights: model.row(ids, layer, head, at), value_norms: ids.slice(0, at + 1).map((id) => valueNorm(id, layer)) };
  }
  if (what === "heads") return { heads: model.headScores(ids) };
  if (what === "lens") {
    const [from, to] = [Number(q.from), Number(q.to)];
    return { from, to, layers: model.lens(ids, from, to, Number(q.top_k ?? 5)) };
  }
  if (what === "stages") {
    const params = { ...DEFAULTS };
    for (const name in DEFAULTS) if (name in q) params[name] = Number(q[name]);
    return { stages: model.stages(ids.slice(0, Number(q.pos) + 1), params, Number(q.top_k_shown ?? 20)) };
  }
  if (what === "logits") {
    const logits = model.logits(ids.slice(0, Number(q.pos) + 1));
    return { bytes: Buffer.from(logits.buffer), headers: { "X-Shape": String(model.vocab) } };
  }
  if (what === "thumbs") {
    const s = Math.min(Number(q.size ?? 64), T);
    const bytes = Buffer.alloc(model.layers * model.heads * s * s);
    for (let l = 0, at = 0; l < model.layers; l++) {
      for (let n = 0; n < model.heads; n++, at += s * s) {
        model.square(ids, l, n, s).forEach((p, i) => (bytes[at + i] = sqrtByte(p)));
      }
    }
    return { bytes, headers: { "X-Shape": `${model.layers},${model.heads},${s},${s}`, "X-Coding": "sqrt-u8" } };
  }
  if (what === "attention") return attentionTile(model, ids, q);
  throw new Problem(404, "not_found", "expected a route of /api/openapi.json.");
}

function whatif({ run, interventions }) {
  describeRun(run);
  const { model, tokens } = runs.get(run);
  const changed = tokens.map((t) => t);
  for (const x of interventions) if (x.type === "replace_token") changed[x.pos] = model.token(x.id);
  const made = addRun(model, changed);
  const top = (ids) => model.stages(ids, DEFAULTS, 10)[0].top;
  const before = tokens.map((t) => t.id);
  const after = changed.map((t) => t.id);
  const moved = interventions.some((x) => x.type !== "replace_token");
  return {
    ...describeRun(made), kl: moved ? 0.31 : 0.8 * hash(after.at(-1), after.at(-2)),
    kl_by_position: after.map((id, i) => (before[i] === id && !moved ? 0.01 * hash(i) : 0.4 * hash(i, 2))),
    top_before: top(before), top_after: top(moved ? after.slice(0, -1) : after),
  };
}

const envelope = ({ code, message, param, status }) => ({
  code, message, param,
  type: status === 429 ? "rate_limit_error" : status >= 500 ? "server_error" : "invalid_request_error",
});

async function readBody(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  try {
    return JSON.parse(Buffer.concat(parts).toString() || "{}");
  } catch {
    throw new Problem(400, "invalid_json", "expected JSON.");
  }
}

async function answer(request, response) {
  const url = new URL(request.url, "http://stub");
  const { pathname: path } = url;
  const q = Object.fromEntries(url.searchParams);
  const json = (value, status = 200) => {
    response.writeHead(status, { ...HEADERS, "Content-Type": "application/json" });
    response.end(JSON.stringify(value));
  };
  if (path === "/stub") {
    if (request.method === "PUT") Object.assign(stub, await readBody(request));
    return json({ ...stub, ...seen });
  }
  if (path === "/") return response.writeHead(302, { ...HEADERS, Location: "/app/" }).end();
  if (path.startsWith("/app/")) return serveFile(path.slice(5) || "index.html", response);
  seen.requests.push(`${request.method} ${path}`);
  const body = request.method === "POST" ? await readBody(request) : null;
  if (path === "/api/health") return json({ status: "ok", version: "stub", backend: "cpu", queue: { running: 0, waiting: 3, max: 64 } });
  if (path === "/api/models") return json({ data: models.map((m) => m.describe(states.get(m.id))) });
  if (path === "/api/models/load") {
    const model = find(body.id);
    load(model);
    return json({ id: model.id, state: states.get(model.id) }, 202);
  }
  if (path === "/api/events") {
    const { send } = sse(response);
    for (const m of models) send("model", m.describe(states.get(m.id)));
    watchers.add(send);
    return request.on("close", () => watchers.delete(send));
  }
  if (path === "/api/tokenize") return json({ tokens: find(body.model).tokenize(body.text) });
  if (path === "/api/generate") return generate(body, response);
  if (path === "/api/cancel") {
    seen.cancelled.push(body.id);
    const found = streams.get(body.id);
    if (found) found.cancelled = true;
    return json({ cancelled: Boolean(found) });
  }
  if (path === "/api/inspect") {
    const model = find(body.model);
    await load(model);
    const tokens = body.tokens ? body.tokens.map((id) => model.token(id)) : model.tokenize(body.text);
    return json(describeRun(addRun(model, tokens)), 201);
  }
  if (path === "/api/whatif") return json(whatif(body), 201);
  if (path === "/api/training") return json({ data: TRAINING });
  const training = /^\/api\/training\/([^/]+)\/events$/.exec(path);
  if (training) return trainingEvents(training[1], sse(response), request);
  const run = /^\/api\/runs\/([^/]+)(?:\/([a-z]+))?$/.exec(path);
  if (!run) throw new Problem(404, "not_found", "expected a route of /api/openapi.json.");
  if (request.method === "DELETE") return runs.delete(run[1]), response.writeHead(204, HEADERS).end();
  if (!run[2]) return json(describeRun(run[1]));
  const found = look(run[1], run[2], q);
  if (!found.bytes) return json(found);
  response.writeHead(200, { ...HEADERS, "Content-Type": "application/octet-stream", ...found.headers });
  response.end(found.bytes);
}

async function serveFile(name, response) {
  const own = name === "example.json" && option("example", null);
  const file = own || join(APP, normalize(`/${name}`));
  const bytes = await readFile(file).catch(() => null);
  if (!bytes) return response.writeHead(404, HEADERS).end();
  response.writeHead(200, { ...HEADERS, "Content-Type": TYPES[extname(file)] ?? "text/plain" });
  response.end(bytes);
}

const server = createServer((request, response) => {
  answer(request, response).catch((error) => {
    if (!(error instanceof Problem)) console.error(error);
    const status = error.status ?? 500;
    if (response.headersSent) return response.destroy();
    const extra = status === 429 ? { "Retry-After": "1" } : {};
    response.writeHead(status, { ...HEADERS, "Content-Type": "application/json", ...extra });
    response.end(JSON.stringify({ error: envelope({ status, code: error.code ?? "internal", message: error.message, param: error.param ?? null }) }));
  });
});
server.listen(Number(option("port", 0)), "127.0.0.1", () =>
  console.log(`Open http://127.0.0.1:${server.address().port}/app/`));
