# SPDX-License-Identifier: MIT
"""Every C++ file is accepted by clang with libc++, without extensions.

Apple's compiler and standard library are clang and libc++, so this is the
nearest stand-in for a Mac on a Linux machine. Only the syntax and the types
are checked: nothing is linked.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FLAGS = [
    "-std=c++20",
    "-stdlib=libc++",
    "-fsyntax-only",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-pedantic-errors",
    "-Wno-missing-field-initializers",  # as cmake/Compiler.cmake
    f"-I{ROOT}",
    '-DLLM_GOLDEN_DIR=""',
    '-DLLM_MLX_VERSION=""',
    '-DLLM_SCRIPTS_DIR=""',
    '-DLLM_VERSION=""',
    '-DLLM_SOURCE_DIR=""',
    "-DBOOST_ASIO_NO_DEPRECATED",
    "-DBOOST_ASIO_SEPARATE_COMPILATION",
    "-DBOOST_BEAST_SEPARATE_COMPILATION",
]


def compiler():
    if sys.platform == "darwin":
        return "clang++"
    for name in ("clang++-19", "clang++"):
        if shutil.which(name):
            return name
    pytest.fail("clang++ is missing: apt-get install clang-19 libc++-19-dev")


def sources():
    folders = (
        "llm",
        "code",
        "python",
        "tests",
        "benchmarks",
        "exercises/tests",
    )
    found = [p for f in folders for p in (ROOT / f).rglob("*.cpp")]
    assert len(found) > 60
    return sorted(found)


def exercises(folder):
    """Each tree of answers as one file: they are many and small."""
    out = []
    for tree in ("student", "solution"):
        files = sorted((ROOT / "exercises" / tree).rglob("*.cpp"))
        assert len(files) > 20
        out.append(folder / f"{tree}.cpp")
        out[-1].write_text("".join(f'#include "{file}"\n' for file in files))
    return out


def without_mlx(path):
    if ROOT not in path.parents:
        return False
    parts = path.relative_to(ROOT).parts
    return parts[:2] in (("llm", "core"), ("llm", "tokenizers"))


@pytest.fixture(scope="module")
def includes():
    import mlx
    import nanobind

    return [
        f"-isystem{pathlib.Path(next(iter(mlx.__path__))) / 'include'}",
        f"-isystem{nanobind.include_dir()}",
        f"-isystem{sysconfig.get_paths()['include']}",
    ]


def test_every_file_compiles_with_libcxx(includes, tmp_path):
    """The largest headers take seconds: they are parsed once, into a PCH."""
    header = tmp_path / "mlx.h"
    names = "mlx/mlx.h", "nlohmann/json.hpp", "doctest/doctest.h"
    header.write_text("".join(f"#include <{name}>\n" for name in names))
    pch = tmp_path / "mlx.pch"
    subprocess.run(
        [compiler(), *FLAGS[:2], *FLAGS[6:], *includes]
        + ["-x", "c++-header", "-fpch-instantiate-templates"]
        + [str(header), "-o", str(pch)],
        check=True,
    )

    def check(path):
        known = [] if without_mlx(path) else ["-include-pch", str(pch)]
        done = subprocess.run(
            [compiler(), *FLAGS, *includes, *known, str(path)],
            capture_output=True,
            text=True,
        )
        return "" if done.returncode == 0 else done.stderr

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        files = sources() + exercises(tmp_path)
        errors = [text for text in pool.map(check, files) if text]
    assert not errors, "\n".join(errors)


def test_the_check_can_fail(includes, tmp_path):
    bad = tmp_path / "bad.cpp"
    bad.write_text("#include <thread>\nint main() { std::jthread t; }\n")
    # A GNU extension; libc++ 19 has jthread only as an experiment.
    gnu = tmp_path / "gnu.cpp"
    gnu.write_text("int f(int n) { int a[n]; return sizeof a; }\n")
    for path in (bad, gnu):
        done = subprocess.run(
            [compiler(), *FLAGS, str(path)], capture_output=True, text=True
        )
        assert done.returncode != 0, path.name
