// SPDX-License-Identifier: MIT
//
// The entry: puts together what the views share (the object `app`), shows the
// view that the address names, and keeps theme, notices and the keyboard. The
// views are modules with mount(root, app, params) -> {update, unmount}.

import { announcer } from "./js/a11y.js";
import { api, takeToken } from "./js/api.js";
import { h, scope } from "./js/dom.js";
import { Form } from "./js/form.js";
import { Models } from "./js/models.js";
import { Session } from "./js/state.js";
import { Theme } from "./js/theme.js";
import { toolbar } from "./js/toolbar.js";
import { format, fromParams, parse } from "./js/url.js";

const VIEWS = {
  "": () => import("./js/generate.js"),
  attention: () => import("./js/attention.js"),
  layers: () => import("./js/lens.js"),
  compare: () => import("./js/compare.js"),
  training: () => import("./js/training.js"),
  docs: () => import("./js/learn.js"),
};
const TITLES = {
  "": "Write",
  attention: "Attention",
  layers: "Layers",
  compare: "Compare",
  training: "Training",
  docs: "Learn",
};

takeToken();
const voice = announcer(document.getElementById("voice"));
const main = document.getElementById("main");
const models = new Models(api);
const session = new Session(api);
const theme = new Theme();
const form = new Form(fromParams(parse(location.hash).params));
const modelListeners = new Set();
let shown = null; // {route, params, view, root}

function toast(what) {
  const text = typeof what === "string" ? what : what.message;
  const close = h(
    "button.button.icon.quiet",
    {
      type: "button",
      "aria-label": "Dismiss",
      on: { click: () => note.remove() },
    },
    "×",
  );
  const error = typeof what !== "string";
  const note = h(
    error ? "div.toast.error" : "div.toast",
    { role: error ? "alert" : "status" },
    h("span", text),
    close,
  );
  const all = document.getElementById("toasts");
  [...all.children]
    .filter((n) => n.textContent === note.textContent)
    .forEach((n) => n.remove());
  all.append(note);
  if (!error) setTimeout(() => note.remove(), 6000);
}

const app = {
  api,
  models,
  form,
  session,
  capture: null,
  model: () => models.get(form.model) ?? models.initial(),
  setModel(id) {
    form.model = id;
    form.changed();
    for (const listener of modelListeners) listener();
  },
  onModel(listener) {
    modelListeners.add(listener);
    return () => modelListeners.delete(listener);
  },
  load: models.load,
  generation: () => session.current,
  history: () => session.finished,
  onGeneration: (listener) => session.subscribe(listener),
  /** `text`: {prompt} or {messages} in place of the form's. */
  generate: (overrides = {}, fields, text) =>
    session.generate(
      {
        model: app.model()?.id,
        ...form.body(text),
        top_logprobs: 20,
        ...(app.capture ? { capture: app.capture } : {}),
        ...overrides,
      },
      fields,
    ),
  stream: (body, handlers, signal) => session.stream(body, handlers, signal),
  stop: () => session.stop(),
  ensureRun: (g) => session.ensureRun(g),
  href: format,
  go(route, params = {}, { replace = false } = {}) {
    history[replace ? "replaceState" : "pushState"](
      null,
      "",
      format(route, params),
    );
    show();
  },
  setParams(params, { replace = true } = {}) {
    const now = parse(location.hash);
    const next = { ...now.params, ...params };
    const address = format(now.route, next);
    if (address === location.hash) return;
    history[replace ? "replaceState" : "pushState"](null, "", address);
    if (shown) shown.params = parse(location.hash).params;
  },
  /** A link to what is seen now, which another browser can open. */
  permalink() {
    const { route, params } = parse(location.hash);
    const all = {
      ...params,
      ...form.toParams(app.model()?.id, session.current),
    };
    return location.origin + location.pathname + format(route, all);
  },
  announce: voice.say,
  sentence: voice.sentence,
  toast,
  theme: () => theme.shown,
  onTheme: (listener) => theme.subscribe(listener),
  reducedMotion: () => matchMedia("(prefers-reduced-motion: reduce)").matches,
};

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

async function show() {
  const { route, params } = parse(location.hash);
  if (shown?.route === route) {
    if (!same(shown.params, params)) {
      shown.params = params;
      shown.view?.update(params);
    }
    return;
  }
  shown?.view?.unmount();
  const first = !shown;
  const root = h("section.view", { dataset: { view: route || "write" } });
  const mine = { route, params, root, view: null };
  shown = mine;
  main.replaceChildren(root);
  document.title = `${TITLES[route]} · MLX LLM Tutorial`;
  for (const link of document.querySelectorAll("nav.views a")) {
    if (link.dataset.route === route) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  try {
    const module = await VIEWS[route]();
    if (shown !== mine) return;
    const view = await module.mount(root, app, mine.params);
    if (shown !== mine) return view.unmount();
    mine.view = view;
    if (!first) {
      scrollTo(0, 0);
      main.focus({ preventScroll: true });
      voice.say(TITLES[route]);
    }
  } catch (error) {
    console.error(error);
    root.replaceChildren(
      h(
        "div.empty",
        h("h2", "This view did not open"),
        h("p", error.message),
        h("a.button", { href: location.pathname }, "Load the page again"),
      ),
    );
  }
}

const page = scope();
page.on(window, "popstate", show);
page.on(window, "hashchange", show);
page.on(document, "click", (event) => {
  if (event.target.closest("a.skip")) {
    event.preventDefault(); // "#main" is no address of a view
    main.focus();
  }
});
toolbar(document.getElementById("tools"), app, theme);
models.subscribe(() => modelListeners.forEach((listener) => listener()));
models.follow();
show();
