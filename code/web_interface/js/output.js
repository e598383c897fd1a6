// SPDX-License-Identifier: MIT
//
// What was written: one strip of tokens, or in a chat one for each answer; the
// choice of what the colours mean; where branches left; and what can be taken
// along.

import { MEASURES, surprise } from "./dist.js";
import { fill, h } from "./dom.js";
import { exportMenu, saveCSV, saveJSON } from "./export.js";
import { pinPanel } from "./pin.js";
import { segmented } from "./segmented.js";
import { lineage } from "./state.js";
import { plain, visible } from "./tokens.js";
import { TokenStrip } from "./tokenstrip.js";

const nameOf = (g) =>
  `${g.model ?? "model"}-seed-${g.seed ?? "none"}`.replace("+", "-");

function tokenRows(g) {
  return g.tokens.map((t) => ({
    i: t.i,
    id: t.id,
    token: plain(t),
    logprob_raw: t.logprob_raw,
    prob_final: t.prob_final ?? null,
    surprise_bits: surprise(t.logprob_raw),
    entropy_nats: t.entropy ?? null,
    rank: t.rank ?? null,
    ms: t.ms ?? null,
  }));
}

function record(g) {
  const {
    model,
    seed,
    params,
    chain,
    prompt,
    tokens,
    text,
    reason,
    usage,
    timings,
  } = g;
  return {
    model,
    seed,
    params,
    chain,
    prompt,
    tokens,
    text,
    reason,
    usage,
    timings,
  };
}

export function output(app, { onBranch, onReplay, onEdit, onRegenerate }) {
  const strips = new Map(); // generation.key -> TokenStrip
  let measure = "surprise";
  const body = h("div.writing");
  const head = h("div.output-head");
  const legend = h("div.legend");
  const tree = h("nav.branches", { "aria-label": "Branches", hidden: true });
  const pin = pinPanel(app, {
    onContinue: onBranch,
    onClose() {
      const { g, i } = pin.at;
      unpin();
      strips.get(g.key)?.focus(i);
    },
  });

  const measures = segmented(
    "measure",
    Object.fromEntries(Object.entries(MEASURES).map(([k, m]) => [k, m.label])),
    measure,
    (key) => {
      measure = key;
      for (const s of strips.values()) s.setMeasure(key);
      showLegend();
    },
    "What the colours show",
  );

  function showLegend() {
    const m = MEASURES[measure];
    fill(
      legend,
      h("span", m.ends[0]),
      h(
        "span.ramp",
        { "aria-hidden": "true" },
        [0, 3, 6, 9, 12, 15].map((n) => h(`i.h${n}`)),
      ),
      h("span", m.ends[1]),
      h(
        "span.about",
        m.about,
        ". ",
        h("span.unlikely", "Dotted"),
        ": less than 5 %.",
      ),
    );
  }

  function strip(g) {
    let s = strips.get(g.key);
    if (!s) {
      s = new TokenStrip({
        label: g.recorded ? "Recorded text" : "Written text",
        onPick: (i) =>
          pin.at?.g === g && pin.at.i === i ? unpin() : pinAt(g, i),
      });
      s.setMeasure(measure);
      strips.set(g.key, s);
    }
    return s;
  }

  function pinAt(g, i) {
    for (const [key, s] of strips) s.pick(key === g.key ? i : -1);
    pin.show(g, i);
    app.setParams({ token: i });
  }

  function unpin() {
    for (const s of strips.values()) s.pick(-1);
    pin.hide();
    app.setParams({ token: null });
  }

  const promptText = (g) =>
    g.promptText ?? g.body?.prompt ?? g.prompt.map(plain).join("");

  function rebuild(g) {
    const focused = element.contains(document.activeElement);
    strips.clear();
    pin.hide();
    if (g.turns) {
      fill(
        body,
        g.turns.map((turn, n) => chatTurn(turn, n, g.turns)),
        answer(g),
      );
    } else {
      const s = strip(g);
      fill(body, s.element);
      s.setPrompt(promptText(g));
      s.show(g.tokens);
    }
    showHead(g);
    showTree(g);
    // What had the focus is gone; the text takes it.
    if (focused) strip(g).element.focus({ preventScroll: true });
  }

  function answer(g) {
    const s = strip(g);
    s.show(g.tokens);
    return h(
      "div.turn.assistant",
      h("h4.visually-hidden", "Answer"),
      s.element,
      h(
        "div.turn-tools",
        { hidden: !g.done },
        h(
          "button.button.small.quiet",
          { type: "button", on: { click: onRegenerate } },
          "Another answer",
        ),
      ),
    );
  }

  function chatTurn(turn, n, turns) {
    if (turn.role === "assistant") {
      if (!turn.generation) return h("div.turn.assistant", turn.content);
      const s = strip(turn.generation);
      s.show(turn.generation.tokens);
      return h("div.turn.assistant", s.element);
    }
    const busy = n === turns.length - 1 && app.session.busy;
    return h(
      "div.turn.user",
      h("h4.visually-hidden", "You"),
      h("p", turn.content),
      h(
        "div.turn-tools",
        h(
          "button.button.small.quiet",
          { type: "button", disabled: busy, on: { click: () => onEdit(n) } },
          "Edit",
        ),
      ),
    );
  }

  function showHead(g) {
    if (g.recorded) {
      fill(
        head,
        h("h3", "A recorded example"),
        h(
          "p.muted",
          `This is a recording of ${g.label}, seed ${g.seed}. `,
          "Press ",
          h("b", "Generate"),
          " to write your own. Choose a token to look inside.",
        ),
      );
      return;
    }
    fill(
      head,
      h(
        "div.spread",
        h("h3", g.parent ? "A branch" : g.turns ? "Conversation" : "Your text"),
        g.done &&
          g.tokens.length > 0 &&
          h(
            "div.cluster.tight",
            g.seed !== null &&
              h(
                "button.button.small.quiet",
                {
                  type: "button",
                  title: "The same seed and settings write the same text",
                  on: { click: () => onReplay(g) },
                },
                `Replay seed ${g.seed}`,
              ),
            exportMenu([
              {
                label: "Tokens as CSV",
                run: () => saveCSV(nameOf(g), tokenRows(g)),
              },
              {
                label: "Everything as JSON",
                run: () => saveJSON(nameOf(g), record(g)),
              },
            ]),
          ),
      ),
    );
  }

  const branchName = (g) =>
    g.parent
      ? `at ${g.parent.at + 1}: ${visible(g.parent.token)}`
      : "the first text";

  const branchChip = (g) =>
    h(
      "button.chip",
      { type: "button", on: { click: () => app.session.show(g) } },
      branchName(g),
    );

  // The way from the first text to this one, what left here, what left beside.
  function showTree(g) {
    const path = lineage(g);
    const here = g.children ?? [];
    const beside = (g.parent?.generation.children ?? []).filter((x) => x !== g);
    tree.hidden = path.length < 2 && !here.length;
    if (tree.hidden) return;
    const chips = (label, list) =>
      list.length > 0 &&
      h("span.siblings", h("span.muted", label), list.map(branchChip));
    fill(
      tree,
      h("span.muted", "Branches:"),
      h(
        "ol",
        path.map((x) =>
          h(
            "li",
            x === g
              ? h("span.chip.on", { "aria-current": "true" }, branchName(x))
              : branchChip(x),
          ),
        ),
      ),
      chips("from here:", here),
      chips("beside it:", beside),
    );
  }

  const element = h(
    "section.card.output",
    { "aria-label": "Text" },
    head,
    h("div.output-tools", measures, legend),
    body,
    tree,
    pin.element,
  );
  showLegend();

  return {
    element,
    pin,
    update(g, what) {
      if (what === "tokens") strips.get(g.key)?.show(g.tokens);
      else if (what === "start" || !strips.has(g.key)) rebuild(g);
      else {
        strips.get(g.key).show(g.tokens);
        showHead(g);
        showTree(g);
        if (what === "done") {
          for (const tools of body.querySelectorAll(".turn-tools"))
            tools.hidden = false;
          for (const b of body.querySelectorAll(".turn-tools button"))
            b.disabled = false;
        }
      }
    },
    rebuild,
    pinAt: (g, i) => i >= 0 && i < g.tokens.length && pinAt(g, i),
    unpin,
    focusToken: (g, i) => strips.get(g.key)?.focus(i),
    off: () => pin.off(),
  };
}
