// SPDX-License-Identifier: MIT
//
// Where a person types: a text to go on with, or a message of a conversation;
// a few beginnings to try; Generate and Stop.

import { fill, h } from "./dom.js";
import { modelPicker } from "./picker.js";
import { segmented } from "./segmented.js";

// The small models of the course know only their stories.
const BEGINNINGS = {
  char: [
    "Lily was a quiet child from ",
    "Once upon a time ",
    "One cold Monday, ",
  ],
  bpe: [
    "The capital of France is",
    "My favourite thing about the sea is",
    "Once upon a time, a robot",
  ],
  chat: [
    "Why is the sky blue?",
    "Write a haiku about rain.",
    "Name three rivers of Europe.",
  ],
};

/** onGenerate(), onStop(); the text is kept in app.form. */
export function composer(app, { status, onGenerate, onStop, onMode }) {
  const { form } = app;
  const label = h("label", { for: "prompt" });
  const wrong = h("p.problem", { id: "prompt-problem", hidden: true });
  const hint = h("p.hint", { id: "prompt-hint" });
  const text = h("textarea.prompt", {
    id: "prompt",
    rows: 3,
    spellcheck: "false",
    autocomplete: "off",
    "aria-describedby": "prompt-hint prompt-problem",
    on: { input: () => (store(text.value), problem(null)) },
  });
  const tries = h("div.cluster.tight.tries");
  const go = h("button.button.primary.big", { type: "submit", id: "generate" });
  const stop = h(
    "button.button.big",
    { type: "button", id: "stop", hidden: true, on: { click: onStop } },
    "Stop",
    h("kbd", "Esc"),
  );
  const modes = h("div.modes");
  const picker = modelPicker(app);
  const element = h(
    "form.card.composer",
    {
      novalidate: true,
      "aria-label": "Write",
      on: { submit: (event) => (event.preventDefault(), onGenerate()) },
    },
    h("div.composer-top", picker.element, modes),
    h("div.field", label, text, hint, wrong, tries),
    h("div.actions", go, stop, status.element),
  );

  const store = (value) => {
    if (form.mode === "chat") form.draft = value;
    else form.prompt = value;
  };
  const value = () =>
    form.mode === "chat" ? (form.draft ?? "") : (form.prompt ?? "");

  const kind = () => {
    if (form.mode === "chat") return "chat";
    return app.model()?.tokenizer === "char" ? "char" : "bpe";
  };

  function problem(message) {
    wrong.hidden = !message;
    wrong.textContent = message ?? "";
    if (message) text.setAttribute("aria-invalid", "true");
    else text.removeAttribute("aria-invalid");
  }

  function showTries() {
    fill(
      tries,
      h("span.muted", "Try:"),
      BEGINNINGS[kind()].map((beginning) =>
        h(
          "button.chip",
          {
            type: "button",
            on: {
              click: () => {
                store(beginning);
                text.value = beginning;
                problem(null);
                text.focus();
              },
            },
          },
          beginning.trim(),
        ),
      ),
    );
  }

  function show() {
    const chat = form.mode === "chat";
    const canChat = app.model()?.capabilities?.includes("chat");
    modes.hidden = !canChat && !chat;
    fill(
      modes,
      segmented(
        "mode",
        { raw: "Continue a text", chat: "Chat" },
        form.mode,
        setMode,
        "Mode",
      ),
    );
    label.textContent = chat ? "Your message" : "Beginning of the text";
    hint.textContent = chat
      ? "The model answers; you can edit a message and have another answer."
      : "The model goes on from here, one token at a time.";
    if (!chat && form.prompt === null && app.model())
      form.prompt = BEGINNINGS[kind()][0];
    if (document.activeElement !== text || !text.value) text.value = value();
    fill(go, chat ? "Send" : "Generate", h("kbd", "Ctrl ↵"));
    showTries();
  }

  function setMode(mode) {
    form.mode = mode;
    form.changed("mode");
    text.value = "";
    show();
    onMode();
  }

  const offs = [app.models.subscribe(show), app.onModel(show), picker.off];
  show();
  return {
    element,
    text,
    problem,
    show,
    setText(value) {
      store(value);
      text.value = value;
    },
    busy(on) {
      // The focus must not be lost with the button that had it.
      const had = document.activeElement === (on ? go : stop);
      element.classList.toggle("busy", on);
      go.hidden = on;
      stop.hidden = !on;
      if (had) (on ? stop : go).focus();
    },
    off: () => offs.forEach((off) => off()),
  };
}
