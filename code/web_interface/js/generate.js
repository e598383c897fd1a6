// SPDX-License-Identifier: MIT
//
// The first view: type a beginning, press Generate, and look inside what came.
// It joins the parts (composer, settings, output) and knows the story of a run:
// start, branch, replay, conversation, errors at the field that they name.

import { scope, h } from "./dom.js";
import { composer } from "./composer.js";
import { attentionPicture, loadExample } from "./example.js";
import { output } from "./output.js";
import { settingsCard } from "./settings.js";
import { branchForce } from "./state.js";
import { statusLine, statusText } from "./status.js";

const typing = (node) => node.matches?.("textarea, input:not([type=radio])");
const wholeSentence = /[^.!?]*[.!?](?=\s)/g;

export async function mount(root, app, params) {
  const life = scope();
  const { form, session } = app;
  const picture = h("div.example-slot");
  const bench = h("div.workbench");
  const status = statusLine(app);
  const card = settingsCard(app);
  const write = composer(app, {
    status,
    onGenerate: () => generate(),
    onStop: () => app.stop(),
    onMode: () => arrange(),
  });
  const out = output(app, {
    onBranch: branch,
    onReplay: replay,
    onEdit: edit,
    onRegenerate: regenerate,
  });
  const empty = h(
    "section.card.empty",
    { hidden: true },
    h("h3", "Nothing written yet"),
    h(
      "p",
      "Press Generate: the text appears here, each token coloured by how much it surprised the model.",
    ),
  );
  let editing = null; // place of a message that is being changed
  let spoken = 0; // characters of the text that were spoken

  root.append(
    h(
      "header.hero",
      h("h2.view-title", "Write with a language model and watch it think"),
      h(
        "p.view-lead",
        "It runs on your own computer. Give it a beginning; for every token you see how sure it was and what else it had in mind.",
      ),
    ),
    bench,
  );

  // A conversation grows above the place where one types, a text below it.
  function arrange() {
    const chat = form.mode === "chat";
    const had = document.activeElement;
    bench.replaceChildren(
      ...(chat
        ? [out.element, write.element, card.element]
        : [write.element, card.element, out.element]),
      empty,
      picture,
    );
    if (bench.contains(had)) had.focus();
    showPlace();
  }

  // Follows the end of the conversation, unless one has scrolled away.
  const atEnd = () =>
    write.element.getBoundingClientRect().bottom < innerHeight + 120;
  function follow(wasAtEnd) {
    if (form.mode === "chat" && wasAtEnd) {
      write.element.scrollIntoView({ block: "end" });
    }
  }

  // On a phone the text begins below the screen.
  function reveal() {
    const { top } = out.element.getBoundingClientRect();
    const phone = matchMedia("(max-width: 40rem)").matches;
    if (!phone || form.mode === "chat" || top < innerHeight / 2) return;
    out.element.scrollIntoView({
      behavior: app.reducedMotion() ? "auto" : "smooth",
    });
  }

  function showPlace() {
    const g = app.generation();
    const none =
      !g || ((form.mode === "chat") !== Boolean(g.turns) && !g.recorded);
    out.element.hidden = none;
    empty.hidden = !none;
    picture.hidden = !g?.recorded;
  }

  function check() {
    const text = write.text.value;
    if (form.mode === "chat" ? !text.trim() && !pendingAnswer() : text === "") {
      write.problem(
        "Expected a text but received none; type a few words or choose one below.",
      );
      write.text.focus();
      return false;
    }
    return card.check();
  }

  const pendingAnswer = () => form.messages.at(-1)?.role === "user";

  async function generate(overrides = {}, fields = {}) {
    if (session.busy || !check()) return;
    if (!app.model())
      return app.toast("The server has no model yet; see ./tutorial help.");
    if (form.mode === "chat") {
      fields.turns = chatTurns();
      write.setText("");
    }
    out.unpin();
    const g = await app.generate(overrides, {
      promptText: form.prompt,
      ...fields,
    });
    if (form.mode === "chat" && g.turns) endOfTurn(g);
    if (g.error) showError(g.error);
    return g;
  }

  // The message that was typed joins the conversation.
  function chatTurns() {
    if (editing !== null) form.messages = form.messages.slice(0, editing);
    editing = null;
    const content = write.text.value;
    if (content.trim())
      form.messages = [...form.messages, { role: "user", content }];
    return form.messages;
  }

  function endOfTurn(g) {
    if (g.text) {
      form.messages = [
        ...g.turns,
        { role: "assistant", content: g.text, generation: g },
      ];
    } else if (g.error) {
      write.setText(g.turns.at(-1).content); // to try again
      form.messages = g.turns.slice(0, -1);
    }
  }

  function edit(n) {
    editing = n;
    write.setText(form.messages[n]?.content ?? "");
    write.text.focus();
    app.announce(
      "Change the message and send it again; what follows it is replaced.",
    );
  }

  function regenerate() {
    if (session.busy) return;
    const last = form.messages.findLastIndex((m) => m.role === "user");
    if (last < 0) return;
    editing = last;
    write.setText(form.messages[last].content);
    form.values.seed = null;
    form.changed("seed");
    generate();
  }

  function showError(error) {
    const name = error.param?.split(/[.[]/)[0];
    if (name && card.showProblem(name, error.message)) return;
    if (
      ["prompt", "messages"].includes(name) ||
      error.code === "context_length_exceeded"
    ) {
      write.problem(error.message);
      write.text.focus();
    }
  }

  async function branch(g, at, id) {
    if (session.busy) return app.toast("Stop the text first.");
    const token = g.tokens[at].top?.find((a) => a.id === id) ?? {
      id,
      text: `#${id}`,
    };
    const parent = { generation: g, at, token };
    app.announce(`Continuing with ${token.text}`);
    const { prompt, messages } = g.body; // with the settings of now
    const made = app.generate(
      { model: g.model, seed: g.seed, force: branchForce(g, at, id) },
      { promptText: g.promptText, turns: g.turns, parent },
      messages ? { messages } : { prompt },
    );
    const child = app.generation();
    g.children = [...(g.children ?? []), child];
    const { error } = await made;
    if (error) showError(error);
  }

  async function replay(g) {
    if (session.busy) return;
    const same = (a, b) =>
      a.length === b.length && a.every((t, i) => t.id === b[i].id);
    const again = await session.generate(
      g.body, // exactly
      { promptText: g.promptText, turns: g.turns, parent: g.parent },
    );
    if (again.error) return showError(again.error);
    app.toast(
      same(again.tokens, g.tokens)
        ? "The same text again, token for token."
        : "The text differs: the settings or the model have changed.",
    );
  }

  // Sentences, when a screen reader wants them: whole ones, not too often.
  function speak(g) {
    if (!app.readAloud) return;
    const rest = g.text.slice(spoken);
    const sentences = rest.match(wholeSentence);
    if (!sentences) return;
    if (app.sentence(sentences.join(" "))) {
      spoken += rest.lastIndexOf(sentences.at(-1)) + sentences.at(-1).length;
    }
  }

  function onGeneration(g, what) {
    if (!g) return;
    if (what === "start") {
      spoken = 0;
      status.start(g);
      if (!g.done) app.announce("Writing");
      showPlace();
    }
    if (what === "change") showPlace();
    write.busy(session.busy && !g.done);
    status.show(g);
    const end = form.mode === "chat" && atEnd();
    out.update(g, what);
    if (what === "start" && !g.done) reveal();
    follow(end);
    if (what === "tokens") speak(g);
    if (what === "done") {
      if (!g.error) app.announce(statusText(g)); // an alert speaks itself
      app.setParams(form.toParams(app.model()?.id, g));
    }
  }

  life.add(app.onGeneration(onGeneration));
  life.add(() => (write.off(), card.off(), out.off(), status.off()));
  life.on(document, "keydown", (event) => {
    if (document.querySelector("dialog[open]")) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      generate();
    } else if (event.key === "Escape" && session.busy) {
      app.stop();
    } else if (event.key === "Escape" && out.pin.at) {
      const { g, i } = out.pin.at;
      out.unpin();
      out.focusToken(g, i);
    } else if (
      event.key === "ArrowLeft" &&
      event.altKey &&
      !typing(event.target)
    ) {
      const parent = app.generation()?.parent;
      if (!parent || session.busy) return; // then it is the browser's "back"
      event.preventDefault();
      session.show(parent.generation);
      out.pinAt(parent.generation, parent.at);
      out.focusToken(parent.generation, parent.at);
    }
  });

  async function example() {
    const g = await loadExample().catch(() => null);
    if (!g || app.generation() || life.signal.aborted) return showPlace();
    session.show(g, "start");
    if (g.picture) {
      const made = attentionPicture(app, g);
      picture.append(made.element);
      life.add(made.off);
    }
  }

  arrange();
  const now = app.generation();
  if (!now) await example();
  else {
    onGeneration(now, "start");
    if (now.recorded && now.picture) {
      const made = attentionPicture(app, now);
      picture.append(made.element);
      life.add(made.off);
    }
  }
  const token = Number(params.token ?? NaN);
  if (params.seed && !now) {
    app.toast(
      "This link brings its settings and its seed: press Generate to write the same text.",
    );
  } else if (app.generation() && Number.isInteger(token)) {
    out.pinAt(app.generation(), token);
  }
  showPlace();

  return {
    update(next) {
      const place = Number(next.token ?? NaN);
      const g = app.generation();
      if (g && Number.isInteger(place)) out.pinAt(g, place);
      else out.unpin();
    },
    unmount: () => life.end(),
  };
}
