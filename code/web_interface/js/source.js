// SPDX-License-Identifier: MIT
//
// Which text is looked at: the last generation, one's own, or a link's run.

import { fill, h } from "./dom.js";

let own = null; // {model, text, run, after: id of the generation before it}

async function inspect(app, model, text, signal) {
  const run = await app.api.post(
    "/api/inspect",
    {
      model,
      text,
      capture: ["attention", "lens"],
      layers: "all",
    },
    { signal },
  );
  own = { model, text, run, after: app.generation()?.id };
  return run;
}

const gone = (error) => error.status === 404 || error.status === 410;

async function described(app, id, signal) {
  try {
    return await app.api.get(`/api/runs/${encodeURIComponent(id)}`, { signal });
  } catch (error) {
    if (gone(error)) {
      return null;
    }
    throw error;
  }
}

/** {run, text, from} of the first there is: the link's run, its text, what this
 * tab looked at last; or null. The recorded example counts when its model is
 * loaded: a visit must not fetch a model. */
export async function findRun(app, params, signal) {
  if (params.run) {
    const run = await described(app, params.run, signal);
    if (run) {
      return { run, text: params.text, from: params.text ? "text" : "link" };
    }
    if (!params.text) {
      app.toast("The run of this link is gone: runs are kept for ten minutes.");
    }
  }
  if (params.text) {
    const model = params.model ?? app.model()?.id;
    const run = await inspect(app, model, params.text, signal);
    return { run, text: params.text, from: "text" };
  }
  const generation = app.generation();
  if (own && own.after === generation?.id) {
    const run =
      (await described(app, own.run.run, signal)) ??
      (await inspect(app, own.model, own.text, signal));
    return { run, text: own.text, from: "text" };
  }
  const ready =
    generation?.done &&
    (!generation.recorded ||
      app.models.get(generation.model)?.state === "loaded");
  return ready
    ? { run: await app.ensureRun(generation), from: "generation" }
    : null;
}

const EXAMPLE =
  "When Mary and John went to the shop, John gave a bottle of milk to Mary. " +
  "When Mary and John went to the park, John gave";

/** The card that says which text it is and takes another one: onRun({run, text,
 * from} or null). */
export function sourceCard(app, { onRun, signal }) {
  const area = h("textarea.mono", {
    id: "look-text",
    rows: "4",
    spellcheck: "false",
    value: EXAMPLE,
  });
  const problem = h("p.problem", { role: "alert", hidden: true });
  const go = h("button.button.primary", { type: "submit" }, "Look inside");
  const last = h("button.button", { type: "button" }, "The last generation");
  const wait = h("span.muted");
  const models = h("select", {
    id: "look-model",
    on: { change: () => app.setModel(models.value) },
  });
  signal.addEventListener(
    "abort",
    app.models.subscribe((list) => {
      fill(
        models,
        list.map((m) => h("option", { value: m.id }, m.name || m.id)),
      );
      models.value = app.model()?.id;
    }),
  );
  const what = h("span", {}, "Choose a text");
  const busy = async (work) => {
    problem.hidden = true;
    go.disabled = last.disabled = true;
    node.classList.add("busy");
    try {
      await onRun(await work());
    } catch (error) {
      if (error.name !== "AbortError") {
        problem.textContent = error.message;
        problem.hidden = false;
        node.open = true;
      }
    } finally {
      go.disabled = last.disabled = false;
      node.classList.remove("busy");
    }
  };
  const own = (event) => {
    event?.preventDefault();
    busy(async () => {
      const model = app.model()?.id;
      if (model && app.models.get(model)?.state !== "loaded") {
        wait.textContent = `loading ${model} …`;
        await app.load(model);
      }
      wait.textContent = "";
      const run = await inspect(app, model, area.value, signal);
      return { run, text: area.value, from: "text" };
    });
  };
  last.addEventListener("click", () =>
    busy(async () => ({ run: await app.ensureRun(), from: "generation" })),
  );
  const form = h(
    "form.stack",
    { on: { submit: own } },
    h(
      "div.field",
      {},
      h("label", { for: "look-text" }, "Your own text"),
      area,
      h(
        "p.hint",
        {},
        "The model reads it once; nothing is written. " +
          "Text that repeats itself shows the most.",
      ),
    ),
    problem,
    h(
      "div.cluster",
      {},
      go,
      last,
      h("span.pick", {}, h("label", { for: "look-model" }, "read by"), models),
      wait,
    ),
  );
  area.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      own(event);
    }
  });
  const node = h(
    "details.card.source",
    {},
    h("summary", {}, what, h("span.chip", {}, "Change")),
    form,
  );
  return {
    node,
    busy,
    /** Says what is shown now; null opens the form. */
    show(found) {
      last.hidden = !app.generation()?.tokens?.length;
      models.value = app.model()?.id;
      node.open = !found;
      if (!found) {
        fill(what, "Choose a text");
        return;
      }
      const { run, from, text } = found;
      const n = run.tokens.length;
      if (text) {
        area.value = text;
      }
      const origin =
        { text: "Your text", link: "A linked run" }[from] ??
        "The last generation";
      fill(
        what,
        h("strong", {}, origin),
        `: ${n} ${n === 1 ? "token" : "tokens"}, read by ${run.model}`,
      );
    },
  };
}
