// SPDX-License-Identifier: MIT
//
// The parameters as fields: a slider where one helps, a number for what is
// exact, one sentence that says what it does, and the place for what is wrong
// with it. settings.js shows them, params.js knows them, form.js keeps them.

import { h } from "./dom.js";
import { PARAMETERS, byName, problem } from "./params.js";

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
    ? h("textarea", { id, rows: 2, spellcheck: "false", "aria-describedby": describedby,
        on: { input: () => store(read(p, box.value)) } })
    : h("input.number", { id, type: "number", min: p.min, max: p.max, step: p.whole ? 1 : p.slider[2],
        inputmode: p.whole ? "numeric" : "decimal", "aria-describedby": describedby,
        placeholder: p.name === "seed" ? "new each time" : null,
        on: { input: () => store(read(p, box.value)) } });
  const slider = p.slider && h("input", {
    type: "range", min: p.slider[0], max: p.slider[1], step: p.slider[2],
    "aria-label": p.label, "aria-describedby": `${id}-hint`,
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
    const part = (Math.min(high, Math.max(low, value || 0)) - low) / (high - low);
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
  const fields = new Map(names.map((n) => [n, field(app, byName[n], prefix)]));
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
        if (message) return this.showProblem(n, message), false;
      }
      return true;
    },
  };
}

/** The card beside the prompt: the four that everybody wants, then the rest. */
export function settingsCard(app) {
  const all = settings(app, PARAMETERS.map((p) => p.name));
  const part = (main) =>
    PARAMETERS.filter((p) => Boolean(p.main) === main).map(
      (p) => all.fields.get(p.name).element,
    );
  const reset = h("button.button.small.quiet", {
    type: "button",
    on: { click: () => (all.clear(), app.form.reset()) },
  }, "Reset");
  const showReset = () => (reset.hidden = app.form.isDefault);
  const offReset = app.form.subscribe(showReset);
  showReset();
  const element = h(
    "aside.card.settings",
    { "aria-labelledby": "settings-title" },
    h("details.settings-fold", { open: matchMedia("(min-width: 64rem)").matches },
      h("summary", h("h3", { id: "settings-title" }, "How it chooses")),
      h("div.stack", part(true),
        h("details.more", h("summary", "More settings"), h("div.stack", part(false))),
        reset),
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
