# SPDX-License-Identifier: MIT
"""What the tests of the page compare pictures with: a run of the server and its
exact rows, pooled as the server says it pools; and how a picture is read back.
"""

import functools

import numpy as np
from support.browser import wait_for

TEXT = (
    "The fox saw the moon. An owl kept two keys. Zoë lost a stone. "
    "The fox saw the moon. An owl kept two keys."
)
LAYERS, HEADS, KV_HEADS = 2, 4, 2

# The index of the palette at the middle of each cell, -1 for no known colour,
# null for nothing drawn, "out" for a cell that is out of sight.
READ_MATRIX = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  await frame();
  await frame();
  const { indexOfColour } = await import("/app/js/palette.js");
  const theme = document.documentElement.dataset.theme;
  const canvas = document.querySelector("canvas.matrix-picture");
  const { matrix, width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  return Array.from({ length: matrix.T }, (_, q) =>
    Array.from({ length: matrix.T }, (_, k) => {
      const box = matrix.rectOf(q, k);
      const x = Math.floor(box.x + box.w / 2);
      const y = Math.floor(box.y + box.h / 2);
      if (x < 0 || y < 0 || x >= width || y >= height) return "out";
      const [r, g, b, a] = data.subarray(4 * (y * width + x));
      return a ? indexOfColour(r, g, b, theme) : null;
    }));
}"""

# The same for the tile of each head, a pixel a texel.
READ_SHEET = """async () => {
  const { indexOfColour } = await import("/app/js/palette.js");
  const theme = document.documentElement.dataset.theme;
  const canvas = document.querySelector("canvas.sheet-picture");
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  const from = canvas.getBoundingClientRect();
  const ratio = width / from.width;
  return [...document.querySelectorAll(".sheet-head")].map((button) => {
    const box = button.getBoundingClientRect();
    const x = Math.round((box.left - from.left) * ratio);
    const y = Math.round((box.top - from.top) * ratio);
    const side = Math.round(box.width * ratio);
    const pixels = Array.from({ length: side * side }, (_, n) => {
      const i = 4 * ((y + Math.floor(n / side)) * width + x + (n % side));
      const [r, g, b, a] = data.subarray(i);
      return a ? indexOfColour(r, g, b, theme) : null;
    });
    return { head: button.dataset.head, side, pixels };
  });
}"""


class Run:
    """A run of the server, and its exact rows."""

    def __init__(self, server, text=TEXT, model="tiny", tokens=None):
        body = {"model": model, "layers": "all"}
        body["capture"] = ["attention", "lens"]
        body |= {"text": text} if tokens is None else {"tokens": tokens}
        status, self.described = server.post("/api/inspect", body)
        assert status == 201, self.described
        self.server, self.id = server, self.described["run"]
        self.tokens = self.described["tokens"]
        self.length = len(self.tokens)

    def row(self, layer, head, q):
        path = f"/api/runs/{self.id}/row?layer={layer}&head={head}&q={q}"
        status, row = self.server.get(path)
        assert status == 200, row
        return row

    @functools.cache
    def weights(self, layer, head):
        """[T, T], zero above the diagonal."""
        out = np.zeros((self.length, self.length))
        for q in range(self.length):
            out[q, : q + 1] = self.row(layer, head, q)["weights"]
        return out

    def bytes(self, path):
        status, headers, body = self.server.request(
            "GET", f"/api/runs/{self.id}/{path}"
        )
        assert status == 200, body
        return headers, np.frombuffer(body, np.uint8)


def codes(weights):
    return np.round(255 * np.sqrt(weights))


def pooled(weights, s):
    """The largest weight of each cell of s by s."""
    length = len(weights)
    edges = [i * length // s for i in range(s + 1)]
    rows = [weights[a:b].max(0) for a, b in zip(edges, edges[1:])]
    rows = np.array(rows)
    cells = [rows[:, a:b].max(1) for a, b in zip(edges, edges[1:])]
    return np.array(cells).T


def opened(visit, server, run, theme="light", **params):
    """The attention view of a run."""
    more = "".join(f"&{name}={value}" for name, value in params.items())
    route = f"#/attention?run={run.id}{more}"
    page = visit(server, route, color_scheme=theme)
    wait_for_picture(page)
    return page


def wait_for_picture(page):
    wait_for(
        page, "document.querySelector('canvas.matrix-picture')?.matrix.bitmap"
    )
    wait_for(page, "performance.getEntriesByName('attention:sheet').length")
