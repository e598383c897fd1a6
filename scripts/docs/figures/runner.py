# SPDX-License-Identifier: MIT
"""Which figures there are, which are old, and how one is drawn. A figure is a
module of this folder with

    TITLE, DESCRIPTION   what a screen reader says
    INPUTS               files it is drawn from, by their paths from the root
    draw()               -> a Matplotlib figure

and becomes public/docs/figures/MODULE.svg (with - for _), which names the digest of those
inputs, of the module and of style.py. To see whether it is old nothing is
drawn, and Matplotlib is not even imported.
"""

import ast
import hashlib
import importlib
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
RESULTS = ROOT / "benchmarks" / "results"
INPUTS = "INPUTS"


def names():
    """The modules that list their inputs."""
    files = [path for path in HERE.glob("*.py") if path.stem != "runner"]
    return sorted(p.stem for p in files if f"\n{INPUTS} = [" in p.read_text())


def inputs(name):
    """INPUTS of the module, without running it."""
    tree = ast.parse((HERE / f"{name}.py").read_text())
    for node in tree.body:
        if isinstance(node, ast.Assign) and node.targets[0].id == INPUTS:
            return ast.literal_eval(node.value)
    raise ValueError(f"{name}.py: expected a list {INPUTS} but there is none")


def digest(name):
    found = hashlib.sha256()
    files = [ROOT / path for path in inputs(name)]
    for path in [*files, HERE / f"{name}.py", HERE / "style.py"]:
        found.update(path.read_bytes())
    return found.hexdigest()


def target(name):
    file = f"{name.replace('_', '-')}.svg"
    return ROOT / "public" / "docs" / "figures" / file


def comment(name):
    return (
        f"drawn by scripts/docs/figures/{name}.py from "
        f"{', '.join(inputs(name))}; inputs sha256 {digest(name)}"
    )


def is_new(name):
    path = target(name)
    return path.is_file() and comment(name) in path.read_text()


def missing(wanted):
    """(name, input) of what is not there."""
    pairs = [(name, path) for name in wanted for path in inputs(name)]
    return [(name, path) for name, path in pairs if not (ROOT / path).is_file()]


def stale(wanted=None):
    """The names of those that have to be drawn."""
    return [name for name in wanted or names() if not is_new(name)]


def draw(name):
    """Writes one; its path from the root."""
    sys.path.insert(0, str(HERE))
    style = importlib.import_module("style")
    module = importlib.import_module(name)
    with style.styled():
        svg = style.to_svg(
            module.draw(), module.TITLE, module.DESCRIPTION, comment(name)
        )
    path = target(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(svg)
    return path.relative_to(ROOT)


def result(name):
    """The "result" of a file of benchmarks/results."""
    return json.loads((RESULTS / f"{name}.json").read_text())["result"]
