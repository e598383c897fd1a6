// SPDX-License-Identifier: MIT
//
// Learn: the pages of the course, in the reader of public/. It and its
// libraries are loaded when this view is first opened.

export async function mount(root, app, params) {
  const { mountReader } = await import("../../scripts/reader.js");
  const reader = await mountReader(root, {
    contents: "../docs/contents.json",
    prefix: "#/docs/",
    inside: true,
    onTitle: (title) => (document.title = `${title} · MLX LLM Tutorial`),
  });
  const update = ({ page }) => reader.show(page);
  // After the view has begun at its top: a link may name a section.
  const begin = setTimeout(update, 0, params);
  return {
    update,
    unmount() {
      clearTimeout(begin);
      reader.unmount();
    },
  };
}
