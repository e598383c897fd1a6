// SPDX-License-Identifier: MIT
//
// Where somebody reads: marked in the contents while the page moves, remembered
// in this browser for the next time, and in the history for Back.

import { memory } from "./dom.js";

const KEY = "reading";
const LINE = 120; // a section begins to be read this far below the top
const MANY = 40; // pages whose places are kept

function stored() {
  try {
    const places = JSON.parse(memory.get(KEY) ?? "[]");
    return Array.isArray(places) ? places.filter((p) => p?.slug) : [];
  } catch {
    return [];
  }
}

/** {slug, id, text} of the page that was read last, or null. */
export const lastPlace = () => stored()[0] ?? null;

/** The place in this page, if it is one of its headings but the first. */
export function placeIn(slug, headings = []) {
  const place = stored().find((p) => p.slug === slug);
  const at = headings.findIndex((x) => x.id === place?.id);
  return at > 1 ? headings[at] : null;
}

/** Follows the page of `reader`; {go, pause, stop}. */
export function followReading(reader) {
  let on = false;
  let frame = 0;
  let last = "";
  let saved = 0;

  const look = () => {
    frame = 0;
    const { slug, headings = [] } = reader.shown ?? {};
    if (!on || !slug) return;
    const atEnd =
      window.innerHeight + window.scrollY >=
      document.documentElement.scrollHeight - 2;
    const passed = headings.filter(
      (x) => x.level < 4 && x.element.getBoundingClientRect().top < LINE,
    );
    const now = (atEnd && window.scrollY > 0 ? headings : passed).findLast(
      (x) => x.level < 4,
    );
    reader.toc.mark(now?.id);
    const id = now && now.level > 1 ? now.id : "";
    if (`${slug}/${id}` !== last) {
      last = `${slug}/${id}`;
      const place = { slug, id, text: id ? now.text : "" };
      const others = stored().filter((p) => p.slug !== slug);
      memory.set(KEY, JSON.stringify([place, ...others].slice(0, MANY)));
    }
    if (performance.now() - saved > 400) {
      saved = performance.now(); // browsers allow a hundred of these in 30 s
      history.replaceState({ ...history.state, y: window.scrollY }, "");
    }
  };
  const soon = () => (frame ||= requestAnimationFrame(look));
  const ended = () => ((saved = 0), soon());
  window.addEventListener("scroll", soon, { passive: true });
  window.addEventListener("scrollend", ended);
  return {
    pause: () => (on = false),
    go() {
      on = true;
      soon();
    },
    stop() {
      on = false;
      cancelAnimationFrame(frame);
      window.removeEventListener("scroll", soon);
      window.removeEventListener("scrollend", ended);
    },
  };
}
