// SPDX-License-Identifier: MIT
//
// Building the page: small functions over the DOM, so that text is only ever
// text (no innerHTML anywhere; the Content-Security-Policy would refuse it),
// and numbers as people read them.

const SVG = "http://www.w3.org/2000/svg";

function add(node, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) add(node, child);
    else node.append(child instanceof Node ? child : String(child));
  }
  return node;
}

function set(node, props) {
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") {
      for (const [type, listener] of Object.entries(value)) {
        node.addEventListener(type, listener);
      }
    } else if (name === "dataset") {
      Object.assign(node.dataset, value);
    } else if (name === "class") {
      for (const c of value.split(" ")) if (c) node.classList.add(c);
    } else if (name === "value" || name === "checked") {
      node[name] = value;
    } else {
      node.setAttribute(name, value === true ? "" : value);
    }
  }
}

function make(node, classes, rest) {
  if (classes.length) node.setAttribute("class", classes.join(" "));
  const [first] = rest;
  const plain =
    first &&
    typeof first === "object" &&
    !(first instanceof Node) &&
    !Array.isArray(first);
  if (plain) set(node, first);
  return add(node, plain ? rest.slice(1) : rest);
}

/** h("p.lead", {id: "x", on: {click: f}}, "text", node, [more]) */
export function h(tag, ...rest) {
  const [name, ...classes] = tag.split(".");
  return make(document.createElement(name), classes, rest);
}

/** The same for SVG. */
export function svg(tag, ...rest) {
  const [name, ...classes] = tag.split(".");
  return make(document.createElementNS(SVG, name), classes, rest);
}

/** Replaces what is in `node`. */
export function fill(node, ...children) {
  node.replaceChildren();
  return add(node, children);
}

/** A function that calls `draw` once, in the next animation frame, however
 * often it is called before; .cancel() forgets the call. */
export function ticker(draw) {
  let frame = 0;
  const schedule = () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      draw();
    });
  };
  schedule.cancel = () => {
    cancelAnimationFrame(frame);
    frame = 0;
  };
  return schedule;
}

/** Listeners and handles that end together: scope.add(off), scope.end(). */
export function scope() {
  const ends = [];
  const abort = new AbortController();
  return {
    signal: abort.signal,
    add: (off) => (ends.push(off), off),
    on: (target, type, listener, options) =>
      target.addEventListener(type, listener, {
        ...options,
        signal: abort.signal,
      }),
    end() {
      abort.abort();
      for (const off of ends.splice(0)) off();
    },
  };
}

// Numbers.

/** Three significant digits: "0.312", "12.4", "1,234". */
export function num(x, digits = 3) {
  if (x === null || x === undefined || Number.isNaN(x)) return "–";
  if (!Number.isFinite(x)) return x > 0 ? "∞" : "−∞";
  if (Math.abs(x) >= 1000) return count(Math.round(x));
  const text = Number(x.toPrecision(digits)).toString();
  return text.replace("-", "−");
}

export function count(n) {
  return n === null || n === undefined ? "–" : n.toLocaleString("en");
}

export function percent(p) {
  if (p === null || p === undefined || Number.isNaN(p)) return "–";
  if (p === 0) return "0 %";
  const x = 100 * p;
  if (x < 0.01) return "< 0.01 %";
  if (x > 99.9 && x < 100) return "> 99.9 %";
  return `${x < 1 ? x.toFixed(2) : x < 10 ? x.toFixed(1) : Math.round(x)} %`;
}

export function bytes(n) {
  if (n === null || n === undefined) return "–";
  const units = ["B", "KB", "MB", "GB", "TB"];
  let u = 0;
  for (; n >= 1000 && u < 4; u++) n /= 1000;
  return `${u && n < 10 ? n.toFixed(1) : Math.round(n)} ${units[u]}`;
}

/** Parameters: "135 M". */
export function short(n) {
  if (n === null || n === undefined) return "–";
  const units = ["", " K", " M", " B"];
  let u = 0;
  for (; n >= 1000 && u < 3; u++) n /= 1000;
  return `${n < 10 && u ? n.toFixed(1) : Math.round(n)}${units[u]}`;
}

export function duration(ms) {
  if (ms === null || ms === undefined || Number.isNaN(ms)) return "–";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const s = ms / 1000;
  if (s < 60) return `${s.toFixed(s < 10 ? 1 : 0)} s`;
  const minutes = Math.floor(s / 60);
  if (minutes < 60) {
    return `${minutes}:${String(Math.floor(s % 60)).padStart(2, "0")} min`;
  }
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
