// SPDX-License-Identifier: MIT
//
// The reader: the list of pages, one page with its contents, and what leads on.
// It lives in any element; the address after "#" says what is shown:
//   PREFIX                          the list of all pages
//   PREFIX + "simple-llm"           a page
//   PREFIX + "simple-llm/the-loss"  a section of it
//   PREFIX + "source/llm/nn/gelu.h" a file of the repository
// public/index.html and the web interface both use it.

import { Book } from "./book.js";
import { h, styleSheet } from "./dom.js";
import { PREFIX as ID } from "./headings.js";
import { render } from "./markdown-renderer.js";
import { fetchText } from "./safe.js";
import { keyboard } from "./keys.js";
import { cover, missing, pageList, steps, tableOfContents } from "./parts.js";
import { followReading, placeIn } from "./reading.js";
import { searchDialog } from "./search.js";
import { showSource } from "./source.js";

const here = (file) => new URL(file, import.meta.url);

/** Fills `root`. Options:
 *   contents   the address of contents.json
 *   prefix     of the addresses: "#/"
 *   onTitle    called with the title of what is shown
 *   inside     true in a page that has its own keys and its own main heading
 * Returns {show(path), search(), unmount()}; the caller follows the address. */
export async function mountReader(root, options) {
  const { contents, prefix = "#/", onTitle = () => {}, inside } = options;
  await Promise.all([
    styleSheet(here("../styles/page.css")),
    styleSheet(here("../styles/reader.css")),
  ]);
  root.classList.add("reader");
  const article = h("article.reader-page", { tabindex: "-1" });
  let book = null;
  try {
    book = await Book.load(contents);
  } catch (error) {
    root.replaceChildren(article);
    missing(article, "The list of pages is not there", error.message);
    return { show() {}, search() {}, unmount() {} };
  }
  return new Reader(root, article, book, { prefix, onTitle, inside });
}

class Reader {
  constructor(root, article, book, { prefix, onTitle, inside }) {
    Object.assign(this, { root, article, book, onTitle, inside });
    this.href = (slug = "", section = "") =>
      prefix + slug + (section ? `/${encodeURIComponent(section)}` : "");
    this.shown = null; // {slug, headings}
    this.dialog = searchDialog(book, this.href);
    this.toc = tableOfContents();
    this.after = h("div");
    this.list = pageList(book, this.href, () => this.search());
    root.replaceChildren(
      this.list.element,
      h("div.reader-main", this.toc.element, article, this.after),
      this.dialog.box,
    );
    this.stopKeys = keyboard(this, root);
    this.onClick = (event) => {
      // The address is there already: nothing would happen.
      const link = event.target.closest?.("a[href]");
      if (link && link.hash && link.href === location.href) {
        this.goTo(decode(link.hash.split("/").at(-1)));
      }
    };
    root.addEventListener("click", this.onClick);
    this.reading = followReading(this);
    this.oldRestoration = history.scrollRestoration;
    history.scrollRestoration = "manual";
  }

  search() {
    return this.dialog.open();
  }

  unmount() {
    this.turn = null;
    history.scrollRestoration = this.oldRestoration;
    this.root.removeEventListener("click", this.onClick);
    this.stopKeys();
    this.reading.stop();
    this.toc.stop();
    this.dialog.box.close();
  }

  /** `path`: what stands after the prefix. */
  async show(path) {
    const [slug, ...rest] = path.split("/").map(decode);
    const section = rest.join("/");
    this.asked = slug;
    if (slug && this.shown?.slug === slug && slug !== "source") {
      this.turn = {}; // another page that is on its way is not wanted any more
      this.article.removeAttribute("aria-busy");
      this.reading.go();
      return this.goTo(section);
    }
    const first = !this.shown;
    const turn = (this.turn = {});
    this.reading.pause();
    this.article.setAttribute("aria-busy", "true");
    const { y } = history.state ?? {};
    const made = h("div");
    const shown = await this.fill(made, slug, section);
    if (this.turn !== turn) return;
    this.shown = { slug, ...shown };
    this.article.replaceChildren(made);
    this.article.removeAttribute("aria-busy");
    this.present(slug);
    if (section && slug !== "source") this.goTo(section);
    else window.scrollTo(0, y ?? 0);
    if (!first && !section) this.article.focus({ preventScroll: true });
    this.reading.go();
  }

  /** Puts what the address names into `made`. */
  async fill(made, slug, section) {
    if (!slug) return cover(made, this.book, this.href);
    if (slug === "source") {
      return showSource(made, section, this.book, this.optionsFor(`/${section}`, "source"));
    }
    const page = this.book.page(slug);
    if (!page) {
      return missing(made, "There is no such page", "No page is named ", h("b", slug), ".", this.href());
    }
    const path = this.book.path(page);
    const markdown = await fetchText(this.book.address(path));
    if (markdown === null) {
      return missing(made, page.title, "The file of the page ", h("b", slug), " is not there: ", h("code", path.slice(1)), ".", this.href());
    }
    return render(markdown, made, this.optionsFor(path, slug));
  }

  /** How the renderer is told what links of the file at `path` mean. */
  optionsFor(path, slug) {
    const { book, href } = this;
    return {
      base: book.address(path),
      section: (id) => (slug === "source" ? href(slug + path) : href(slug, id)),
      link: (text) => {
        const to = book.resolve(path, text);
        if (!to) return null;
        if (to.page) return href(to.page.slug, decode(to.section));
        const picture = /\.(?:svg|png)$/.test(to.path);
        return picture ? book.address(to.path) : href(`source${to.path}`);
      },
      picture: (text) => {
        const to = book.resolve(path, text);
        return to && book.address(to.path);
      },
    };
  }

  /** What stands around the page. */
  present(slug) {
    const page = this.book.page(slug);
    const title = page?.title ?? this.shown.title;
    this.onTitle(title);
    this.list.choose(slug);
    this.toc.show(this.shown.headings ?? [], (id) => this.href(slug, id));
    this.after.replaceChildren(page ? steps(this.book, page, this.href) : "");
    const place = page && placeIn(slug, this.shown.headings);
    if (place) {
      const { article } = this;
      (article.querySelector(".md-facts") ?? article.querySelector("h1"))?.after(
        h("p.reader-place", "You were at ", h("a", { href: this.href(slug, place.id) }, place.text)),
      );
    }
  }

  goTo(section) {
    const target = section && document.getElementById(ID + section);
    if (section && !target) {
      // An old link: the page is there, the section is not.
      return window.scrollTo(0, 0);
    }
    if (!target) return window.scrollTo(0, history.state?.y ?? 0);
    for (let up = target.parentElement; up; up = up.parentElement) {
      if (up.nodeName === "DETAILS") up.open = true;
    }
    target.scrollIntoView();
    if (!target.matches("a")) target.tabIndex = -1;
    target.focus({ preventScroll: true });
  }

  /** The page before (-1) or after (+1) this one. */
  step(by) {
    // The page asked for last, though it may still be on its way.
    const page = this.book.page(this.asked);
    const { before, after } = page ? this.book.around(page) : { after: this.book.pages[0] };
    const to = by < 0 ? before : after;
    if (!to) return;
    this.asked = to.slug;
    location.hash = this.href(to.slug);
  }
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
