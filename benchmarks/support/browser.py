# SPDX-License-Identifier: MIT
"""Chromium through Playwright, for the tests and the benchmarks of the page:
visitors that note every problem, screenshots, heap, axe-core.
"""

import importlib.resources
import os
import pathlib
import shutil
import time

from playwright.sync_api import sync_playwright

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAMES = ("chromium", "google-chrome", "chromium-browser")
MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# For an answer on a busy machine; MLX's own operations take ten times as long.
PATIENCE_S = 150 if os.environ.get("LLM_FAST_CPU") == "0" else 15

# Runs before anything of the page: broken rules of the policy are noted, and
# whatever a text could do if it were taken for code.
WATCH = """
window.problems = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.problems.push(
    `policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});
for (const name of ["alert", "confirm", "prompt", "open", "print"]) {
  window[name] = () => { window.problems.push(`called ${name}()`); };
}
"""


def find_browser():
    """The path, or None. The same as find_browser of scripts/packages.sh."""
    for name in (os.environ.get("CHROMIUM", ""), *NAMES, MAC):
        found = name and shutil.which(name)
        if found:
            return found
    return None


class Browser:
    def __init__(self, path):
        self.path = path

    def __enter__(self):
        self.playwright = sync_playwright().start()
        self.chromium = self.playwright.chromium.launch(
            executable_path=self.path,
            args=["--enable-precise-memory-info", "--js-flags=--expose-gc"],
        )
        return self

    def __exit__(self, *_):
        self.chromium.close()
        self.playwright.stop()

    def visitor(self, url, **options):
        return Visitor(self.chromium, url, options)


class Visitor:
    """A fresh profile with one page; `problems` of it are noted."""

    def __init__(self, chromium, url, options):
        self.url, self.problems, self.expected = url, [], []
        self.context = chromium.new_context(
            **{"viewport": {"width": 1280, "height": 900}, **options}
        )
        self.context.set_default_timeout(1000 * PATIENCE_S)
        self.context.add_init_script(WATCH)
        self.context.on("request", self.on_request)
        self.page = self.context.new_page()
        self.page.on("console", self.on_console)
        self.page.on("pageerror", lambda e: self.note(f"exception: {e}"))
        self.page.on("dialog", self.on_dialog)
        self.page.visitor = self

    def expect(self, *parts):
        """Complaints with one of these in them are what the test is about."""
        self.expected += parts

    def note(self, text):
        if not any(part in text for part in self.expected):
            self.problems.append(text)

    def on_request(self, request):
        # What the page makes to be saved is its own.
        if not request.url.removeprefix("blob:").startswith(self.url + "/"):
            self.note(f"foreign request: {request.url}")

    def on_console(self, message):
        if message.type == "error":
            where = message.location.get("url", "")
            self.note(f"console: {message.text} {where}")

    def on_dialog(self, dialog):
        self.note(f"dialog: {dialog.message}")
        dialog.dismiss()

    def go(self, route):
        self.page.goto(f"{self.url}/app/{route}")
        return self.page

    def close(self):
        """All problems that it had."""
        for frame in self.page.frames:
            for problem in frame.evaluate("window.problems ?? []"):
                self.note(problem)
        self.context.close()
        return self.problems


# --- what a page can be asked -------------------------------------------------


def wait_for(page, expression, argument=None, seconds=PATIENCE_S):
    """Until it is true. (Playwright's own wait_for_function evaluates text in
    the page, which the policy forbids.)"""
    end = time.monotonic() + seconds
    truth = f"""(argument) => {{
      const found = {expression};
      return Boolean(typeof found === "function" ? found(argument) : found);
    }}"""
    while not page.evaluate(truth, argument):
        if time.monotonic() > end:
            raise TimeoutError(f"never true: {expression} {argument or ''}")
        page.wait_for_timeout(20)


def axe_violations(page):
    """Lines for people. The page must come from a context with bypass_csp: axe
    itself breaks the policy."""
    package = importlib.resources.files("axe_playwright_python")
    page.evaluate((package / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate(
        "rules => axe.run({runOnly: {type: 'tag', values: rules}})", RULES
    )
    return [
        f"{v['id']}: {v['help']}: {node['html'][:160]}"
        for v in found["violations"]
        for node in v["nodes"]
    ]


def heap_bytes(page):
    """Of JavaScript, after everything unused is gone."""
    session = page.context.new_cdp_session(page)
    for _ in range(3):
        session.send("HeapProfiler.collectGarbage")
    used = session.send("Runtime.getHeapUsage")["usedSize"]
    session.detach()
    return used


def slow_down(page, times):
    """As a processor that is so many times slower."""
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": times})


def screenshot(page, name):
    """For people to look at: build/screenshots, or $LLM_SCREENSHOTS."""
    folder = pathlib.Path(
        os.environ.get("LLM_SCREENSHOTS", ROOT / "build" / "screenshots")
    )
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=str(folder / f"{name}.png"))
