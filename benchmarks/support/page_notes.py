# SPDX-License-Identifier: MIT
"""What browsers note of a page while it is used: long tasks, answers to clicks,
shifts, frames; and a visitor whose page keeps such notes."""

import sys

from support.browser import slow_down

# From the first line of the page: what the browser itself notes.
NOTES = """
window.notes = { long: [], inputs: [], shifts: 0, paint: 0 };
const note = (type, take, more) => new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) take(entry);
}).observe({ type, buffered: true, ...more });
note("longtask", (e) => notes.long.push(e.duration));
note("event", (e) => { if (e.interactionId) notes.inputs.push(e.duration); },
     { durationThreshold: 16 });
note("layout-shift", (e) => { if (!e.hadRecentInput) notes.shifts += e.value; });
note("largest-contentful-paint", (e) => { notes.paint = e.startTime; });
"""

# Milliseconds between frames until stopFrames().
FRAMES = """() => {
  const gaps = [];
  let last = performance.now(), on = true;
  const tick = (now) => {
    gaps.push(now - last);
    last = now;
    if (on) requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
  window.stopFrames = () => ((on = false), gaps.slice(2));
}"""


def percentile(values, percent):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def measures(page, name):
    """Durations of performance.measure(name), milliseconds."""
    return page.evaluate(
        "name => performance.getEntriesByName(name).map(e => e.duration)", name
    )


class Page:
    """A visitor whose page keeps notes."""

    def __init__(self, browser, url, route, slow=1, **options):
        self.visitor = browser.visitor(url, **options)
        self.visitor.context.add_init_script(NOTES)
        self.page = self.visitor.page
        if slow > 1:
            slow_down(self.page, slow)
        self.visitor.go(route)

    def __enter__(self):
        return self.page

    def __exit__(self, kind, *_):
        problems = self.visitor.close()
        if problems and kind is None:
            sys.exit(f"the page has problems: {problems}")
