// SPDX-License-Identifier: MIT
//
// What is drawn over a matrix: token axes and the crosshair. It has a canvas of
// its own, so that the picture's pixels stay pure.

import { visible } from "./tokens.js";

const FONT = 11; // CSS pixels
const TEXT_FROM = 11; // a cell of so many pixels has room for its token

/** Colours as the page's style says them, forced colours included. */
export function inks(probe) {
  const style = getComputedStyle(probe);
  return {
    text: style.color,
    accent: style.borderTopColor,
    paper: style.backgroundColor,
    line: style.borderBottomColor,
    font: style.fontFamily,
  };
}

function fitted(context, text, width) {
  if (context.measureText(text).width <= width) {
    return text;
  }
  let end = text.length;
  while (
    end > 1 &&
    context.measureText(text.slice(0, end) + "…").width > width
  ) {
    end--;
  }
  return text.slice(0, end) + "…";
}

/** A step of 1, 2, 5, 10, ... tokens that is at least `pixels` wide. */
function tickStep(scale, pixels) {
  const raw = pixels / scale;
  const unit = 10 ** Math.floor(Math.log10(Math.max(1, raw)));
  return [1, 2, 5, 10].map((n) => n * unit).find((n) => n >= raw) ?? 10 * unit;
}

function labels(context, matrix, colours, vertical) {
  const { scale, side, margin, tokens, T } = matrix;
  const origin = vertical ? matrix.y : matrix.x;
  const dense = scale >= TEXT_FROM;
  const step = dense ? 1 : tickStep(scale, vertical ? 24 : 36);
  context.fillStyle = colours.text;
  const first = Math.max(0, Math.floor(origin / step) * step);
  for (let t = first; t < Math.min(T, origin + side / scale); t += step) {
    const middle = (t + 0.5 - origin) * scale;
    if (middle >= 0 && middle <= side) {
      write(
        context,
        matrix,
        dense ? visible(tokens[t]) : String(t),
        middle,
        vertical,
        dense,
      );
    }
  }
}

/** A label at `middle` of the left (vertical) or the upper axis. */
function write(context, matrix, text, middle, vertical, turned, chip) {
  const { margin } = matrix;
  context.save();
  if (vertical) {
    context.translate(margin - 6, margin + middle);
    context.textAlign = "right";
  } else {
    context.translate(margin + middle, margin - 6);
    context.textAlign = turned ? "left" : "center";
    if (turned) {
      context.rotate(-Math.PI / 2);
    }
  }
  context.textBaseline = "middle";
  const shown = fitted(context, text, margin - 10);
  if (chip) {
    const width = context.measureText(shown).width + 8;
    context.fillStyle = chip.accent;
    context.beginPath();
    context.roundRect(vertical ? 4 - width : -4, -9, width, 18, 4);
    context.fill();
    context.fillStyle = chip.paper;
  }
  context.fillText(shown, 0, 0.5);
  context.restore();
}

/** A band around a row or column, or one line where it is thin. */
function band(context, start, scale, side, vertical) {
  const lines = scale >= 5 ? [start, start + scale] : [start + scale / 2];
  for (const line of lines) {
    const at = Math.round(line) + 0.5;
    if (at >= 0 && at <= side + 1) {
      context.moveTo(vertical ? at : 0, vertical ? 0 : at);
      context.lineTo(vertical ? at : side, vertical ? side : at);
    }
  }
}

/** Draws all of it. `matrix` has T, tokens, side, margin, scale, x, y and cell
 * {q, k}. */
export function drawOverlay(context, matrix, colours, ratio) {
  const { side, margin, scale, tokens, cell } = matrix;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, side + margin + 1, side + margin + 1);
  context.font = `${FONT}px ${colours.font}`;
  labels(context, matrix, colours, true);
  labels(context, matrix, colours, false);
  if (!cell || !tokens.length) {
    return;
  }
  const top = (cell.q - matrix.y) * scale;
  const left = (cell.k - matrix.x) * scale;
  context.save();
  context.beginPath();
  context.rect(margin, margin, side, side);
  context.clip();
  context.translate(margin, margin);
  context.strokeStyle = colours.accent;
  context.globalAlpha = 0.55;
  context.beginPath();
  band(context, top, scale, side, false);
  band(context, left, scale, side, true);
  context.stroke();
  context.globalAlpha = 1;
  context.lineWidth = 2;
  const size = Math.max(scale, 7);
  context.strokeRect(
    left + (scale - size) / 2,
    top + (scale - size) / 2,
    size,
    size,
  );
  context.restore();
  const chip = (t, start, vertical) => {
    const middle = start + scale / 2;
    if (middle >= 0 && middle <= side) {
      const inside = Math.min(Math.max(middle, 9), side - 9);
      write(
        context,
        matrix,
        visible(tokens[t]),
        inside,
        vertical,
        true,
        colours,
      );
    }
  };
  chip(cell.q, top, true);
  if (cell.k !== null) {
    chip(cell.k, left, false);
  }
}
