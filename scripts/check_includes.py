# SPDX-License-Identifier: MIT
"""The include rule of the house: who may include whom.

    check_includes.py [FOLDER]    one line for each include that breaks it

The layers, lowest first; a folder may include itself and what is below:

    core                          the standard library, POSIX, nlohmann_json,
                                  PCRE2, utf8proc
    tokenizers                    core
    nn kernels io data            core, tokenizers, each other, and MLX
    models                        all of those
    training generation inspect   models and below, not each other
    serving                       all of those, and no sockets
    code python benchmarks tests  llm
    exercises                     MLX alone: they build in seconds; what
                                  learners write in exercises/mine is theirs

So core and tokenizers never see MLX: fuzzers and sanitizers link them alone.
Libraries are included in angle brackets. An include in quotes names the path
from the top, "llm/nn/linear.h"; outside llm/ also a file in the same folder.
Two files must not include each other, however long the way round.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:<([^>]+)>|"([^"]+)")')
SUFFIXES = {".h", ".hpp", ".cpp", ".cc", ".c", ".mm"}

POSIX = set(
    "dirent.h dlfcn.h errno.h fcntl.h poll.h pthread.h signal.h spawn.h "
    "stdint.h stdlib.h string.h sys/file.h sys/ioctl.h sys/mman.h "
    "sys/resource.h sys/stat.h sys/statvfs.h sys/sysctl.h sys/time.h "
    "sys/types.h sys/uio.h sys/utsname.h sys/wait.h termios.h time.h "
    "unistd.h".split()
)
CORE_LIBRARIES = ["nlohmann/", "pcre2.h", "utf8proc.h"]
MLX_LIBRARIES = CORE_LIBRARIES + ["mlx/"]
KERNEL_LIBRARIES = MLX_LIBRARIES + ["hwy/", "immintrin.h", "arm_neon.h"]

MIDDLE = {"core", "tokenizers", "nn", "kernels", "io", "data"}
UPPER = MIDDLE | {"models"}
ALL = UPPER | {"training", "generation", "inspect", "serving"}

# Folder of llm/ -> (folders it may include, libraries it may include).
LAYERS = {
    "core": ({"core"}, CORE_LIBRARIES),
    "tokenizers": ({"core", "tokenizers"}, CORE_LIBRARIES),
    "nn": (MIDDLE, MLX_LIBRARIES),
    "kernels": (MIDDLE, KERNEL_LIBRARIES),
    "io": (MIDDLE, MLX_LIBRARIES),
    "data": (MIDDLE, MLX_LIBRARIES),
    "models": (UPPER, MLX_LIBRARIES),
    "training": (UPPER | {"training"}, MLX_LIBRARIES),
    "generation": (UPPER | {"generation"}, MLX_LIBRARIES),
    "inspect": (UPPER | {"inspect"}, MLX_LIBRARIES),
    "serving": (ALL, MLX_LIBRARIES),
}
# Folders at the top: they use the library, never each other. Which other
# libraries they use is their own affair.
PROGRAMS = ["code", "python", "benchmarks", "tests", "exercises"]


def is_standard(name):
    """<vector>, <cmath>: no folder and no suffix."""
    return "/" not in name and "." not in name


def folder_of(path):
    """'llm/nn/linear.h' -> 'nn'; a file right in llm/ has no layer."""
    parts = path.split("/")
    return parts[1] if len(parts) > 2 else ""


def includes(path):
    """Yields (line number, name, True if in angle brackets)."""
    text = path.read_text(encoding="utf-8")
    # Comments go, their line breaks stay.
    text = re.sub(
        r"/\*.*?\*/", lambda m: "\n" * m[0].count("\n"), text, flags=re.S
    )
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match[1] or match[2], match[1] is not None


def judge_library(path, name):
    """What is wrong with `#include <name>` in llm/, or None."""
    _, libraries = LAYERS[folder_of(path)]
    if is_standard(name) or name in POSIX:
        return None
    if any(name == item or name.startswith(item) for item in libraries):
        return None
    if name.startswith("llm/"):
        return f'expected "{name}" in quotes but received <{name}>; use quotes.'
    return (
        f"expected one of the libraries of llm/{folder_of(path)} but received "
        f"<{name}>; move the code to a layer that may use it."
    )


def judge_own(root, path, name):
    """What is wrong with `#include "name"`, or None."""
    top = path.split("/")[0]
    if top != "llm" and ((root / path).parent / name).is_file():
        return None
    if not (root / name).is_file():
        return (
            f'expected a path from the top of the project but received "{name}"'
            '; write "llm/folder/file.h", or <...> for a library.'
        )
    target = name.split("/")[0]
    if top == "exercises" and target == "llm":
        return f'expected no include of llm/ here but received "{name}".'
    if target not in ("llm", top) or (top == "llm" and target != "llm"):
        return f'expected an include of llm/ but received "{name}"; move it.'
    if top != "llm":
        return None
    allowed, _ = LAYERS[folder_of(path)]
    if folder_of(name) not in allowed:
        return (
            f"expected llm/{folder_of(path)} to include only "
            f"{', '.join(sorted(allowed))} but received \"{name}\"; move the "
            "code up, or hand it in as a function."
        )
    return None


def find_cycle(graph):
    """Returns the files of one circle of includes, or None."""
    done = set()

    def visit(path, trail):
        if path in trail:
            return trail[trail.index(path) :] + [path]
        if path in done:
            return None
        for target in graph.get(path, []):
            found = visit(target, trail + [path])
            if found:
                return found
        done.add(path)
        return None

    for path in sorted(graph):
        found = visit(path, [])
        if found:
            return found
    return None


def check(root=ROOT):
    """Returns one line for each include that breaks the rule."""
    problems, graph = [], {}
    for top in ["llm"] + PROGRAMS:
        for file in sorted((root / top).rglob("*")):
            path = file.relative_to(root).as_posix()
            if file.suffix not in SUFFIXES or path.startswith("exercises/mine"):
                continue
            if top == "llm" and folder_of(path) not in LAYERS:
                problems.append(
                    f"{path}:1: [includes] expected a folder of llm/ that has "
                    "a layer; add it to scripts/check_includes.py."
                )
                continue
            for number, name, angle in includes(file):
                if angle:
                    wrong = judge_library(path, name) if top == "llm" else None
                else:
                    wrong = judge_own(root, path, name)
                    graph.setdefault(path, []).append(name)
                if wrong:
                    problems.append(f"{path}:{number}: [includes] {wrong}")
    circle = find_cycle(graph)
    if circle:
        problems.append(
            f"{circle[0]}:1: [includes] expected no circle but received "
            f"{' -> '.join(circle)}; take one include out."
        )
    return problems


def main(arguments):
    root = pathlib.Path(arguments[0]) if arguments else ROOT
    problems = check(root)
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
