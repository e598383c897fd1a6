// SPDX-License-Identifier: MIT
//
// Two runs of one prompt: their texts, how their probabilities differ, and one
// head of both.

import { positionChart } from "./bypos.js";
import { deltas, numbersTable, stretches } from "./differ.js";
import { fill, h, scope, ticker } from "./dom.js";
import { body as asSent } from "./edits.js";
import { exportMenu, saveCSV, saveJSON } from "./export.js";
import { segmented } from "./headtools.js";
import { HeadPair } from "./pair.js";
import { setup } from "./side.js";
import { visible } from "./tokens.js";

const PROMPT = "Once upon a time";

const parsed = (text) => {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {}; // a hand has damaged the link
  }
};

export class TwoRuns {
  constructor(root, app, params) {
    Object.assign(this, { app, scope: scope(), results: [null, null] });
    const last = app.generation();
    const known = last?.params ?? {};
    const start = {
      model: app.model()?.id,
      temperature: known.temperature ?? 1,
      top_k: known.top_k ?? 0,
      top_p: known.top_p ?? 1,
      seed: last?.seed ?? 1,
    };
    const other = { ...start, temperature: start.temperature ? 0 : 1 };
    this.sides = [
      setup(app, "A", { ...start, ...parsed(params.a ?? "{}") }, false),
      setup(app, "B", { ...other, ...parsed(params.b ?? "{}") }, true),
    ];
    this.sides.forEach((side) => this.scope.add(side.off));
    this.prompt = h("textarea.mono", {
      id: "compare-prompt",
      rows: "3",
      spellcheck: "false",
      value: params.prompt ?? (last?.body?.prompt || PROMPT),
    });
    this.length = h("input", {
      id: "compare-length",
      type: "number",
      min: 1,
      max: 1000000,
      required: true,
      value: params.max_tokens ?? "60",
    });
    this.go = h("button.button.primary", { type: "submit" }, "Write both");
    this.problem = h("p.problem", { role: "alert", hidden: true });
    this.panes = [0, 1].map((n) => this.pane(n));
    this.chart = positionChart();
    this.charts = segmented(
      "What is compared",
      [
        ["read", "B reads A's text"],
        ["common", "Tokens in common"],
      ],
      "common",
      (kind) => this.drawChart(kind),
    );
    this.pairButton = h(
      "button.button",
      {
        type: "button",
        on: { click: () => this.lookInside() },
      },
      "Compare a head in both",
    );
    this.pair = new HeadPair(app);
    this.numbers = h("div.table-wrap", {
      tabindex: "0",
      role: "region",
      "aria-label": "Numbers of both runs",
    });
    this.result = h(
      "section.card.stack",
      { hidden: true, "aria-label": "Difference" },
      h(
        "div.spread",
        {},
        h("h3", {}, "Token by token"),
        h(
          "span.cluster",
          {},
          this.charts.node,
          exportMenu([
            {
              label: "Log-probabilities (CSV)",
              run: () => saveCSV("compare", this.objects()),
            },
            {
              label: "Both runs (JSON)",
              run: () => saveJSON("compare", this.results),
            },
          ]),
        ),
      ),
      this.chart.node,
      this.numbers,
      h("div.cluster", {}, this.pairButton),
    );
    this.tick = ticker(() => this.showTexts());
    fill(
      root,
      h(
        "form.stack",
        { on: { submit: (e) => this.submit(e) } },
        h(
          "div.card.stack",
          {},
          h(
            "div.field",
            {},
            h("label", { for: "compare-prompt" }, "Prompt of both"),
            this.prompt,
          ),
          h(
            "div.field.short",
            {},
            h("label", { for: "compare-length" }, "Tokens at most"),
            this.length,
          ),
        ),
        h(
          "div.side-by-side",
          {},
          this.sides.map((side) => side.node),
        ),
        this.problem,
        h("div.cluster", {}, this.go),
      ),
      h(
        "div.side-by-side.results",
        {},
        this.panes.map((pane) => pane.node),
      ),
      this.result,
      this.pair.node,
    );
  }

  pane(n) {
    const text = h("div.compare-text.mono", {
      role: "log",
      "aria-live": "off",
      tabindex: "0",
      "aria-label": `Text of ${"AB"[n]}`,
    });
    const status = h("span.muted");
    return {
      text,
      status,
      node: h(
        "section.card.stack",
        { hidden: true },
        h("div.spread", {}, h("strong", {}, "AB"[n]), status),
        text,
      ),
    };
  }

  fail(error) {
    if (error.name !== "AbortError") {
      this.problem.textContent = error.message;
      this.problem.hidden = false;
    }
  }

  async submit(event) {
    event.preventDefault();
    if (this.abort) {
      this.abort.abort();
      return;
    }
    if (!this.sides.every((side) => side.valid())) {
      return;
    }
    this.abort = new AbortController();
    this.scope.add(() => this.abort?.abort());
    this.go.textContent = "Stop";
    this.problem.hidden = this.result.hidden = this.pair.node.hidden = true;
    const [a, b] = this.sides.map((side) => side.values());
    const edits = this.sides[1].edits();
    this.app.setParams({
      prompt: this.prompt.value,
      max_tokens: this.length.value,
      a: JSON.stringify(a),
      b: JSON.stringify({ ...b, edits }),
    });
    const shared = {
      prompt: this.prompt.value,
      max_tokens: Number(this.length.value),
    };
    this.bodies = [
      { ...shared, ...a },
      {
        ...shared,
        ...b,
        ...(edits.length && { interventions: edits.map(asSent) }),
      },
    ];
    this.results = [null, null];
    this.panes.forEach((pane) => (pane.node.hidden = false));
    try {
      const done = await Promise.all(
        this.bodies.map((body, n) => this.write(body, n)),
      );
      this.results = done;
      this.showTexts();
      const broken = done.find((g) => g.error);
      if (broken) {
        throw broken.error;
      }
      this.read = await this.readBack(...done);
      this.showResult();
    } catch (error) {
      this.fail(error);
    } finally {
      this.abort = null;
      this.go.textContent = "Write both";
    }
  }

  write(body, n) {
    const keep = (_, g) => {
      this.results[n] = g;
      this.tick();
    };
    return this.app.stream(
      body,
      { start: keep, prefill: keep, token: keep, done: keep },
      this.abort.signal,
    );
  }

  /** A's tokens with the log-probabilities that B gives them; null where that
   * says nothing (the same model) or cannot be (another vocabulary). */
  async readBack(a, b) {
    const [left, right] = this.bodies;
    const same = left.model === right.model && !right.interventions;
    const vocab = (g) => this.app.models.get(g.model)?.vocab;
    const ids = (g) => g.prompt.map((t) => t.id).join();
    if (
      same ||
      !a.tokens.length ||
      vocab(a) !== vocab(b) ||
      ids(a) !== ids(b)
    ) {
      return null;
    }
    const g = await this.app.stream(
      {
        ...right,
        max_tokens: a.tokens.length,
        force: a.tokens.map(({ id }, i) => ({ i, id })),
      },
      {},
      this.abort.signal,
    );
    return g.error ? null : g;
  }

  showTexts() {
    const texts = stretches(
      this.results.map((g) => g?.tokens ?? []),
      this.results.every((g) => g?.done),
    );
    this.panes.forEach(({ text, status }, n) => {
      const g = this.results[n];
      fill(
        text,
        texts[n].map(([words, only]) =>
          only ? h(`span.only-${"ab"[n]}`, {}, words) : words,
        ),
      );
      status.textContent = !g
        ? "waiting …"
        : g.done
          ? `${g.model} · seed ${g.seed} · ${g.tokens.length} tokens · ${g.reason}`
          : `${g.model} · ${g.tokens.length} tokens …`;
    });
  }

  showResult() {
    const [a, b] = this.results;
    this.result.hidden = false;
    this.charts.node.hidden = !this.read;
    const kind = this.read ? "read" : "common";
    this.charts.set(kind);
    this.drawChart(kind);
    fill(this.numbers, numbersTable(a, b, this.read));
    this.app.announce("Both texts are written");
  }

  drawChart(kind) {
    const [a, b] = this.results;
    const list = deltas(
      a.tokens,
      kind === "read" ? this.read.tokens : b.tokens,
    );
    this.chart.node.hidden = !list.length;
    if (list.length) {
      this.chart.set({
        values: list.map((x) => x.delta),
        labels: list.map((x) => visible(x.token)),
        title:
          kind === "read"
            ? "log p of A's tokens: B's minus A's"
            : "log p of the tokens in common: B's minus A's",
        unit: "nats",
        signed: true,
      });
    }
  }

  async lookInside() {
    this.pairButton.disabled = true;
    try {
      const runs = await Promise.all(
        this.results.map((g) => this.app.ensureRun(g)),
      );
      const { interventions } = this.bodies[1];
      if (interventions) {
        runs[1] = await this.app.api.post(
          "/api/whatif",
          { run: runs[1].run, interventions },
          { signal: this.scope.signal },
        );
      }
      this.pair.set(runs, ["A", "B"]);
    } catch (error) {
      this.fail(error);
    } finally {
      this.pairButton.disabled = false;
    }
  }

  objects() {
    return this.results.flatMap((g, n) =>
      g.tokens.map((t) => ({
        run: "AB"[n],
        i: t.i,
        id: t.id,
        token: visible(t),
        logprob_raw: t.logprob_raw,
        under_b:
          n === 0
            ? (this.read?.tokens[t.i]?.logprob_raw ?? null)
            : t.logprob_raw,
      })),
    );
  }

  update() {}

  unmount() {
    this.tick.cancel();
    this.scope.end();
    this.chart.off();
    this.pair.destroy();
  }
}
