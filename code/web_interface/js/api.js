// SPDX-License-Identifier: MIT
//
// The server's routes from here: JSON, bytes, and streams of events. Every
// failure is an ApiError with the server's own code, message and parameter.

import { sseParser } from "./sse.js";

export class ApiError extends Error {
  constructor(status, { code, type, message, param }, retryAfter = null) {
    super(message);
    Object.assign(this, { status, code, type, param, retryAfter });
  }
}

const KEY = "token"; // of a server that other machines may reach (--token)

/** Takes "#token=…" out of the address and keeps it for this tab. */
export function takeToken() {
  const match = /[#&]token=([^&]*)/.exec(location.hash);
  if (!match) return;
  sessionStorage.setItem(KEY, decodeURIComponent(match[1]));
  history.replaceState(null, "", location.pathname + location.search + "#/");
}

/** {a: 1, b: null} -> "?a=1" */
export function query(values) {
  const given = Object.entries(values).filter(
    ([, v]) => v !== null && v !== undefined,
  );
  return given.length ? `?${new URLSearchParams(given)}` : "";
}

const offline = () =>
  new ApiError(0, {
    code: "offline",
    type: "server_error",
    message:
      "The server does not answer. Start it again with ./tutorial web; " +
      "nothing you typed is lost.",
    param: null,
  });

/** For a stream that ended before it was over. */
export const LOST = {
  code: "connection_lost",
  type: "server_error",
  message:
    "The connection broke before the text was finished; press Generate again.",
  param: null,
};

async function failure(response) {
  const after = Number(response.headers.get("Retry-After")) || null;
  const body = await response.json().catch(() => null);
  const error = body?.error ?? {
    code: `http_${response.status}`,
    type: "server_error",
    message: `The server answered ${response.status} without a reason.`,
    param: null,
  };
  return new ApiError(response.status, error, after);
}

async function send(method, path, { body, signal, accept } = {}) {
  const headers = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (accept) headers.Accept = accept;
  const token = sessionStorage.getItem(KEY);
  if (token) headers.Authorization = `Bearer ${token}`;
  let response;
  try {
    response = await fetch(path, {
      method,
      headers,
      signal,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
      credentials: "omit",
    });
  } catch (error) {
    throw error.name === "AbortError" ? error : offline();
  }
  if (!response.ok) throw await failure(response);
  return response;
}

const numbers = (text) => (text ?? "").split(",").map(Number);

export const api = {
  get: async (path, options) => (await send("GET", path, options)).json(),

  post: async (path, body, options) =>
    (await send("POST", path, { ...options, body })).json(),

  del: async (path, options) => void (await send("DELETE", path, options)),

  async binary(path, options) {
    const response = await send("GET", path, options);
    const { headers } = response;
    return {
      buffer: await response.arrayBuffer(),
      shape: numbers(headers.get("X-Shape")),
      tokens: Number(headers.get("X-Tokens")),
      coding: headers.get("X-Coding"),
      scale: headers.has("X-Scale") ? Number(headers.get("X-Scale")) : null,
      headers,
    };
  },

  /** Reads a stream until it ends; handlers[event](data, id). A connection
   * that breaks is the ApiError "connection_lost". */
  async events(path, handlers, { signal, body, method } = {}) {
    const response = await send(method ?? (body ? "POST" : "GET"), path, {
      body,
      signal,
      accept: "text/event-stream",
    });
    const parser = sseParser(({ event, data, id }) => {
      handlers[event]?.(JSON.parse(data), id);
    });
    const reader = response.body.getReader();
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        parser.push(value);
      }
    } catch (error) {
      throw error instanceof TypeError ? new ApiError(0, LOST) : error;
    } finally {
      reader.cancel().catch(() => {});
    }
  },
};
