// SPDX-License-Identifier: MIT
//
// public/index.html: the reader as a page of its own, with a theme button. The
// web interface has its own frame and uses reader.js.

import { h, icon, memory } from "./dom.js";
import { mountReader } from "./reader.js";

const THEMES = {
  auto: "M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 1 1 0 16",
  light:
    "M12 8a4 4 0 1 0 0 8a4 4 0 0 0 0-8M12 2v2.5M12 19.5V22M2 12h2.5M19.5 12H22M5 5l1.7 1.7M17.3 17.3L19 19M5 19l1.7-1.7M17.3 6.7L19 5",
  dark: "M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10z",
};
const CHOICES = Object.keys(THEMES);
const WORDS = { auto: "as the system", light: "light", dark: "dark" };

function themeButton() {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const button = h("button.reader-button.reader-theme", { type: "button" });
  let choice = memory.get("theme");
  if (!CHOICES.includes(choice)) choice = "auto";
  const apply = () => {
    const dark = choice === "auto" ? system.matches : choice === "dark";
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    button.replaceChildren(icon(THEMES[choice]));
    button.classList.toggle("auto", choice === "auto");
    button.setAttribute("aria-label", `Theme: ${WORDS[choice]}`);
    button.title = `Theme: ${WORDS[choice]}`;
  };
  button.addEventListener("click", () => {
    choice = CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length];
    memory.set("theme", choice);
    apply();
  });
  system.addEventListener("change", apply);
  apply();
  return button;
}

const main = document.querySelector("main");
document.getElementById("tools").append(themeButton());
document.querySelector("a.skip").addEventListener("click", (event) => {
  event.preventDefault(); // "#main" is no address of a page
  main.focus();
});
const reader = await mountReader(main, {
  contents: main.dataset.contents,
  onTitle: (title) => {
    document.title = `${title} · MLX LLM Tutorial`;
  },
});
const follow = () => {
  const path = /^#\/(.*)$/s.exec(location.hash)?.[1] ?? "";
  reader.show(path);
};
window.addEventListener("hashchange", follow);
follow();
