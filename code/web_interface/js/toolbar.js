// SPDX-License-Identifier: MIT
//
// The tools at the top right (link, theme, help) and the keys that work in
// every view.

import { h, svg } from "./dom.js";

const ICONS = {
  link: "M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.7-5.7l-1.3 1.3M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.7 5.7l1.3-1.3",
  auto: "M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 1 1 0 16",
  light:
    "M12 8a4 4 0 1 0 0 8a4 4 0 0 0 0-8M12 2v2.5M12 19.5V22M2 12h2.5M19.5 12H22M5 5l1.7 1.7M17.3 17.3L19 19M5 19l1.7-1.7M17.3 6.7L19 5",
  dark: "M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10z",
  help: "M9.3 9.3a2.8 2.8 0 1 1 4 2.6c-.9.4-1.3 1-1.3 2M12 17.2v.1",
};

function icon(name) {
  return svg(
    "svg.icon",
    { viewBox: "0 0 24 24", width: 20, height: 20, "aria-hidden": "true" },
    svg(name === "auto" ? "path.half" : "path", { d: ICONS[name] }),
  );
}

const typing = (node) =>
  node.closest?.(
    "input:not([type=range], [type=radio], [type=checkbox]), textarea, select, [contenteditable]",
  );

const GO = { w: "", a: "attention", l: "layers", c: "compare", t: "training", d: "docs" };

export function toolbar(root, app, theme) {
  let box = null;
  const help = async () => {
    box ??= (await import("./help.js")).helpDialog(app);
    box.showModal();
  };

  const link = h(
    "button.button.icon.quiet",
    {
      type: "button",
      "aria-label": "Copy a link to this",
      title: "Copy a link to this: model, settings, seed, view",
      on: {
        click: async () => {
          const text = app.permalink();
          try {
            await navigator.clipboard.writeText(text);
            app.toast(
              "The link is copied. Your prompt is only in its # part, which browsers never send.",
            );
          } catch {
            history.replaceState(null, "", text);
            app.toast("The link is now in the address bar.");
          }
        },
      },
    },
    icon("link"),
  );

  const names = { auto: "as the system", light: "light", dark: "dark" };
  const themeButton = h("button.button.icon.quiet", {
    type: "button",
    on: { click: () => (theme.next(), showTheme()) },
  });
  const showTheme = () => {
    const label = `Theme: ${names[theme.choice]}`;
    themeButton.replaceChildren(icon(theme.choice));
    themeButton.setAttribute("aria-label", label);
    themeButton.title = label;
  };
  showTheme();

  const helpButton = h(
    "button.button.icon.quiet",
    {
      type: "button",
      "aria-label": "Keys and hints",
      title: "Keys and hints (?)",
      on: { click: help },
    },
    icon("help"),
  );

  root.append(link, themeButton, helpButton);

  let g = -Infinity; // when "g" was pressed
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (typing(event.target) || document.querySelector("dialog[open]")) return;
    if (event.key === "?") {
      event.preventDefault();
      help();
    } else if (event.key === "g") {
      g = performance.now();
    } else if (performance.now() - g < 1500 && event.key in GO) {
      g = -Infinity;
      app.go(GO[event.key]);
    }
  });
}
