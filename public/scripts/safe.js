// SPDX-License-Identifier: MIT
//
// What of a page may reach the document: DOMPurify with short lists, addresses
// of three schemes, pictures of this site alone. Everything is decided while
// the nodes are in a document of their own, where nothing is loaded.

const TAGS = [
  ..."h1 h2 h3 h4 h5 h6 p div span section blockquote hr br".split(" "),
  ..."ul ol li input pre code em strong del sup a img".split(" "),
  ..."table thead tbody tr th td details summary".split(" "),
];
const ATTRIBUTES = [
  ..."href src alt title class align start type checked disabled".split(" "),
  ..."data-info data-source data-display data-kind data-note".split(" "),
  "data-place",
];
const PAGE = {
  ALLOWED_TAGS: TAGS,
  ALLOWED_ATTR: ATTRIBUTES,
  ADD_URI_SAFE_ATTR: ATTRIBUTES.filter((name) => name.startsWith("data-")),
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};
const CODE = {
  ALLOWED_TAGS: ["span"],
  ALLOWED_ATTR: ["class"],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};
const SCHEMES = ["http:", "https:", "mailto:"];

/** The address as a URL, or null for what a page may not link to. */
export function safeAddress(text, base) {
  try {
    const url = new URL(text, base);
    return SCHEMES.includes(url.protocol) ? url : null;
  } catch {
    return null;
  }
}

/** The same for a picture: only of this site. */
export function safePicture(text, base) {
  const url = safeAddress(text, base);
  return url && url.origin === location.origin && url.protocol !== "mailto:"
    ? url
    : null;
}

/** The text at an address of this site; null when there is none. */
export async function fetchText(address, base = document.baseURI) {
  const url = safePicture(address, base);
  if (!url) return null;
  const answer = await fetch(url, { cache: "no-cache" }).catch(() => null);
  return answer?.ok ? answer.text() : null;
}

/** page(html, picture) and code(html) give fragments. picture(text) is the
 * address to load, or null for none. */
export function sanitizer(library) {
  let picture = () => null;
  library.addHook("uponSanitizeAttribute", (node, data) => {
    if (data.attrName !== "src") return;
    const address = node.nodeName === "IMG" && picture(data.attrValue);
    if (address) data.attrValue = address;
    else data.keepAttr = false;
  });
  return {
    page(html, allowed) {
      picture = allowed;
      try {
        return library.sanitize(html, PAGE);
      } finally {
        picture = () => null;
      }
    },
    code: (html) => library.sanitize(html, CODE),
  };
}
