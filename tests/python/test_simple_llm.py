# SPDX-License-Identifier: MIT
"""simple_llm from outside: what scripts may rely on."""

import math
import os
import re
import subprocess
import sys

import pytest
from program_runs import Home, contents, last_json, metrics, sha256, wait_for

TRAIN_KEYS = "steps train_loss val_loss_sampled val_loss_full val_loss_sliding"
TRAIN_KEYS += " tokens_per_s seconds peak_bytes out"
OPTIONS = {
    "train": "--data --out --seed --steps --preset --resume --checkpoint-every"
    " --eval-every --json --device --threads",
    "sample": "--model --seed --prompt --max-tokens --temperature --top-k --top-p"
    " --min-p --json --device --threads",
    "eval": "--model --data --split --json --device --threads",
    "ngram": "--data --json",
}
RUN = ["--steps", 20, "--eval-every", 10, "--sample-every", 10, "--json"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return Home(tmp_path_factory.mktemp("contract"))


@pytest.fixture(scope="module")
def first(home):
    return home.train(*RUN, "--seed", 1)


@pytest.fixture(scope="module")
def second(home, first):
    return home.train(*RUN, "--seed", 2)


@pytest.mark.parametrize("command", OPTIONS)
def test_options(home, command):
    done = home.run(command, "--help")
    named = set(re.findall(r"--[a-z][a-z0-9-]*", done.stdout))
    assert set(OPTIONS[command].split()) <= named
    assert done.stderr == ""


def test_help_has_examples(home):
    assert "simple_llm train --" in home.run("train", "--help").stdout
    commands = home.run("--help").stdout
    assert all(
        c in commands for c in ("train", "sample", "eval", "ngram", "describe")
    )


def test_train_json(home, first):
    said = last_json(first)
    assert set(TRAIN_KEYS.split()) <= set(said)
    assert said["steps"] == 20 and said["out"] == str(home.models / "text-1")
    uniform = math.log(len(set(home.text.read_text())))
    for key in (
        "train_loss",
        "val_loss_sampled",
        "val_loss_full",
        "val_loss_sliding",
    ):
        assert 0.1 < said[key] < uniform + 0.5, key
    # More context cannot make text of this kind much harder.
    assert said["val_loss_sliding"] < said["val_loss_full"] + 0.05
    assert said["tokens_per_s"] > 0 and said["seconds"] > 0
    assert 1e6 < said["peak_bytes"] < 1e11


def test_streams_are_apart(first):
    """Progress is on standard error; neither has codes for a terminal."""
    assert "\x1b" not in first.stdout + first.stderr
    assert "\r" not in first.stdout + first.stderr
    for progress in ("train ", "step/s", "writes:", "training "):
        assert progress not in first.stdout
    assert "20/20" in first.stderr and "writes:" in first.stderr
    assert first.stdout.count("{") == 1  # the JSON object, at the end


def test_numbered_folders_and_latest(home, second):
    assert last_json(second)["out"] == str(home.models / "text-2")
    assert os.readlink(home.models / "latest") == "text-2"
    assert sha256(home.models / "text-1/model.safetensors") != sha256(
        home.models / "text-2/model.safetensors"
    )
    names = set(contents(home.models / "text-2"))
    assert {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "README.md",
    } <= names
    assert not [n for n in names if ".lock" in n or ".tmp-" in n]


def test_a_folder_elsewhere_is_not_latest(home, second, tmp_path):
    home.train("--steps", 2, "--out", tmp_path / "elsewhere")
    assert os.readlink(home.models / "latest") == "text-2"


@pytest.mark.parametrize("how", ["mine/", "./mine", "mine"])
def test_latest_however_the_folder_is_written(home, second, how, tmp_path):
    """A shell completes names with a slash at the end."""
    other = Home(tmp_path)
    other.models.mkdir(parents=True)
    other.train("--steps", 2, "--out", how, cwd=other.models)
    assert os.readlink(other.models / "latest") == "mine"
    assert metrics(other.models / "mine")[0]["run"] == "mine"


def test_folder_of_texts_gives_the_name(home, tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/a.txt").write_text(home.text.read_text())
    other = Home(tmp_path)
    for _ in range(2):
        other.train("--steps", 2, "--data", f"{tmp_path}/notes/")
    assert set(os.listdir(other.models)) == {"latest", "notes-1", "notes-2"}


def test_resuming_a_finished_run_changes_nothing(home, tmp_path):
    args = ["--steps", 4, "--out", tmp_path / "m", "--json"]
    first = last_json(home.train(*args))
    before = contents(tmp_path / "m")
    again = last_json(home.train(*args, "--resume"))
    assert contents(tmp_path / "m") == before
    assert (
        again["steps"] == 4 and again["val_loss_full"] == first["val_loss_full"]
    )


def test_readme_of_the_model(home, second):
    text = (home.models / "text-2/README.md").read_text()
    for said in ("Seed: 2", "Steps: 20", "loss", "icence", "text"):
        assert said in text


def test_metrics(home, first):
    head, steps = metrics(home.models / "text-1")
    assert {"run", "config", "ladder", "entropy_floor"} <= set(head)
    assert head["run"] == "text-1" and head["entropy_floor"] is None
    rungs = {
        (r["model"], r["n"]): r["val_nats_per_char"] for r in head["ladder"]
    }
    assert 0 < rungs["witten-bell", 5] < rungs["add-k", 1] < rungs["uniform", 0]
    assert [s["step"] for s in steps] == list(range(1, 21))
    for s in steps:
        assert s["tokens"] == s["step"] * 2 * 16
        for key in ("loss", "lr", "grad_norm", "tokens_per_s", "seconds"):
            assert math.isfinite(s[key]) and s[key] >= 0
    assert [
        s["step"] for s in steps if any(k.startswith("val_") for k in s)
    ] == [
        10,
        20,
    ]
    assert [s["step"] for s in steps if "sample" in s] == [10, 20]
    assert steps[-1]["loss"] == last_json(first)["train_loss"]


def test_eval_every_0_is_only_at_the_end(home, tmp_path):
    done = home.train(
        "--steps", 7, "--eval-every", 0, "--out", tmp_path / "m", "--json"
    )
    _, steps = metrics(tmp_path / "m")
    assert [s["step"] for s in steps if "val_loss_sampled" in s] == [7]
    assert last_json(done)["val_loss_full"] > 0


def test_tiny_tales_has_a_floor(home, tmp_path):
    """Counting stays above what no model can pass."""
    run = home.start(
        "--data", "tiny-tales", "--steps", 100000, "--out", tmp_path / "m"
    )
    try:
        assert wait_for(lambda: metrics(tmp_path / "m")[0], run)
    finally:
        run.kill()
        run.communicate()
    head, _ = metrics(tmp_path / "m")
    floor = head["entropy_floor"]
    assert 0 < floor["source"] <= floor["sliding"] <= floor["fixed_windows"]
    rungs = {
        (r["model"], r["n"]): r["val_nats_per_char"] for r in head["ladder"]
    }
    assert rungs["witten-bell", 5] > floor["source"] + 0.2


def test_existing_model_is_not_overwritten(home, second):
    before = contents(home.models / "text-2")
    done = home.train("--steps", 2, "--out", home.models / "text-2", code=2)
    assert "--resume" in done.stderr and "--out" in done.stderr
    assert contents(home.models / "text-2") == before


def test_resume_without_checkpoint(home, tmp_path):
    done = home.train(
        "--steps", 3, "--out", tmp_path / "new", "--resume", "--json"
    )
    assert "step 0" in done.stderr and "no checkpoint" in done.stderr
    assert last_json(done)["steps"] == 3


# 8 windows of 32 at width 64: matrices that OpenBLAS shares among threads.
WIDE = [
    "--width",
    64,
    "--block",
    32,
    "--batch",
    8,
    "--steps",
    12,
    "--dropout",
    0.1,
]
WIDE += ["--eval-batches", 2]


@pytest.mark.parametrize("threads", [1, 2])
def test_one_seed_gives_the_same_bits(home, tmp_path, threads):
    def once(name, seed):
        out = tmp_path / name
        args = ["--out", out, "--seed", seed, "--threads", threads, "--json"]
        loss = last_json(home.train(*WIDE, *args))["train_loss"]
        losses = [s["loss"] for s in metrics(out)[1]]
        return sha256(out / "model.safetensors"), loss, losses

    first = once("a", 4)
    assert once("b", 4) == first
    if threads == 1:
        assert once("c", 5)[0] != first[0]


def test_other_mlx_is_refused(home, tmp_path):
    """A library that says it is another MLX than the headers."""
    if sys.platform != "linux":
        pytest.skip("LD_PRELOAD is Linux's")
    source, library = tmp_path / "stub.cpp", tmp_path / "libstub.so"
    source.write_text(
        'namespace mlx::core { const char* version() { return "9.9.9"; } }\n'
    )
    subprocess.run(
        ["g++", "-shared", "-fPIC", "-o", str(library), str(source)], check=True
    )
    env = {**home.env, "LD_PRELOAD": str(library)}
    done = home.run("ngram", "--data", home.text, env=env, code=3)
    from importlib.metadata import version

    assert f"built for {version('mlx')}, found 9.9.9" in done.stderr
    assert len(done.stderr.splitlines()) == 1 and done.stdout == ""
