// SPDX-License-Identifier: MIT
//
// Light, dark, or as the system says; remembered in this browser.

const CHOICES = ["auto", "light", "dark"];

function stored() {
  try {
    const value = localStorage.getItem("theme");
    return CHOICES.includes(value) ? value : "auto";
  } catch {
    return "auto"; // storage may be forbidden
  }
}

export class Theme {
  constructor() {
    this.choice = stored();
    this.listeners = new Set();
    this.system = matchMedia("(prefers-color-scheme: dark)");
    this.system.addEventListener("change", () => this.#apply());
    this.#apply();
  }

  get shown() {
    if (this.choice !== "auto") return this.choice;
    return this.system.matches ? "dark" : "light";
  }

  next() {
    this.choice = CHOICES[(CHOICES.indexOf(this.choice) + 1) % 3];
    try {
      localStorage.setItem("theme", this.choice);
    } catch {
      // then only until the page is closed
    }
    this.#apply();
  }

  subscribe(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  #apply() {
    document.documentElement.dataset.theme = this.shown;
    for (const listener of this.listeners) listener(this.shown);
  }
}
