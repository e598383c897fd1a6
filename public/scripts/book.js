// SPDX-License-Identifier: MIT
//
// The pages of docs/contents.json: their order, their files, and what a link in
// one of them means. Links are those of the repository (../../llm/nn/module.h),
// whose folder public/ may be served at another place than the rest.

import { fetchText } from "./safe.js";

const SLUG = /^[a-z0-9-]{1,64}$/;
const REPOSITORY = "http://repository/";
const PUBLIC = "/public/";

/** Groups of pages, or an error that says what is wrong with the file. */
function check(groups, address) {
  const good =
    Array.isArray(groups) &&
    groups.every(
      (group) =>
        typeof group.group === "string" &&
        Array.isArray(group.pages) &&
        group.pages.every(
          (page) =>
            SLUG.test(page.slug) &&
            typeof page.title === "string" &&
            typeof page.file === "string",
        ),
    );
  if (good) return groups;
  throw new Error(`${address} is no list of groups of pages.`);
}

export class Book {
  /** `address` of contents.json. */
  static async load(address) {
    const url = new URL(address, document.baseURI);
    const text = await fetchText(url.href);
    if (text === null) throw new Error(`There is no ${url.pathname}.`);
    let groups = null;
    try {
      groups = JSON.parse(text);
    } catch {
      // then it is no list
    }
    return new Book(check(groups, url.pathname), new URL("..", url));
  }

  constructor(groups, root) {
    this.groups = groups;
    this.root = root; // where public/ is served
    this.pages = groups.flatMap((group) => group.pages);
    this.byPath = new Map(this.pages.map((page) => [this.path(page), page]));
  }

  page(slug) {
    return this.pages.find((page) => page.slug === slug) ?? null;
  }

  /** "/public/docs/serving.md": its place in the repository. */
  path(page) {
    return new URL(page.file, REPOSITORY + "public/").pathname;
  }

  /** Where a file of the repository is served. */
  address(path) {
    return path.startsWith(PUBLIC)
      ? new URL(path.slice(PUBLIC.length), this.root).href
      : new URL(`..${path}`, this.root).href;
  }

  around(page) {
    const at = this.pages.indexOf(page);
    return { before: this.pages[at - 1], after: this.pages[at + 1] };
  }

  /** What a link means in the file at `path`: null for one that leaves the
   * repository, else {path, page or null, section}. */
  resolve(path, text) {
    let url = null;
    try {
      url = new URL(text, new URL(path, REPOSITORY));
    } catch {
      return null;
    }
    if (`${url.origin}/` !== REPOSITORY || text.startsWith("/")) return null;
    const section = url.hash.slice(1);
    return {
      path: url.pathname,
      page: this.byPath.get(url.pathname) ?? null,
      section,
    };
  }
}
