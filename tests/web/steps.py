# SPDX-License-Identifier: MIT
"""What people do on the first view, and what is then on it."""

import urllib.parse

from support.browser import wait_for

MARKS = {"\n": "↵", "\r": "␍", "\t": "⇥", " ": "·"}
ENDED = """() => document.querySelector("#generate")?.hidden === false &&
  / · .*(length|stop|finished|full|stopped)/.test(
    document.querySelector(".status-line")?.textContent)"""


def visible(text):
    """As tokens.js shows the text of a token."""
    return "".join(MARKS.get(c, c) for c in text)


def route(prompt, **settings):
    """A link to the first view with all this filled in."""
    return "#/?" + urllib.parse.urlencode({"prompt": prompt, **settings})


def wait_for_status(page, text):
    """What the line below the prompt says; the voice says it as well."""
    page.locator(".status-line").get_by_text(text).wait_for()


def generate(page):
    """Presses the button and waits for the end."""
    page.locator("#generate").click()
    wait_for_end(page)


def wait_for_end(page):
    """The strip still grows over some frames."""
    wait_for(page, ENDED)
    wait_for(
        page,
        """() => {
          const said = document.querySelector(".status-line").textContent;
          const count = Number(said.split(" token")[0].replaceAll(",", ""));
          return document.querySelectorAll(".strip .token").length === count;
        }""",
    )


def shown_tokens(page):
    return page.evaluate(
        "[...document.querySelectorAll('.strip .token')].map(b => b.textContent)"
    )


def same_by_api(server, prompt, **settings):
    """What the API answers to the same request."""
    body = {"model": "tiny", "prompt": prompt, "top_logprobs": 20, **settings}
    status, said = server.post("/api/generate", {**body, "stream": False})
    assert status == 200, said
    return said


def percent(text):
    """The number of "31 %", "< 0.01 %", "> 99.9 %"."""
    return float(text.replace("%", "").strip(" <>")) / 100


def is_percent(text, p):
    """Is `text` what the page says of the probability p?"""
    if text.startswith("<"):
        return p < 0.0001
    if text.startswith(">"):
        return p > 0.999
    digits = {True: 5e-5, False: 5e-4 if p < 0.1 else 5e-3}[p < 0.01]
    return abs(percent(text) - p) <= digits * 1.02
