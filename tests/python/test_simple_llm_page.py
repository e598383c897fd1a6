# SPDX-License-Identifier: MIT
"""tutorials/simple-llm.md, read without running it (./tutorial docs run does
that): whoever does block by block what it says has compiled and run every
program, with every header, after its last change.
"""

import pathlib
import re

import pytest

PAGE = pathlib.Path(__file__).resolve().parents[2] / "tutorials/simple-llm.md"
FENCE = re.compile(r"^```\w+ ([^\n]*)\n(.*?)^```$", re.M | re.S)
INCLUDE = re.compile(r'#include "(\w+\.h)"')


def follow(text):
    """(all files at the end, {program: the files when it runs last}, in the
    order of these runs)."""
    files, runs = {}, {}
    for info, block in FENCE.findall(text):
        kind, _, name = info.partition("=")
        if kind in ("file", "append"):
            files[name] = files.get(name, "") * (kind == "append") + block
        elif info == "run":
            for program in re.findall(r"^\./run (\w+)", block, re.M):
                runs.pop(program, None)
                runs[program] = dict(files)
    return files, runs


def parts(name, files):
    """The file and the headers that are compiled with it."""
    found = {name}
    for header in INCLUDE.findall(files[name]):
        found |= parts(header, files)
    return found


@pytest.fixture(scope="module")
def page():
    return follow(PAGE.read_text())


def test_every_program_runs_after_its_last_change(page):
    files, runs = page
    programs = {name for name in files if name.endswith(".cpp")}
    assert {f"{program}.cpp" for program in runs} == programs
    for program, then in runs.items():
        assert then[f"{program}.cpp"] == files[f"{program}.cpp"], program


def test_every_header_is_compiled_in_its_last_form(page):
    files, runs = page
    compiled = {
        (name, then[name])
        for program, then in runs.items()
        for name in parts(f"{program}.cpp", then)
    }
    headers = {name for name in files if name.endswith(".h")}
    assert {(name, files[name]) for name in headers} <= compiled


def test_the_model_is_trained_then_written_with(page):
    files, runs = page
    order = list(runs)
    assert len(order) >= 10
    assert order.index("train") < order.index("write")
    assert "save_model(" in files["train.cpp"]
    assert "load_model(" in files["write.cpp"]


@pytest.mark.parametrize(
    "text",
    [
        "```cpp file=a.cpp\nint main() {}\n```\n",  # never run
        "```cpp file=a.cpp\nint x;\n```\n```bash run\n./run a\n```\n"
        "```cpp append=a.cpp\nint y;\n```\n",  # changed afterwards
    ],
)
def test_a_program_that_is_left_out_is_found(text):
    with pytest.raises(AssertionError):
        test_every_program_runs_after_its_last_change(follow(text))
