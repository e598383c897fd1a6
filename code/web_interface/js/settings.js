// SPDX-License-Identifier: MIT
//
// The parameters as fields: a slider where one helps, a number for what is
// exact, one sentence that says what it does, and the place for what is wrong
// with it. params.js knows their ranges, form.js keeps their values.

import { h } from "./dom.js";
import { PARAMETERS, byName, problem } from "./params.js";

// One sentence each; slider: [low, high, step] where one helps; main: what
// everybody wants.
const TEXTS = {
  temperature: {
    label: "Temperature",
    slider: [0, 2, 0.05],
    main: true,
    hint: "Below 1 the model plays safe, above 1 it dares more. 0 always takes the likeliest token.",
  },
  top_p: {
    label: "Top-p",
    slider: [0, 1, 0.01],
    main: true,
    hint: "Keeps the likeliest tokens until together they reach this probability. 1 keeps all.",
  },
  top_k: {
    label: "Top-k",
    slider: [0, 100, 1],
    main: true,
    hint: "Keeps only this many of the likeliest tokens. 0 keeps all.",
  },
  max_tokens: {
    label: "Length",
    slider: [16, 1024, 16],
    main: true,
    hint: "At most this many tokens; the model may stop before.",
  },
  min_p: {
    label: "Min-p",
    slider: [0, 0.5, 0.01],
    hint: "Removes tokens less likely than this share of the likeliest one. 0 removes none.",
  },
  typical_p: {
    label: "Typical-p",
    slider: [0, 1, 0.01],
    hint: "Keeps tokens whose surprise is nearest to the average surprise, up to this probability. 1 keeps all.",
  },
  repetition_penalty: {
    label: "Repetition penalty",
    slider: [0.8, 2, 0.01],
    hint: "Above 1, tokens that were already used become less likely.",
  },
  frequency_penalty: {
    label: "Frequency penalty",
    slider: [-2, 2, 0.05],
    hint: "Lowers a token a little for each time it was used. 0 does nothing.",
  },
  presence_penalty: {
    label: "Presence penalty",
    slider: [-2, 2, 0.05],
    hint: "Lowers a token once when it was used at all. 0 does nothing.",
  },
  stop: {
    label: "Stop texts",
    hint: "The model stops before it writes one of these, one a line: at most 16.",
  },
  seed: {
    label: "Seed",
    hint: "The same seed and settings give the same text again. Empty: a new one each time.",
  },
};

const read = (p, text) => {
  if (p.list) return text.split("\n").filter((line) => line !== "");
  if (text.trim() === "") return p.name === "seed" ? null : NaN;
  return Number(text);
};

const written = (p, value) => {
  if (p.list) return value.join("\n");
  return value === null || Number.isNaN(value) ? "" : String(value);
};

function field(app, p, prefix) {
  const id = `${prefix}-${p.name}`;
  const describedby = `${id}-hint ${id}-problem`;
  const wrong = h("p.problem", { id: `${id}-problem`, hidden: true });
  const store = (value) => {
    app.form.set(p.name, value);
    show(problem(p.name, value));
  };
  const box = p.list
    ? h("textarea", {
        id,
        rows: 2,
        spellcheck: "false",
        "aria-describedby": describedby,
        on: { input: () => store(read(p, box.value)) },
      })
    : h("input.number", {
        id,
        type: "number",
        min: p.min,
        max: p.max,
        step: p.whole ? 1 : p.slider[2],
        inputmode: p.whole ? "numeric" : "decimal",
        "aria-describedby": describedby,
        placeholder: p.name === "seed" ? "new each time" : null,
        on: { input: () => store(read(p, box.value)) },
      });
  const slider =
    p.slider &&
    h("input", {
      type: "range",
      min: p.slider[0],
      max: p.slider[1],
      step: p.slider[2],
      "aria-label": p.label,
      "aria-describedby": `${id}-hint`,
      on: { input: () => store(Number(slider.value)) },
    });

  function show(message) {
    wrong.hidden = !message;
    wrong.textContent = message ?? "";
    if (message) box.setAttribute("aria-invalid", "true");
    else box.removeAttribute("aria-invalid");
  }

  function refresh() {
    const value = app.form.values[p.name];
    if (document.activeElement !== box) box.value = written(p, value);
    if (!slider) return;
    slider.value = value;
    const [low, high] = p.slider;
    const part =
      (Math.min(high, Math.max(low, value || 0)) - low) / (high - low);
    slider.style.setProperty("--part", `${100 * part}%`);
  }

  refresh();
  const element = h(
    "div.field.setting",
    h("div.spread", h("label", { for: id }, p.label), p.list ? null : box),
    slider,
    p.list ? box : null,
    h("p.hint", { id: `${id}-hint` }, p.hint),
    wrong,
  );
  return { element, show, refresh, box };
}

/** {element, showProblem(name, message) -> shown?, check() -> fine?, off}. */
export function settings(app, names, prefix = "set") {
  const fields = new Map(
    names.map((n) => [n, field(app, { ...byName[n], ...TEXTS[n] }, prefix)]),
  );
  const off = app.form.subscribe((name) => {
    for (const [n, f] of fields) if (name === null || name === n) f.refresh();
  });
  return {
    fields,
    off,
    elements: [...fields.values()].map((f) => f.element),
    clear: () => fields.forEach((f) => f.show(null)),
    showProblem(name, message) {
      const f = fields.get(name);
      if (!f) return false;
      f.show(message);
      const details = f.element.closest("details");
      if (details) details.open = true;
      f.box.focus();
      return true;
    },
    check() {
      for (const [n, f] of fields) {
        const message = problem(n, app.form.values[n]);
        f.show(message);
        if (message) return (this.showProblem(n, message), false);
      }
      return true;
    },
  };
}

/** The card beside the prompt: the four that everybody wants, then the rest. */
export function settingsCard(app) {
  const all = settings(
    app,
    PARAMETERS.map((p) => p.name),
  );
  const part = (main) =>
    PARAMETERS.filter((p) => Boolean(TEXTS[p.name].main) === main).map(
      (p) => all.fields.get(p.name).element,
    );
  const reset = h(
    "button.button.small.quiet",
    {
      type: "button",
      on: { click: () => (all.clear(), app.form.reset()) },
    },
    "Reset",
  );
  const showReset = () => (reset.hidden = app.form.isDefault);
  const offReset = app.form.subscribe(showReset);
  showReset();
  const element = h(
    "aside.card.settings",
    { "aria-labelledby": "settings-title" },
    h(
      "details.settings-fold",
      { open: matchMedia("(min-width: 64rem)").matches },
      h("summary", h("h3", { id: "settings-title" }, "How it chooses")),
      h(
        "div.stack",
        part(true),
        h(
          "details.more",
          h("summary", "More settings"),
          h("div.stack", part(false)),
        ),
        reset,
      ),
    ),
  );
  return {
    ...all,
    element,
    off() {
      all.off();
      offReset();
    },
  };
}
