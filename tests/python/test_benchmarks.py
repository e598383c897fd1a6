# SPDX-License-Identifier: MIT
"""The table of benchmarks/README.md says what benchmarks/results holds."""

import pathlib
import subprocess
import sys

import pytest

BENCHMARKS = pathlib.Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

from support.record import refuse_paths  # noqa: E402


def test_table_is_made_from_the_results():
    command = [sys.executable, str(BENCHMARKS / "report.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "value",
    ["/home/me/model", {"a": ["ok", "out=/tmp/x"]}, "python ~/bench.py"],
)
def test_results_hold_no_paths(value):
    with pytest.raises(ValueError):
        refuse_paths(value)


def test_results_may_hold_figures_and_names():
    refuse_paths(
        {"tokens/s": 12.5, "cpu": "AMD EPYC 9R14 / 2", "n": [1, None, "a/b"]}
    )


def test_result_files_hold_no_paths():
    import json

    for path in (BENCHMARKS / "results").glob("*.json"):
        refuse_paths(json.loads(path.read_text()))


def test_every_benchmark_explains_itself():
    for path in BENCHMARKS.glob("*.py"):
        done = subprocess.run(
            [sys.executable, str(path), "--help"],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0 and "usage" in done.stdout, path.name
        assert path.stem in (BENCHMARKS / "README.md").read_text()
