# SPDX-License-Identifier: MIT
"""Executes the blocks of a page from top to bottom, in a workplace of its own,
and compares what they print with what the page shows.
"""

import time
from dataclasses import dataclass

import outputs
from interpreter import Interpreter
from mlx_llm_tutorial.cpp.processes import ending
from pages import Problem
from programs import Failure
from workplace import SECONDS, Workplace

DONE = ("run", "syntax", "fails", "file", "append")

# Lines stop at the first that fails; where a block ends the next one goes on.
SHELL = """
[ -f "$DOCS_STATE" ] && . "$DOCS_STATE"
trap 'export -p >"$DOCS_STATE"; printf "cd %q\\n" "$PWD" >>"$DOCS_STATE"' EXIT
set -e -o pipefail
"""


@dataclass
class Result:
    """What became of one block."""

    fence: object
    seconds: float
    said: str | None = None  # None: it was not run
    problem: Problem | None = None


def blocks(page):
    return [
        f for f in page.fences if f.kind in DONE and f.is_code or is_file(f)
    ]


def is_file(fence):
    return fence.kind in ("file", "append")


def submit(page, compiler):
    for fence in blocks(page):
        if fence.language == "cpp" and not is_file(fence):
            compiler.submit(fence)


def run_page(page, compiler):
    """Yields a Result for each block. After a failure the other blocks of that
    language, which may need it, are left out."""
    with Workplace(page.root, page.folder) as place:
        python, failed = Interpreter(place, page), set()
        try:
            for fence in blocks(page):
                if fence.language not in failed:
                    result = run_block(page, fence, place, python, compiler)
                    if result.said is None and result.problem:
                        failed.add(fence.language)
                        failed.discard("cpp")  # each is a program of its own
                    yield result
        finally:
            python.stop()


def run_block(page, fence, place, python, compiler):
    begin, said, problem = time.monotonic(), None, None
    try:
        said = execute(page, fence, place, python, compiler)
    except Failure as error:
        problem = Problem(page.name, error.line, str(error))
    if said is not None:
        said = outputs.cleaned(place.readable(said))
        problem = compare(page, fence, said)
    return Result(fence, time.monotonic() - begin, said, problem)


def execute(page, fence, place, python, compiler):
    """What the block printed; None if it is none that prints."""
    if is_file(fence):
        try:
            place.write(fence.detail, fence.text, fence.kind == "append")
        except FileExistsError:
            what = (
                f"expected a file of the page's own but {fence.detail} is one "
            )
            raise Failure(fence.line, what + "of the repository; rename it.")
        return None
    if fence.language == "python":
        answer, said = python.run(fence)
        if answer:
            raise Failure(answer["line"], f"fails: {answer['what']}")
        return said
    if fence.language == "cpp":
        program = compiler.result(fence)
        if program is None:
            return None
        status, said = place.run([str(program)])
    else:
        state = str(place.base / "state")
        command = ["bash", "-c", SHELL + fence.text]
        status, said = place.run(command, DOCS_STATE=state)
    check_status(fence, status, place.readable(said))
    return said


def check_status(fence, status, said):
    wanted = fence.options.get("exit", 0)
    if status == wanted:
        return
    lines = [line for line in outputs.cleaned(said).split("\n") if line.strip()]
    last = f" It said last: {lines[-1].strip()}" if lines else ""
    if status is None:
        reason = f"it still runs after {SECONDS} s."
    elif status < 0:
        reason = ending(status)
    else:
        reason = f"it ended with {status}."
    raise Failure(
        fence.line, f"expected exit status {wanted} but {reason}{last}"
    )


def compare(page, fence, said):
    shown = fence.output
    if shown is None:
        return None
    rel = shown.options.get("rel", outputs.REL)
    shape = "shape" in shown.options
    found = outputs.compare(shown.text, said, rel, shape)
    if found is None:
        return None
    index, what = found
    line = min(shown.line + 1 + index, shown.end)
    what += f"; if that is right: ./tutorial docs write {page.name}"
    return Problem(page.name, line, what)
