// SPDX-License-Identifier: MIT
//
// The recorded example (example.json, made by scripts/record_example.py from a
// real run): shown before any model is loaded, so that the first look needs no
// waiting. It is an ordinary generation with the mark `recorded`, plus one
// small picture of attention.

import { h } from "./dom.js";
import { colourAt } from "./palette.js";
import { newGeneration, take } from "./state.js";
import { visible } from "./tokens.js";

export async function loadExample() {
  const response = await fetch("example.json", { credentials: "omit" });
  if (!response.ok) return null;
  const file = await response.json();
  const g = newGeneration({
    recorded: true,
    label: file.model.name,
    hash: file.model.sha256,
    promptText: file.request.prompt,
    body: file.request,
    picture: file.attention,
  });
  for (const [event, data] of file.events) take(g, event, data);
  g.run = null; // the server that had it is gone
  return g;
}

/** The recorded head as a small picture: row i looks back at columns 0..i. */
export function attentionPicture(app, g) {
  const { layer, head, size, codes } = g.picture;
  const bytes = Uint8Array.from(atob(codes), (c) => c.charCodeAt(0));
  const canvas = h("canvas.tile", {
    width: size,
    height: size,
    role: "img",
    "aria-label": `Attention of layer ${layer}, head ${head}: each row is a token, looking back at the tokens before it`,
  });
  // Whole pixels for each cell, so that no row is wider than another.
  canvas.style.width = `${size * Math.max(1, Math.round(200 / size))}px`;
  const context = canvas.getContext("2d");

  function draw() {
    const image = context.createImageData(size, size);
    for (let i = 0, n = 0; i < size; i++) {
      for (let j = 0; j <= i; j++, n++) {
        const at = 4 * (i * size + j);
        const [r, gr, b] = colourAt(bytes[n], app.theme());
        image.data.set([r, gr, b, 255], at);
      }
    }
    context.putImageData(image, 0, 0);
  }

  // The strongest look back that is not at the first token.
  function summary() {
    let best = { code: -1 };
    for (let i = 0, n = 0; i < size; i++) {
      for (let j = 0; j <= i; j++, n++) {
        if (j > 0 && j < i && bytes[n] > best.code)
          best = { code: bytes[n], i, j };
      }
    }
    const all = [...g.prompt, ...g.tokens];
    if (best.code < 0 || !all[best.i]) return "";
    const p = Math.round(100 * (best.code / 255) ** 2);
    return `Here “${visible(all[best.i])}” looks back at “${visible(all[best.j])}” with ${p} % of its attention.`;
  }

  draw();
  const off = app.onTheme(draw);
  const element = h(
    "figure.figure.example-picture",
    canvas,
    h(
      "figcaption",
      h("b", `What head ${head} of layer ${layer} looked at. `),
      "Each row is a token, each column a token before it; the darker or brighter, the more it mattered. ",
      summary(),
      " ",
      h("a", { href: app.href("attention") }, "See all heads"),
    ),
  );
  return { element, off };
}
