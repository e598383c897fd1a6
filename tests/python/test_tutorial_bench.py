# SPDX-License-Identifier: MIT
"""./tutorial bench: the list, one case, all, and the peers. The cases are
stand-ins (see sandbox.py)."""

import json

import pytest
from sandbox import ROOT, Sandbox

FAST = '''# SPDX-License-Identifier: MIT
"""How fast it is, beside
others; nothing else.
"""
import json, os, sys
if "--fail" in sys.argv:
    sys.exit(5)
print(json.dumps([sys.argv[1:], sorted(os.listdir(os.environ["LLM_PROGRAMS"]))]))
'''


@pytest.fixture
def box(tmp_path):
    box = Sandbox(tmp_path)
    (box.clone / "benchmarks").mkdir()
    (box.clone / "benchmarks/fast.py").write_text(FAST)
    (box.clone / "benchmarks/slow.py").write_text('"""Slow (it is)."""\n')
    (box.clone / "benchmarks/report.py").write_text('"""No case."""\n')
    peers = (ROOT / "benchmarks/peers.txt").read_text()
    (box.clone / "benchmarks/peers.txt").write_text(peers)
    return box


def test_without_a_name_the_cases_are_listed(box):
    done = box.run("bench")
    assert done.returncode == 0 and done.stderr == ""
    rows = [line.split(maxsplit=1) for line in done.stdout.splitlines()[1:]]
    assert rows == [["fast", "How fast it is"], ["slow", "Slow"]]
    assert not box.home.exists(), "nothing may be made"


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["bench", "fats"], "'fats'; choose from: fast slow"),
        (["bench", "report", "fast"], "'report'"),
        (["bench", "../fast"], "'../fast'"),
        (["bench", "--bogus"], "'--bogus'"),
        (["bench", "--all", "fast"], "both"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(box, arguments, words):
    done = box.run(*arguments)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and words in done.stderr
    assert done.stderr.startswith("[tutorial] expected ")
    assert not box.home.exists(), "nothing may be made"


def test_a_case_runs_after_the_programs_are_built(box):
    done = box.run("bench", "fast", "--rounds", "1", "a b")
    assert done.returncode == 0, done.stderr
    arguments, programs = json.loads(done.stdout)
    assert arguments == ["--rounds", "1", "a b"]
    assert programs == ["other", "simple_llm", "web_server"]
    assert box.run("bench", "fast", "--fail").returncode == 5


def test_all_runs_each_and_counts(box):
    (box.clone / "benchmarks/bad.py").write_text("raise SystemExit(1)\n")
    done = box.run("bench", "--all")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "2 passed, 1 failed"
    assert "benchmark bad.py: exit status 1" in done.stdout


REPORT = '''"""No case."""
import os, pathlib, sys
folder = pathlib.Path(sys.argv[sys.argv.index("--from") + 1])
print(*sorted(path.name for path in folder.glob("*.json")))
'''
CASE = '''"""A case."""
import os, pathlib, sys
name = pathlib.Path(__file__).stem
folder = pathlib.Path(os.environ["BENCHMARK_RESULTS"])
(folder / f"{name}.json").write_text(str(sys.argv[1:]))
sys.exit(name == "roofline")
'''


def test_a_report_measures_what_there_is_into_a_folder_of_its_own(box):
    benchmarks = box.clone / "benchmarks"
    (benchmarks / "report.py").write_text(REPORT)
    for name in ("roofline", "writing"):
        (benchmarks / f"{name}.py").write_text(CASE)
    done = box.run("bench", "report")
    assert done.returncode == 0, "a claim that does not hold is no failure"
    folder = box.home / "bench-report"
    assert "--rounds" in (folder / "writing.json").read_text()
    said = (folder / "report.md").read_text()
    assert said == "roofline.json writing.json\n"
    assert f"{folder}/report.md" in done.stderr + done.stdout
    assert not (benchmarks / "results").exists()


def peers_python(box):
    return box.fake_python(box.home / "cache/peers-venv/bin/python")


def pip_calls(box):
    return [call for call in box.calls("python") if "pip install" in call]


def test_peers_are_installed_after_a_yes_into_their_own_place(box):
    python = peers_python(box)
    status, shown = box.run_on_terminal("bench", "--peers", answer="n\n")
    assert status == 3 and "[y/N]" in shown and "GB" in shown
    assert "10 minutes" in shown and "nothing was changed" in shown
    assert pip_calls(box) == []
    done = box.run("bench", "--peers")
    assert done.returncode == 3 and "--yes" in done.stderr.splitlines()[-1]
    done = box.run("bench", "--peers", "--yes")
    assert done.returncode == 0, done.stderr
    (call,) = pip_calls(box)
    assert call.endswith(f"-r {box.clone}/benchmarks/peers.txt")
    assert (python.parent / "installed").exists()
    again = box.run("bench", "--peers", "fast")
    assert again.returncode == 0, "no question the second time"
    assert json.loads(again.stdout)[0] == [] and len(pip_calls(box)) == 1


def test_peers_need_the_network(box):
    peers_python(box)
    done = box.run("bench", "--peers", "--yes", "--offline")
    assert done.returncode == 3 and "--offline" in done.stderr
    done = box.run("bench", "--peers", "--yes", SANDBOX_PIP_FAILS="1")
    assert done.returncode == 3 and "[pip]" in done.stderr.splitlines()[-1]
