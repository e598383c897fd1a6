# SPDX-License-Identifier: MIT
"""What all views share: addresses, keys, themes, small and large screens, and
no barrier that axe-core knows of."""

import pytest
from looking import Run
from steps import generate, route, wait_for_status
from support.browser import axe_violations, screenshot, wait_for

VIEWS = {
    "write": "#/",
    "attention": "#/attention",
    "layers": "#/layers",
    "compare": "#/compare",
    "what-if": "#/compare?mode=whatif",
    "training": "#/training",
    "learn": "#/docs/performance",
}
TITLES = ["Write", "Attention", "Layers", "Compare", "Training", "Learn"]
SETTLED = {
    "write": "document.querySelectorAll('.strip .token').length > 20",
    "attention": "document.querySelector('canvas.matrix-picture')?.matrix.bitmap"
    " && performance.getEntriesByName('attention:sheet').length",
    "layers": "document.querySelector('.lens-table td')",
    "compare": "document.querySelector('#compare-model-B option')",
    "what-if": "document.querySelector('.edit-row')?.offsetParent",
    "training": "document.querySelector('svg.chart path.line')",
    "learn": "document.querySelector('.reader-page h2')",
}


@pytest.fixture(scope="module")
def run(server):
    return Run(server)


def opened(visit, server, run, view, **options):
    """The view with something in it."""
    address = VIEWS[view]
    if view in ("attention", "layers", "what-if"):
        address += ("&" if "?" in address else "?") + f"run={run.id}"
    if view == "write":
        address = route("The fox ", max_tokens=60, seed=3)
    page = visit(server, address, **options)
    if view == "write":
        generate(page)
        page.locator(".strip .token").nth(4).click()
    wait_for(page, SETTLED[view])
    return page


# --- addresses and keys -------------------------------------------------------


def test_root_leads_to_the_page(visit, server):
    page = visit(server)
    page.goto(server.url + "/")
    assert page.url.startswith(server.url + "/app/")
    assert page.title() == "Write · MLX LLM Tutorial"


def test_every_view_by_its_link(visit, server):
    page = visit(server)
    for title in TITLES:
        page.get_by_role("link", name=title, exact=True).click()
        wait_for(page, f"document.title.startsWith('{title} ')")
        link = page.locator("nav.views a[aria-current=page]")
        assert link.inner_text() == title
    page.go_back()
    wait_for(page, "document.title.startsWith('Training ')")


def test_every_view_by_two_keys(visit, server):
    page = visit(server)
    page.locator("#main").focus()
    for key, title in zip("alctdw", TITLES[1:] + TITLES[:1]):
        page.keyboard.press("g")
        page.keyboard.press(key)
        wait_for(page, f"document.title.startsWith('{title} ')")


def test_a_letter_alone_goes_nowhere(visit, server):
    page = visit(server)
    page.locator("#main").focus()
    for key in "alctdw":
        page.keyboard.press(key)
    page.wait_for_timeout(100)
    assert page.title().startswith("Write ")


def test_help(visit, server):
    page = visit(server)
    page.locator("#main").focus()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog")
    dialog.wait_for()
    assert "Ctrl" in dialog.inner_text()
    screenshot(page, "help")
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")


@pytest.mark.parametrize(
    "address",
    ["#/nowhere", "#", "#/attention?layer=x&head=-1&q=1e99", "#/layers?from=-5",
     "#/compare?a=%7B&b=1", "#/?temperature=abc&stop=%5B&seed=-1&token=999"],
)  # fmt: skip
def test_a_damaged_address_opens_a_view(visit, server, address):
    page = visit(server, address)
    page.locator("h2").first.wait_for()
    assert page.get_by_text("This view did not open").count() == 0


def test_a_run_that_is_gone(visit, server):
    """Its link says what was read, so it is read again."""
    gone = "0" * 32
    page = visit(server, f"#/attention?run={gone}&model=tiny&text=The+fox.")
    page.visitor.expect("404", "410")
    wait_for(page, SETTLED["attention"])
    wait_for(page, f"!location.hash.includes('{gone}')")


def test_theme_is_chosen_and_kept(visit, server):
    page = visit(server, color_scheme="dark")
    shown = "document.documentElement.dataset.theme"
    assert page.evaluate(shown) == "dark"
    button = page.get_by_role("button", name="Theme")
    button.click()
    assert page.evaluate(shown) == "light"
    page.reload()
    assert page.evaluate(shown) == "light"
    page.get_by_role("button", name="Theme").click()
    assert page.evaluate(shown) == "dark"


def test_skip_link(visit, server):
    page = visit(server)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent").startswith(
        "Skip"
    )
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


# --- barriers -----------------------------------------------------------------


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing(visit, server, run, view, theme):
    options = {"color_scheme": theme, "bypass_csp": True}
    page = opened(visit, server, run, view, **options)
    screenshot(page, f"{view}-{theme}")
    assert axe_violations(page) == []


def test_axe_would_find_something(visit, server):
    page = visit(server, bypass_csp=True)
    page.locator("#prompt").wait_for()
    page.evaluate("document.querySelector('#prompt').labels[0].remove()")
    assert any("label" in line for line in axe_violations(page))


@pytest.mark.parametrize("view", VIEWS)
def test_a_phone_scrolls_only_down(visit, server, run, view):
    small = {"viewport": {"width": 360, "height": 740}, "has_touch": True}
    page = opened(visit, server, run, view, **small)
    screenshot(page, f"{view}-phone")
    wide = page.evaluate(
        """() => [...document.querySelectorAll("body *")].filter((node) => {
          const box = node.getBoundingClientRect();
          for (let up = node.parentElement; up; up = up.parentElement)
            if (/auto|scroll|hidden|clip/.test(getComputedStyle(up).overflowX))
              return false;
          return box.right > 360.5 && box.width > 0;
        }).map((node) => node.outerHTML.slice(0, 120))"""
    )
    assert wide == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("view", VIEWS)
def test_targets_are_24_pixels(visit, server, run, view):
    """WCAG 2.2, 2.5.8: smaller ones need room, which tokens in a text have."""
    page = opened(visit, server, run, view)
    small = page.evaluate(
        """() => [...document.querySelectorAll("button, select, input, a")]
          .filter((n) => n.offsetParent && !n.matches(".token, .skip, p a, .md-page :is(li, td) a"))
          .filter((n) => !n.closest(".visually-hidden, label, fieldset"))
          .map((n) => [n.getBoundingClientRect(), n.outerHTML.slice(0, 120)])
          .filter(([box]) => Math.min(box.width, box.height) < 23.5)
          .map(([box, text]) => `${box.width} x ${box.height}: ${text}`)"""
    )
    assert small == []


@pytest.mark.parametrize("view", VIEWS)
def test_forced_colours_and_less_motion(visit, server, run, view):
    options = {"forced_colors": "active", "reduced_motion": "reduce"}
    page = opened(visit, server, run, view, **options)
    moving = page.evaluate(
        "document.getAnimations().filter(a => a.effect.getTiming().duration > 1)"
        ".map(a => a.animationName ?? a.transitionProperty)"
    )
    assert moving == []
    screenshot(page, f"{view}-forced-colors")


# --- the keyboard alone -------------------------------------------------------


def tab_to(page, selector, most=80):
    """Presses Tab until something of `selector` has the focus, which must be
    seen at every stop. Waits for it to be there first: past the end of a page
    that still loads, Tab leaves the page."""
    page.locator(selector).first.wait_for()
    for _ in range(most):
        page.keyboard.press("Tab")
        found = page.evaluate(
            """(selector) => {
              const node = document.activeElement;
              const style = getComputedStyle(node);
              const seen = node.matches(":focus-visible") &&
                (style.outlineStyle !== "none" || style.boxShadow !== "none");
              return { there: node.matches(selector), seen,
                       text: node.outerHTML.slice(0, 120) };
            }""",
            selector,
        )
        assert found["seen"] or found["there"], f"no focus on {found['text']}"
        if found["there"]:
            return
    raise AssertionError(f"{selector} is not reached with Tab")


def test_the_main_story_by_keyboard(visit, server):
    page = visit(server, route("x", max_tokens=30, seed=5))
    tab_to(page, "#prompt")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("The fox ")
    page.keyboard.press("Control+Enter")
    wait_for_status(page, "30 tokens")
    tab_to(page, ".strip .token")
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    page.get_by_role("heading", name="Inside").wait_for()
    tab_to(page, "button[aria-label^='Continue with']")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="A branch").wait_for()
    wait_for(page, "!document.querySelector('#generate').hidden")
    page.keyboard.press("Alt+ArrowLeft")
    page.get_by_role("heading", name="Your text").wait_for()
    page.locator("body").press("g")
    page.keyboard.press("a")
    wait_for(page, SETTLED["attention"])
    tab_to(page, ".sheet-head")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    tab_to(page, ".matrix-grid")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("t")
    rows = page.get_by_role("region", name="The row as a table").locator("tr")
    rows.nth(5).wait_for()
