# SPDX-License-Identifier: MIT
"""What the benchmarks share: contenders in turns, ratios, the table, peers that
are not there. Nothing here is timed."""

import io
import pathlib
import subprocess
import sys

import pytest

BENCHMARKS = pathlib.Path(__file__).resolve().parents[2] / "benchmarks"
sys.path[:0] = [str(BENCHMARKS), str(BENCHMARKS.parent / "scripts")]

import check_pins  # noqa: E402
from support import peers, resident, rounds  # noqa: E402
from support.record import without_paths  # noqa: E402
from support.rounds import Task  # noqa: E402


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_everyone_begins_a_round_before_anyone_does_again(count):
    names = list(range(count))
    for first in (0, count):
        orders = [rounds.order(names, first + i) for i in range(count)]
        assert all(sorted(order) == names for order in orders)
        assert sorted(order[0] for order in orders) == names
    assert rounds.order([], 7) == []
    if count > 1:
        for i in range(3 * count):
            assert rounds.order(names, i) != rounds.order(names, i + 1)


def fixed(*values):
    """A contender that measures these, one a round."""
    left = list(values)
    return lambda: left.pop(0)


def two_rounds():
    return [
        Task("a", "cpp", fixed({"x_per_s": 30, "ms": 10}, {"x_per_s": 60, "ms": 5})),
        Task("a", "peer", fixed({"x_per_s": 10, "ms": 5}, {"x_per_s": 12, "ms": 5})),
        Task("a", "peer_fast", fixed({"x_per_s": 15, "ms": 20}, {"x_per_s": 20, "ms": 10})),
        Task("b", "peer", fixed({"ms": 7}, {"ms": 9})),
    ]  # fmt: skip


def test_they_take_turns_in_each_case():
    out = io.StringIO()
    done = rounds.take_turns(two_rounds(), 2, out)
    said = [line.split(":")[1:3] for line in out.getvalue().splitlines()]
    assert [(case.strip(), who.split()[0]) for case, who in said] == [
        ("a", "cpp"), ("a", "peer"), ("a", "peer_fast"), ("b", "peer"),
        ("a", "peer"), ("a", "peer_fast"), ("a", "cpp"), ("b", "peer"),
    ]  # fmt: skip
    assert [sorted(round) for round in done] == [["cases", "load"]] * 2
    assert done[1]["cases"]["a"]["peer"] == {"x_per_s": 12, "ms": 5}


def test_each_round_can_be_saved_when_it_ends():
    saved = []
    done = rounds.take_turns(
        two_rounds(), 2, io.StringIO(), lambda r: saved.append(list(r))
    )
    assert saved == [done[:1], done]


def test_a_ratio_is_that_of_one_round_and_above_1_when_ours_is_better():
    found = rounds.summarize(rounds.take_turns(two_rounds(), 2, io.StringIO()))
    speed, time = found["a"]["x_per_s"], found["a"]["ms"]
    assert speed["values"]["cpp"] == {"min": 30, "median": 45, "max": 60}
    assert speed["ratios"]["peer"] == {"min": 3, "median": 4, "max": 5}
    assert time["ratios"]["peer"] == {"min": 0.5, "median": 0.75, "max": 1}
    assert "cpp" not in speed["ratios"]
    assert found["b"]["ms"]["ratios"] == {}, "ours did not take part"


def test_the_best_setting_of_a_family_counts():
    found = rounds.summarize(rounds.take_turns(two_rounds(), 2, io.StringIO()))
    speed = rounds.best(found["a"]["x_per_s"], "x_per_s", "peer")
    assert (speed["name"], speed["median"]) == ("peer_fast", 2.5)
    time = rounds.best(found["a"]["ms"], "ms", "peer")
    assert (time["name"], time["median"]) == ("peer", 0.75)
    assert rounds.best(found["a"]["ms"], "ms", "pee") is None
    assert rounds.worst_ratio(found, "ms", "peer", ["a"]) == 0.75
    assert rounds.worst_ratio(found, "ms", "peer", ["b"]) is None


@pytest.mark.parametrize("bad", [None, {}, {"ms": 0}, {"ms": float("nan")}])
def test_who_fails_is_left_out(bad):
    out = io.StringIO()
    tasks = [
        Task("a", "cpp", fixed({"ms": 1}, {"ms": 2})),
        Task("a", "peer", fixed({"ms": 3}, bad)),
        Task("b", "peer", fixed(bad)),
    ]
    done = rounds.take_turns(tasks, 2, out)
    assert out.getvalue().count("failed, left out") == 2
    found = rounds.summarize(done)
    assert list(found["a"]["ms"]["values"]) == ["cpp"]
    assert found["b"] == {}
    assert "peer" not in rounds.table(found)


def test_the_table_has_a_row_for_each_contender():
    found = rounds.summarize(rounds.take_turns(two_rounds(), 2, io.StringIO()))
    lines = rounds.table(found).splitlines()
    assert [line.split()[:4] for line in lines if "better" in line] == [
        ["x_per_s", "(more", "is", "better)"],
        ["ms", "(less", "is", "better)"],
    ]
    (row,) = [
        line for line in lines if "a: peer_fast" in line and "2.50" in line
    ]
    assert row.split() == [
        "a:", "peer_fast", "17.5", "15", "to", "20", "2.50", "(2.00", "to", "3.00)",
    ]  # fmt: skip
    assert sum("b: peer" in line for line in lines) == 1


# --- peers -------------------------------------------------------------------


def test_without_peers_one_line_says_how_to_get_them(tmp_path, capsys):
    found = peers.Peers(str(tmp_path / "no-python"), "torch", "tiktoken")
    assert not found.has("torch") and found.versions == {}
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "torch, tiktoken" in said and "./tutorial bench --peers" in said


def test_peers_are_told_with_their_versions(capsys):
    found = peers.Peers(sys.executable, "pytest", "no-such-package")
    assert found.has("pytest") and not found.has("pytest", "no-such-package")
    assert found.versions == {"pytest": pytest.__version__}
    assert "left out: no-such-package;" in capsys.readouterr().err


def test_peers_live_in_an_environment_of_their_own(monkeypatch):
    monkeypatch.setenv("MLX_TUTORIAL_HOME", "/some/home")
    wanted = "/some/home/cache/peers-venv/bin/python"
    assert peers.peers_python() == wanted


def test_pins_of_the_peers_are_exact_and_those_of_the_course():
    pins, problems = check_pins.requirements(BENCHMARKS / "peers.txt")
    course, _ = check_pins.requirements(BENCHMARKS.parent / "requirements.txt")
    assert problems == []
    versions = {name: version for name, _, version, _ in pins}
    assert {"torch", "llama-cpp-python", "tiktoken"} <= set(versions)
    for name, _, version, _ in course:
        assert versions.get(name, version) == version, name


# --- commands and memory -----------------------------------------------------


def test_commands_are_told_without_paths():
    given = ["--model", "/a/b", "--steps", "5", "--data=/x/y", "z/w"]
    told = ["--model", "MODEL", "--steps", "5", "--data=DATA", "PATH"]
    assert without_paths(given) == told


def test_the_peak_of_a_program_counts_what_it_touched():
    touch = "b = b'x' * {}; len(b)"
    small, _ = resident.peak_of([sys.executable, "-c", touch.format(1)])
    large, _ = resident.peak_of([sys.executable, "-c", touch.format(2**27)])
    assert 0.95 * 2**27 < large - small < 1.3 * 2**27
    assert resident.peak() >= resident.now() > 2**20


@pytest.mark.parametrize("name", ["gpu_train", "gpu_decode", "gpu_parity"])
@pytest.mark.parametrize("says", [None, "NVIDIA-SMI has failed"])
def test_a_benchmark_of_the_gpu_says_in_a_line_that_there_is_none(
    name, says, tmp_path
):
    if says:
        tool = tmp_path / "nvidia-smi"
        tool.write_text(f"#!/bin/sh\necho '{says}'\nexit 9\n")
        tool.chmod(0o755)
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / f"{name}.py")],
        capture_output=True,
        text=True,
        env={"PATH": str(tmp_path)},
    )
    assert done.returncode == 1 and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "no GPU" in done.stderr and "nvidia-smi" in done.stderr
