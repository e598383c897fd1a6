// SPDX-License-Identifier: MIT
//
// Training: the runs under models/, and one of them followed while it goes on:
// its loss against the step, beside what counting reaches (the n-gram ladder)
// and what nobody can beat (the entropy of the grammar that wrote the text).

import { tableToggle } from "./a11y.js";
import { fill, count, duration, h, num, scope, ticker } from "./dom.js";
import { lineChart, smooth, thin } from "./charts.js";
import { exportMenu, saveCSV, saveJSON, saveSVG } from "./export.js";
import { Metrics } from "./metrics.js";
import { segmented } from "./segmented.js";
import { ladderTable, numbersTable } from "./trainingtable.js";

const ago = (seconds) => {
  const s = Date.now() / 1000 - seconds;
  if (s < 90) return "just now";
  if (s < 5400) return `${Math.round(s / 60)} minutes ago`;
  if (s < 129600) return `${Math.round(s / 3600)} hours ago`;
  return `${Math.round(s / 86400)} days ago`;
};

const STATES = {
  running: "training now",
  finished: "finished",
  stopped: "stopped",
};

export async function mount(root, app, params) {
  const life = scope();
  const list = h("ul.runs");
  const detail = h("div.stack.training-detail");
  let chosen = params.run ?? null;
  let following = null;
  let runs = [];

  root.append(
    h("h2.view-title", "Watch a model learn"),
    h(
      "p.view-lead",
      "The loss is how many nats of surprise a token costs the model on average: the lower, the better it has learnt the text.",
    ),
    list,
    detail,
  );

  async function loadRuns() {
    try {
      runs = (await app.api.get("/api/training", { signal: life.signal })).data;
    } catch (error) {
      if (error.name === "AbortError") return;
      fill(
        detail,
        h(
          "div.card.empty",
          h("h3", "The runs cannot be listed"),
          h("p", error.message),
        ),
      );
      return;
    }
    showRuns();
    if (!runs.length) {
      fill(
        detail,
        h(
          "div.card.empty",
          h("h3", "No model has been trained here yet"),
          h(
            "p",
            "Train one with ",
            h("code", "./tutorial start"),
            " and watch it on this page.",
          ),
        ),
      );
      return;
    }
    const id = runs.some((r) => r.id === chosen) ? chosen : runs[0].id;
    if (following?.id !== id) follow(id);
  }

  function showRuns() {
    fill(
      list,
      runs.map((r) =>
        h(
          "li",
          h(
            "a.run-link",
            {
              href: app.href("training", { run: r.id }),
              "aria-current": following?.id === r.id ? "true" : null,
            },
            h("b", r.name ?? r.id),
            h(
              "span.small.muted",
              `${STATES[r.state] ?? r.state} · step ${count(r.step)}${r.steps ? ` of ${count(r.steps)}` : ""}`,
            ),
            h("br"),
            h(
              "span.small.muted",
              `loss ${num(r.val_loss ?? r.loss)} · ${ago(r.updated_s)}`,
            ),
          ),
        ),
      ),
    );
  }

  function follow(id) {
    following?.end();
    following = followRun(app, id, detail);
    showRuns();
  }

  await loadRuns();
  const timer = setInterval(loadRuns, 15000);
  life.add(() => clearInterval(timer));
  life.add(() => following?.end());
  return {
    update(next) {
      chosen = next.run ?? null;
      if (chosen && following?.id !== chosen) follow(chosen);
    },
    unmount: () => life.end(),
  };
}

function followRun(app, id, root) {
  const life = scope();
  let metrics = new Metrics();
  let state = "running";
  let logScale = true;
  const chart = lineChart();
  const figures = h("dl.facts");
  const legend = h("div.chart-legend");
  const samples = h("ol.samples");
  const table = h("div.table-wrap", {
    hidden: true,
    tabindex: 0,
    role: "region",
    "aria-label": "Numbers of this run",
  });
  const showTable = () =>
    fill(table, numbersTable(metrics), ladderTable(metrics));
  const tableButton = h("button.button.small.quiet", {
    type: "button",
    on: { click: showTable },
  });
  tableToggle(tableButton, table);
  const scale = segmented(
    "scale",
    { log: "Log", linear: "Linear" },
    "log",
    (key) => {
      logScale = key === "log";
      draw();
    },
    "Scale of the loss",
  );
  const title = h("h3");
  const frame = h("div");
  frame.append(chart.element);
  const sampleCard = h(
    "section.card.stack",
    { hidden: true },
    h("h3", "What it wrote on the way"),
    samples,
  );

  fill(
    root,
    h(
      "section.card.stack",
      { "aria-label": `Run ${id}` },
      h(
        "div.spread",
        title,
        h(
          "div.cluster.tight",
          scale,
          tableButton,
          exportMenu([
            {
              label: "Chart as SVG",
              run: () => saveSVG(`${id}-loss`, chart.element),
            },
            {
              label: "Numbers as CSV",
              run: () => saveCSV(`${id}-metrics`, metrics.rows()),
            },
            {
              label: "Everything as JSON",
              run: () =>
                saveJSON(`${id}-metrics`, {
                  head: metrics.head,
                  steps: metrics.rows(),
                }),
            },
          ]),
        ),
      ),
      figures,
      h("figure.figure", frame, legend),
      table,
    ),
    sampleCard,
  );

  const draw = ticker(() => {
    title.textContent = `${metrics.head?.run ?? id}${state === "running" ? " · live" : ""}`;
    showFigures();
    showChart();
    showSamples();
    if (!table.hidden) showTable();
  });

  const fact = (name, value) => h("div.fact", h("dt", name), h("dd", value));
  function showFigures() {
    const m = metrics;
    const last = m.last;
    if (!last) return fill(figures, fact("State", "no step yet"));
    const left = m.eta(state);
    fill(
      figures,
      fact(
        "Step",
        m.steps ? `${count(last.step)} / ${count(m.steps)}` : count(last.step),
      ),
      fact("Loss, validation", num(m.validation.at(-1)?.[1])),
      fact("Loss, training", num(smooth(m.train).at(-1)?.[1])),
      m.best && fact("Counting reaches", num(m.best.value)),
      m.floor && fact("Floor", num(m.floor)),
      fact("Tokens/s", count(Math.round(m.speed()))),
      state === "running" && left
        ? fact("Left, about", duration(1000 * left))
        : fact("Took", duration(1000 * last.seconds)),
    );
  }

  function showChart() {
    const m = metrics;
    if (m.train.length < 2) return;
    const curve = smooth(m.train);
    const references = m.references();
    const values = [...curve, ...m.validation].map((p) => p[1]);
    const most = Math.max(...values);
    const least = Math.min(
      ...values,
      ...references.filter((r) => r.kind !== "ladder").map((r) => r.value),
    );
    fill(
      legend,
      h("span", "training, smoothed"),
      m.validation.length > 0 && h("span.dots", "validation"),
      m.best && h("span.best", "best that counting reaches"),
      m.floor && h("span.floor", "entropy of the source: nobody can do better"),
    );
    chart.draw({
      width: Math.max(300, Math.round(frame.clientWidth)),
      height: frame.clientWidth < 560 ? 300 : 400,
      x: { low: 0, high: Math.max(m.steps || 0, m.last.step), label: "step" },
      y: {
        low: logScale ? least * 0.92 : 0,
        high: most * 1.05,
        log: logScale,
        label: "loss, nats per token",
      },
      series: [
        { kind: "faint", name: "training", points: thin(m.train) },
        { kind: "smooth", name: "training", points: thin(curve) },
        { kind: "dots", name: "validation", points: m.validation },
      ],
      references,
      summary: summary(m),
    });
  }

  const summary = (m) =>
    `Loss against step: training ${num(smooth(m.train).at(-1)[1])} at step ${count(m.last.step)}` +
    (m.validation.length ? `, validation ${num(m.validation.at(-1)[1])}` : "") +
    (m.best ? `; counting reaches ${num(m.best.value)}` : "") +
    (m.floor ? `, the floor is ${num(m.floor)}` : "") +
    ".";

  let shownSamples = 0;
  function showSamples() {
    if (metrics.samples.length === shownSamples) return;
    shownSamples = metrics.samples.length;
    sampleCard.hidden = false;
    fill(
      samples,
      [...metrics.samples]
        .reverse()
        .map(({ step, text, loss }) =>
          h(
            "li",
            h(
              "span.muted.small",
              `step ${count(step)}`,
              loss !== null && [h("br"), `loss ${num(loss)}`],
            ),
            h("p", text),
          ),
        ),
    );
  }

  async function read() {
    for (
      let wait = 1000;
      !life.signal.aborted;
      wait = Math.min(2 * wait, 15000)
    ) {
      try {
        metrics = new Metrics(); // a new connection tells all lines again
        let over = false;
        await app.api.events(
          `/api/training/${encodeURIComponent(id)}/events`,
          {
            head: (line) => (
              (metrics = new Metrics(line)),
              (shownSamples = 0),
              draw()
            ),
            steps: ({ lines }) => (metrics.add(lines), draw()),
            state: (data) => ((state = data.state), draw()),
            done: () => (over = true),
          },
          { signal: life.signal },
        );
        draw();
        if (over) return;
      } catch (error) {
        if (error.name === "AbortError") return;
        if (error.status === 404) return void app.toast(error);
      }
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }

  const watch = new ResizeObserver(draw);
  watch.observe(frame);
  life.add(() => watch.disconnect());
  life.add(draw.cancel);
  read();
  return { id, end: () => life.end() };
}
