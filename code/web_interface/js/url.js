// SPDX-License-Identifier: MIT
//
// The address holds the whole state, after "#", so that no prompt ever reaches
// a server or its log: #/attention?model=smollm2&layer=3&head=5

import { PARAMETERS } from "./params.js";

export const ROUTES = ["", "attention", "layers", "compare", "training"];

/** "#/attention?layer=3" -> {route: "attention", params: {layer: "3"}}; what is
 * unknown is the first view. */
export function parse(hash) {
  // #/docs/simple-llm/the-loss: a page of the course and its section.
  const docs = /^#\/docs(?:\/(.*))?$/s.exec(hash);
  if (docs) return { route: "docs", params: { page: docs[1] ?? "" } };
  const match = /^#\/([a-z]*)(?:\?(.*))?$/s.exec(hash) ?? [];
  const known = ROUTES.includes(match[1]);
  return {
    route: known ? match[1] : "",
    params: known
      ? Object.fromEntries(new URLSearchParams(match[2] ?? ""))
      : {},
  };
}

export function format(route, params = {}) {
  if (route === "docs") return `#/docs/${params.page ?? ""}`;
  const given = Object.entries(params).filter(
    ([, v]) => v !== null && v !== undefined && v !== "",
  );
  const text = new URLSearchParams(given.map(([k, v]) => [k, String(v)]));
  return `#/${route}${given.length ? `?${text}` : ""}`;
}

/** What a link needs so that another browser makes the same run: the model,
 * the prompt, and each parameter that is not at its default. */
export function toParams({ model, mode, prompt, messages, values, seed }) {
  const out = { model, mode: mode === "chat" ? "chat" : null };
  if (mode === "chat")
    out.messages = messages?.length ? JSON.stringify(messages) : null;
  else out.prompt = prompt || null;
  for (const p of PARAMETERS) {
    const value = values[p.name];
    if (p.name === "seed") continue;
    if (p.name === "stop") {
      if (value?.length) out.stop = JSON.stringify(value);
    } else if (value !== undefined && value !== p.initial) {
      out[p.name] = value;
    }
  }
  out.seed = seed ?? null;
  return out;
}

const list = (text) => {
  try {
    const value = JSON.parse(text);
    return Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
};

/** The inverse; what a hand has damaged is left out, the server checks ranges. */
export function fromParams(params) {
  const values = {};
  for (const p of PARAMETERS) {
    const text = params[p.name];
    if (text === undefined || p.name === "seed") continue;
    if (p.name === "stop") {
      values.stop = (list(text) ?? []).filter((s) => typeof s === "string");
    } else if (text !== "" && Number.isFinite(Number(text))) {
      values[p.name] = Number(text);
    }
  }
  const messages = (list(params.messages ?? "") ?? []).filter(
    (m) => typeof m?.role === "string" && typeof m?.content === "string",
  );
  const seed = params.seed ?? "";
  return {
    model: params.model ?? null,
    mode: params.mode === "chat" ? "chat" : "raw",
    prompt: params.prompt ?? null,
    messages,
    values,
    seed: /^\d{1,19}$/.test(seed) ? seed : null,
  };
}
