// SPDX-License-Identifier: MIT
//
// One line that says what is happening now: in line, loading, reading the
// prompt, writing at so many tokens a second, and why it ended.

import { count, duration, h, num } from "./dom.js";

const REASONS = {
  eos: "the model had finished",
  stop: "it met a stop text",
  length: "it reached the length",
  cancelled: "you stopped it",
  context: "its context is full",
};

/** Tokens a second over the last 32. */
function speed(g) {
  const last = g.tokens.slice(-32).filter((t) => t.ms > 0);
  const ms = last.reduce((sum, t) => sum + t.ms, 0);
  return ms > 0 ? (1000 * last.length) / ms : null;
}

export function statusText(g, queue) {
  const n = g.tokens.length;
  const tokens = `${count(n)} token${n === 1 ? "" : "s"}`;
  switch (g.phase) {
    case "waiting":
      return queue?.waiting
        ? `In line: ${queue.waiting} waiting …`
        : "Asking …";
    case "loading":
      return "Loading the model …";
    case "prefill":
      return `Reading the prompt: ${count(g.prefill.done)} of ${count(g.prefill.total)} tokens`;
    case "writing": {
      const rate = speed(g);
      return rate ? `${tokens} · ${num(rate)} tokens/s` : tokens;
    }
    case "error":
      return g.error.message;
    default: {
      const { timings: t } = g;
      const parts = [tokens];
      if (n && t?.first_token_ms !== undefined)
        parts.push(`first after ${duration(t.first_token_ms)}`);
      if (t?.tokens_per_s) parts.push(`${num(t.tokens_per_s)} tokens/s`);
      parts.push(REASONS[g.reason] ?? g.reason);
      return parts.join(" · ");
    }
  }
}

export function statusLine(app) {
  const text = h("span");
  const bar = h("progress", {
    max: 1,
    hidden: true,
    "aria-label": "Reading the prompt",
  });
  const element = h("div.status-line", { hidden: true }, bar, text);
  let asking = 0;
  let queue = null;

  // How long the line is, is only in /api/health; asked once a second.
  function askQueue(g) {
    clearTimeout(asking);
    asking = setTimeout(async () => {
      if (app.generation() !== g || g.phase !== "waiting") return;
      queue = (await app.api.get("/api/health").catch(() => null))?.queue;
      show(g);
      askQueue(g);
    }, 1000);
  }

  function show(g) {
    element.hidden = g.recorded;
    if (g.recorded) return;
    const failed = g.phase === "error";
    element.classList.toggle("problem", failed);
    if (failed) element.setAttribute("role", "alert");
    else element.removeAttribute("role");
    text.textContent = statusText(g, queue);
    const reading = g.phase === "prefill" && g.prefill.total > 0;
    bar.hidden = !reading;
    if (reading) {
      bar.max = g.prefill.total;
      bar.value = g.prefill.done;
    }
  }

  return {
    element,
    show,
    start(g) {
      queue = null;
      show(g);
      askQueue(g);
    },
    off: () => clearTimeout(asking),
  };
}
