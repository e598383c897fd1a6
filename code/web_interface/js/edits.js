// SPDX-License-Identifier: MIT
//
// The list of interventions that a what-if makes: another token, a head or an
// MLP scaled, a vector added. What one says is what the server takes.

import { fill, h } from "./dom.js";
import { visible } from "./tokens.js";

const KINDS = {
  scale_head: "Scale a head",
  scale_mlp: "Scale an MLP",
  add_vector: "Steer by two texts",
  replace_token: "Replace a token",
};

/** For people. */
export function describe(edit, tokens) {
  const by = edit.by === 0 ? "off" : `× ${edit.by}`;
  switch (edit.type) {
    case "scale_head":
      return `layer ${edit.layer} head ${edit.head} ${by}`;
    case "scale_mlp":
      return `MLP of layer ${edit.layer} ${by}`;
    case "add_vector":
      return (
        `layer ${edit.layer}: + ${edit.scale} · (“${edit.plus}” − ` +
        `“${edit.minus}”)${edit.pos === null ? "" : ` at ${edit.pos}`}`
      );
    default: {
      const old = tokens?.[edit.pos];
      return `${old ? visible(old) : "token"} at ${edit.pos} → ${edit.text}`;
    }
  }
}

/** As the server takes it. */
export const body = ({ text, ...edit }) => edit;

let serial = 0;

/** A number or text with its label. */
function field(label, props) {
  const id = `edit-${++serial}`;
  const input = h("input", { id, type: "number", ...props });
  return {
    input,
    node: h("div.field.edit-field", {}, h("label", { for: id }, label), input),
  };
}

/** app, {model(): id, facts(): {n_layers, n_heads, tokens or null}, kinds} ->
 * {node, list(), set(list)} */
export function editor(
  app,
  { model, facts, kinds = Object.keys(KINDS), onChange },
) {
  let edits = [];
  const id = `edit-kind-${++serial}`;
  const kind = h(
    "select",
    { id, on: { change: () => show() } },
    kinds.map((value) => h("option", { value }, KINDS[value])),
  );
  const box = h("div.cluster.edit-fields");
  const chips = h("ul.edit-list");
  const problem = h("p.problem", { role: "alert", hidden: true });
  let fields = {};

  const show = () => {
    const { n_layers = 1, n_heads = 1, tokens } = facts() ?? {};
    const layer = field("Layer", {
      min: 0,
      max: n_layers - 1,
      value: 0,
      required: true,
    });
    const by = field("Times (0: off)", {
      step: "any",
      value: 0,
      required: true,
    });
    const last = tokens ? tokens.length - 1 : 0;
    fields = {
      scale_head: () => ({
        layer,
        head: field("Head", {
          min: 0,
          max: n_heads - 1,
          value: 0,
          required: true,
        }),
        by,
      }),
      scale_mlp: () => ({ layer, by }),
      add_vector: () => ({
        layer,
        plus: field("Towards", { type: "text", value: "love", required: true }),
        minus: field("Away from", {
          type: "text",
          value: "hate",
          required: true,
        }),
        scale: field("Strength", { step: "any", value: 4, required: true }),
        pos: field("Position", { min: 0, max: last, placeholder: "all" }),
      }),
      replace_token: () => ({
        pos: field("Position", {
          min: 0,
          max: last,
          value: last,
          required: true,
        }),
        text: field("New token", { type: "text", required: true }),
      }),
    }[kind.value]();
    fill(
      box,
      Object.values(fields).map((x) => x.node),
    );
    const { pos } = fields;
    if (pos && tokens) {
      const name = () =>
        (pos.node.firstChild.textContent = `Position ${
          tokens[pos.input.value] && pos.input.value !== ""
            ? `(${visible(tokens[pos.input.value])})`
            : ""
        }`);
      pos.input.addEventListener("input", name);
      name();
    }
  };

  const tell = () => {
    fill(
      chips,
      edits.map((edit, n) =>
        h(
          "li.chip.on",
          {},
          describe(edit, facts()?.tokens),
          h(
            "button.chip-remove",
            {
              type: "button",
              "aria-label": `Remove: ${describe(edit, facts()?.tokens)}`,
              on: {
                click: () => {
                  edits = edits.filter((_, i) => i !== n);
                  tell();
                  kind.focus();
                },
              },
            },
            "×",
          ),
        ),
      ),
    );
    onChange?.(edits);
  };

  const add = async () => {
    problem.hidden = true;
    const inputs = Object.values(fields).map((x) => x.input);
    const bad = inputs.find((input) => !input.reportValidity());
    if (bad) {
      return;
    }
    const edit = { type: kind.value };
    for (const [name, { input }] of Object.entries(fields)) {
      edit[name] =
        input.type === "text"
          ? input.value
          : input.value === ""
            ? null
            : Number(input.value);
    }
    try {
      if (edit.type === "replace_token") {
        const { tokens } = await app.api.post("/api/tokenize", {
          model: model(),
          text: edit.text,
          special: false,
        });
        if (tokens.length !== 1) {
          throw new Error(
            `“${edit.text}” is ${tokens.length} tokens (` +
              `${tokens.map(visible).join(" | ")}); give one. A space in front counts.`,
          );
        }
        edit.id = tokens[0].id;
        edit.text = visible(tokens[0]);
      }
      edits = [...edits, edit];
      tell();
    } catch (error) {
      problem.textContent = error.message;
      problem.hidden = false;
    }
  };
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      event.preventDefault();
      add();
    }
  });
  show();
  return {
    node: h(
      "div.stack.editor",
      {},
      chips,
      h(
        "div.cluster.edit-row",
        {},
        h("div.field", {}, h("label", { for: id }, "Change"), kind),
        box,
        h("button.button", { type: "button", on: { click: add } }, "Add"),
      ),
      problem,
    ),
    list: () => edits,
    /** After the model or the text changed: ranges anew. */
    renew: () => (show(), tell()),
    set: (list) => {
      edits = list;
      tell();
    },
  };
}
