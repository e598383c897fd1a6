# SPDX-License-Identifier: MIT
"""How smooth the page is, in the system's Chromium without a GPU: streaming
4,000 tokens, pictures of all heads of SmolLM2 at 512 tokens, the sampler while
a slider moves, memory, and the first paint.
"""

import argparse
import gzip
import statistics
import sys
import urllib.parse

from support import smollm2
from support.browser import Browser, find_browser, heap_bytes, wait_for
from support.page_notes import FRAMES, Page, measures, percentile
from support.record import Measurement, cores, program
from support.texts import prompt
from support.web_server import WebServer
from support.web_stub import Stub, encoded, generation

MIB = 2**20
DRAWN = "document.querySelector('canvas.matrix-picture')?.matrix.bitmap"

# --- what is measured ---------------------------------------------------------


def first_paint(browser, server):
    with Page(browser, server.url, "#/") as page:
        page.wait_for_timeout(2500)
        notes = page.evaluate("notes")
    return {
        "the largest paint": figure(notes["paint"], 1000, "ms"),
        "layout shift": figure(notes["shifts"], 0.05, ""),
    }


def streaming(browser, args, slow):
    """At a fixed rate, while tokens are clicked."""
    texts = [" word", " and", " again", ".", "\n"] * (args.tokens // 5)

    def pieces(body):
        for number, piece in enumerate(encoded(generation(texts))):
            yield piece
            yield 1 / args.rate if number > 1 else 0

    with Stub(pieces) as stub, Page(browser, stub.url, "#/", slow) as page:
        page.wait_for_timeout(1000)
        page.evaluate("notes.long = []")  # those of the loading
        page.locator("#generate").click()
        for _ in range(12):
            page.wait_for_timeout(1000 * args.tokens / args.rate / 14)
            page.locator(".strip .token").nth(3).click()
        tokens = "document.querySelectorAll('.strip .token').length"
        wait_for(page, f"{tokens} === {len(texts)}", seconds=120)
        notes = page.evaluate("notes")
    name = f"{args.tokens:,} tokens at {args.rate}/s" + throttled(slow)
    return {
        f"{name}: longest task": figure(
            max(notes["long"], default=0), 50, "ms"
        ),
        f"{name}: answer to a click": figure(
            max(notes["inputs"], default=0), 200, "ms"
        ),
    }


def throttled(slow):
    return f", processor / {slow}" if slow > 1 else ""


def attention(browser, server, run):
    """All heads at once, then one of them: painted, recoloured, moved."""
    route = f"#/attention?run={run}&layer=14&head=3"
    with Page(browser, server.url, route) as page:
        wait_for(page, "performance.getEntriesByName('attention:sheet').length")
        wait_for(
            page, "performance.getEntriesByName('attention:matrix').length"
        )
        out = {
            "270 heads: first paint": figure(
                measures(page, "attention:sheet")[0], 300, "ms"
            ),
            "512 x 512: paint": figure(
                measures(page, "attention:matrix")[0], 100, "ms"
            ),
        }
        contrast = page.get_by_label("Contrast")
        for value in ("0.3", "0.6", "0.9", "0.45", "0.75"):
            contrast.fill(value)
            page.wait_for_timeout(150)
        again = measures(page, "attention:recolour")
        out["270 heads: recolour (median)"] = figure(
            statistics.median(again), 16, "ms"
        )
        for name, steps in (("zoomed out", 0), ("zoomed in", 4)):
            frames = drag(page, steps)
            out[f"512 x 512, {name}: frames (p95)"] = figure(
                percentile(frames, 95), 33.4, "ms"
            )
        return out


def drag(page, zooms, seconds=5):
    """Gaps between frames while the matrix is dragged to and fro."""
    grid = page.locator(".matrix-grid")
    grid.scroll_into_view_if_needed()
    box = grid.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    grid.focus()
    page.keyboard.press("0")
    for _ in range(zooms):
        page.keyboard.press("+")
    page.wait_for_timeout(300)
    page.mouse.move(x, y)
    page.mouse.down()
    page.evaluate(FRAMES)
    for number in range(seconds * 60):
        step = number % 120
        away = step if step < 60 else 120 - step
        page.mouse.move(x + 3 * away - 90, y + 2 * away - 60)
        page.wait_for_timeout(8)
    gaps = page.evaluate("stopFrames()")
    page.mouse.up()
    return gaps


FIRST_TOKENS = """async () => {
  const { api } = await import("/app/js/api.js");
  const out = [];
  for (let n = 0; n < 40; n++) {
    const body = { prompt: `${n} and the fox by the river`, max_tokens: 1 };
    const sent = performance.now();
    let first, own;
    await api.events("/api/generate", {
      token: () => (first ??= performance.now()),
      done: ({ timings }) => (own = timings.first_token_ms),
    }, { body });
    out.push(first - sent - own);
  }
  return out;
}"""


def first_token(browser, server):
    """What fetch, HTTP and the events add to the server's own time."""
    with Page(browser, server.url, "#/training") as page:
        added = page.evaluate(FIRST_TOKENS)
    name = "first token beyond the server's time (p95)"
    return {name: figure(percentile(added, 95), 5, "ms")}


def temperature(browser, server, slow):
    """The whole vocabulary through the chain, each time the slider moves."""
    text = urllib.parse.urlencode(
        {"prompt": "The sea is", "max_tokens": 8, "seed": 1, "top_p": 0.95}
    )
    with Page(browser, server.url, f"#/?{text}", slow) as page:
        page.locator("#generate").click()
        wait_for(
            page, "document.querySelectorAll('.strip .token').length === 8"
        )
        page.locator(".strip .token").nth(4).click()
        page.get_by_role("button", name="Sampler X-ray").click()
        page.locator("table.xray tbody tr").first.wait_for()
        page.evaluate("performance.clearMeasures('xray')")
        for step in range(30):
            page.locator("#xray-temperature").fill(str(0.3 + step / 20))
            page.wait_for_timeout(50)
        took = measures(page, "xray")
    name = "temperature, 49,152 tokens" + throttled(slow)
    return {
        f"{name}: redraw (median)": figure(statistics.median(took), 8, "ms")
    }


def memory(browser, server, ids, cycles=20):
    """Looking inside and going away, again and again."""
    with Page(browser, server.url, "#/") as page:
        for number in range(cycles + 2):
            if number == 2:
                page.wait_for_timeout(500)
                before = heap_bytes(page)
            run = inspect(server, ids[: 200 + number])
            page.evaluate(
                f"location.hash = '#/attention?run={run}&layer=3&head=1'"
            )
            wait_for(page, DRAWN)
            wait_for(page, "document.querySelector('.sheet-scores')")
            page.evaluate("location.hash = '#/training'")
            wait_for(page, "document.querySelector('[data-view=training]')")
        page.wait_for_timeout(500)
        grown = (heap_bytes(page) - before) / MIB
    return {f"heap after {cycles} looks inside": figure(grown, 10, "MiB more")}


def weight(browser, server):
    """What a first visit to each view loads; the recorded example is data."""
    sizes = {}
    for view in ("", "attention", "layers", "compare", "training"):
        visitor = browser.visitor(server.url)
        answers = []
        visitor.page.on("response", lambda a, kept=answers: kept.append(a))
        visitor.go(f"#/{view}").wait_for_timeout(1000)
        files = {a.url: a for a in answers if "/app/" in a.url and a.ok}
        sizes[view or "write"] = sum(
            len(gzip.compress(a.body(), 6))
            for url, a in files.items()
            if not url.endswith("example.json")
        )
        visitor.close()
    name = max(sizes, key=sizes.get)
    heaviest = figure(sizes[name] / 1000, 60, "KB")
    return {f"the heaviest view ({name}), gzipped": heaviest}


def inspect(server, ids):
    body = {"model": "smollm2", "tokens": ids, "layers": "all"}
    status, run = server.post(
        "/api/inspect", {**body, "capture": ["attention", "lens"]}
    )
    if status != 201:
        sys.exit(f"expected a run but received {run}")
    return run["run"]


def figure(value, limit, unit):
    text = f"{value:.3g} {unit}".strip() + f" (at most {limit})"
    return {"value": value, "limit": limit, "text": text}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=4000)
    parser.add_argument("--rate", type=int, default=200, help="tokens a second")
    parser.add_argument("--threads", type=int, default=cores())
    args = parser.parse_args()
    path = find_browser()
    if path is None:
        sys.exit("expected Chromium or Chrome; install it, or set CHROMIUM")
    measurement = Measurement("web", args.threads)
    models = smollm2.source().parents[1]
    options = ["--model", "smollm2", "--threads", args.threads]
    ids = prompt(512, smollm2.folder("q4") / "tokenizer.json")[1]
    with Browser(path) as browser:
        measurement.about["versions"]["chromium"] = browser.chromium.version
        with WebServer(program("web_server"), models, *options) as server:
            found = weight(browser, server)
            found |= first_paint(browser, server)
            found |= attention(browser, server, inspect(server, ids))
            found |= first_token(browser, server)
            for slow in (1, 4):
                found |= temperature(browser, server, slow)
            found |= memory(browser, server, ids)
        for slow in (1, 4):
            found |= streaming(browser, args, slow)
    for name, one in found.items():
        print(f"{name}: {one['text']}")
    holds = {
        f"{name}: at most {one['limit']}": one["value"] <= one["limit"]
        for name, one in found.items()
    }
    return measurement.save(found, holds)


if __name__ == "__main__":
    sys.exit(main())
