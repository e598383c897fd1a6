// SPDX-License-Identifier: MIT
//
// What stands around a page in the reader: the list of pages, the contents of
// this one, the steps to its neighbours, the cover, and the page for what is
// not there.

import { h, icon } from "./dom.js";
import { lastPlace } from "./reading.js";

const SEARCH = "M11 4a7 7 0 1 0 0 14a7 7 0 0 0 0-14M16.2 16.2L21 21";

/** The list at the side; below 60rem it opens with a button. */
export function pageList(book, href, search) {
  const links = new Map();
  const groups = book.groups.map((group) => [
    h("h2", group.group),
    h(
      "ul",
      group.pages.map((page) => {
        const link = h("a", { href: href(page.slug) }, page.title);
        links.set(page.slug, link);
        return h("li", link);
      }),
    ),
  ]);
  const all = h("a", { href: href() }, "All pages");
  links.set("", all);
  const body = h("div.reader-list", all, groups);
  const menu = h(
    "button.reader-button.reader-menu",
    { type: "button", "aria-expanded": "false" },
    "Pages",
  );
  const open = (yes) => {
    menu.setAttribute("aria-expanded", String(yes));
    body.classList.toggle("open", yes);
  };
  menu.addEventListener("click", () => open(!body.classList.contains("open")));
  const element = h(
    "nav.reader-side",
    { "aria-label": "Pages" },
    h(
      "div.reader-tools",
      menu,
      h(
        "button.reader-button.reader-find",
        { type: "button", on: { click: search } },
        icon(SEARCH),
        h("span", "Search"),
        h("kbd", "/"),
      ),
    ),
    body,
  );
  return {
    element,
    choose(slug) {
      open(false);
      for (const [name, link] of links) {
        if (name === slug) link.setAttribute("aria-current", "page");
        else link.removeAttribute("aria-current");
      }
      const chosen = links.get(slug);
      if (chosen && body.scrollHeight > body.clientHeight) {
        body.scrollTop = chosen.offsetTop - body.clientHeight / 3;
      }
    },
  };
}

/** The contents of the page; on a wide screen always open, at the right. */
export function tableOfContents() {
  const list = h("ul");
  const fold = h("details", h("summary", "On this page"), list);
  const element = h("nav.reader-toc", { "aria-label": "On this page" }, fold);
  const wide = matchMedia("(min-width: 76rem)");
  const adapt = () => (fold.open = wide.matches);
  wide.addEventListener("change", adapt);
  let links = new Map();
  return {
    element,
    stop: () => wide.removeEventListener("change", adapt),
    show(headings, href) {
      const shown = headings.filter(
        (x) => x.level > 1 && x.level < 4 && x.text !== "Exercises",
      );
      links = new Map(
        shown.map((x) => [
          x.id,
          h(`a.level-${x.level}`, { href: href(x.id) }, x.text),
        ]),
      );
      element.hidden = shown.length < 2;
      list.replaceChildren(...[...links.values()].map((a) => h("li", a)));
      adapt();
    },
    /** Marks the section that is being read. */
    mark(id) {
      for (const [name, link] of links) {
        if (name !== id) link.removeAttribute("aria-current");
        else if (!link.hasAttribute("aria-current")) {
          link.setAttribute("aria-current", "true");
          if (element.scrollHeight > element.clientHeight) {
            element.scrollTop = link.offsetTop - element.clientHeight / 2;
          }
        }
      }
    },
  };
}

const facts = (page) =>
  [page.level, page.minutes && `${page.minutes} minutes`]
    .filter(Boolean)
    .join(" · ");

/** The page before and the page after. */
export function steps(book, page, href) {
  const { before, after } = book.around(page);
  const link = (to, rel, label) =>
    to &&
    h(
      `a.reader-step.${rel}`,
      { href: href(to.slug), rel },
      h("span", label),
      h("b", to.title),
      h("span", facts(to)),
    );
  return h(
    "nav.reader-steps",
    { "aria-label": "Previous and next page" },
    link(before, "prev", "← Before this"),
    link(after, "next", "Next →"),
  );
}

/** All pages, as a book shows its chapters. */
export function cover(made, book, href) {
  made.classList.add("md-page", "reader-cover");
  const title = "Learn how language models work";
  const place = lastPlace();
  const page = place && book.page(place.slug);
  made.append(
    h("h1", title),
    h(
      "p",
      "The course, from installing to training, looking inside and serving. ",
      "Every program on these pages is compiled and run by the tests.",
    ),
    page
      ? h(
          "p.reader-place",
          "Go on reading: ",
          h(
            "a",
            { href: href(page.slug, place.id) },
            page.title + (place.text ? `, ${place.text}` : ""),
          ),
        )
      : "",
    ...book.groups.flatMap((group) => [
      h("h2", group.group),
      h(
        "ul.reader-cards",
        group.pages.map((p) =>
          h(
            "li",
            h(
              "a",
              { href: href(p.slug) },
              h("b", p.title),
              h("span", facts(p)),
            ),
          ),
        ),
      ),
    ]),
  );
  return { title: "Learn", headings: [] };
}

/** What is shown in place of a page; the last part may be the address of the
 * list of all pages. */
export function missing(made, title, ...parts) {
  made.classList.add("md-page");
  const all =
    typeof parts.at(-1) === "string" && parts.at(-1).startsWith("#")
      ? parts.pop()
      : null;
  made.replaceChildren(
    h("h1", title),
    h("p", parts),
    all ? h("p", h("a", { href: all }, "All pages")) : "",
  );
  return { title, headings: [] };
}
