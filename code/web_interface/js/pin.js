// SPDX-License-Identifier: MIT
//
// Inside one token: how likely it was to the model and after the sampler, what
// else could have stood there and which stage removed it, "continue with this
// one", the X-ray, and the ways to the other views.

import { fill, h, num, percent } from "./dom.js";
import { surprise } from "./dist.js";
import { visible } from "./tokens.js";
import { xray } from "./xray.js";

const SHOWN = 8; // alternatives before "all"

const fact = (name, value, about) =>
  h("div.fact", { title: about }, h("dt", name), h("dd", value));

function facts(t) {
  const bits = (nats) =>
    nats === undefined ? "–" : `${num(nats / Math.LN2)} bits`;
  return h(
    "dl.facts",
    fact(
      "Model",
      percent(Math.exp(t.logprob_raw)),
      "Probability by the model itself",
    ),
    fact(
      "When drawn",
      percent(t.prob_final),
      "Probability after the sampler chain",
    ),
    fact(
      "Surprise",
      `${num(surprise(t.logprob_raw))} bits`,
      "−log₂ of the model's probability",
    ),
    fact("Rank", t.rank ?? "–", "1: the model's first choice"),
    fact("Undecided", bits(t.entropy), "Entropy: how open the choice was"),
    fact(
      "Time",
      t.ms === undefined ? "–" : `${num(t.ms)} ms`,
      "Since the token before",
    ),
  );
}

/** onContinue(generation, place, id); the panel hides itself without a token. */
export function pinPanel(app, { onContinue, onClose }) {
  const rays = xray(app);
  const element = h("section.pin", {
    hidden: true,
    "aria-labelledby": "pin-title",
  });
  let all = false;
  let now = null;

  const bar = (p, kind) => {
    const i = h("i");
    i.style.width = `${(100 * (p ?? 0)).toFixed(2)}%`;
    return h(`span.meter.${kind}`, { "aria-hidden": "true" }, i);
  };

  function alternative(g, place, token, a, n) {
    const taken = a.id === token.id;
    const p = Math.exp(a.logprob_raw);
    return h(
      taken ? "tr.chosen" : "tr",
      h("td.n.muted", n + 1),
      h("th.mono", { scope: "row" }, visible(a)),
      h("td.bar", h("span.pair", bar(p, "raw"), h("span.n", percent(p)))),
      h(
        "td.bar",
        a.cut_by
          ? h("span.chip.cut", `cut by ${a.cut_by}`)
          : h(
              "span.pair",
              bar(a.prob_final, "final"),
              h("span.n", percent(a.prob_final)),
            ),
      ),
      h(
        "td.act",
        taken
          ? h("span.chip.on", "taken")
          : h(
              "button.button.small.quiet",
              {
                type: "button",
                "aria-label": `Continue with ${visible(a)}`,
                on: { click: () => onContinue(g, place, a.id) },
              },
              "Continue ",
              h("span.with", "with ", h("span.mono", visible(a))),
            ),
      ),
    );
  }

  function alternatives(g, i) {
    const token = g.tokens[i];
    const top = token.top ?? [];
    if (!top.length) return h("p.muted", "This run kept no alternatives.");
    const list = all ? top : top.slice(0, SHOWN);
    const shown =
      list.some((a) => a.id === token.id) || top.every((a) => a.id !== token.id)
        ? list
        : [...list, top.find((a) => a.id === token.id)];
    return [
      h(
        "div.table-wrap",
        h(
          "table.table.alternatives",
          h("caption.visually-hidden", "What else could have stood here"),
          h(
            "thead",
            h(
              "tr",
              h("th.n", { scope: "col" }, "#"),
              h("th", { scope: "col" }, "Token"),
              h("th", { scope: "col" }, "Model"),
              h("th", { scope: "col" }, "When drawn"),
              h("th", { scope: "col" }, h("span.visually-hidden", "Action")),
            ),
          ),
          h(
            "tbody",
            shown.map((a) => alternative(g, i, token, a, top.indexOf(a))),
          ),
        ),
      ),
      top.length > SHOWN &&
        h(
          "button.button.small.quiet.all",
          {
            type: "button",
            "aria-expanded": String(all),
            on: {
              click: () => (
                (all = !all),
                draw(),
                element.querySelector("button.all").focus()
              ),
            },
          },
          all ? "Show fewer" : `Show all ${top.length}`,
        ),
    ];
  }

  function xrayButton(g, i) {
    const button = h("button.button", {
      type: "button",
      "aria-expanded": "false",
      on: {
        click: async () => {
          if (rays.open) {
            rays.close();
            return label();
          }
          button.disabled = true;
          button.textContent = "Reading all probabilities …";
          try {
            await rays.show(g, i);
          } catch (error) {
            if (error.name !== "AbortError") app.toast(error);
          }
          button.disabled = false;
          label();
        },
      },
    });
    const label = () => {
      button.textContent = rays.open ? "Close the X-ray" : "Sampler X-ray";
      button.setAttribute("aria-expanded", String(rays.open));
    };
    label();
    return button;
  }

  function draw() {
    const { g, i } = now;
    const token = g.tokens[i];
    const at = g.prompt.length + i - 1; // the query that predicted it
    fill(
      element,
      h(
        "header.spread",
        h(
          "h3",
          { id: "pin-title" },
          "Inside ",
          h("span.token.mono.big", visible(token)),
          h("span.muted.small", ` token ${i + 1} of ${g.tokens.length}`),
        ),
        h(
          "button.button.icon.quiet",
          {
            type: "button",
            "aria-label": "Close",
            on: { click: () => onClose() },
          },
          "×",
        ),
      ),
      facts(token),
      alternatives(g, i),
      h(
        "div.cluster",
        xrayButton(g, i),
        h(
          "a.button.quiet",
          { href: app.href("attention", { q: at }) },
          "Open in Attention",
        ),
        h(
          "a.button.quiet",
          { href: app.href("layers", { pos: at }) },
          "Open in Layers",
        ),
      ),
      rays.element,
    );
  }

  return {
    element,
    get at() {
      return now;
    },
    show(g, i) {
      now = { g, i };
      const again = rays.open; // goes on from token to token
      rays.close();
      element.hidden = false;
      draw();
      if (again) element.querySelector(".cluster button").click();
    },
    hide() {
      now = null;
      rays.close();
      element.hidden = true;
    },
    off: rays.off,
  };
}
