# SPDX-License-Identifier: MIT
"""Runs that are stopped, killed or starved end as if nothing had happened.

Every test compares with one uninterrupted run: the loss of each step and the
bytes of the weights and moments.
"""

import json
import math
import os
import random
import resource
import shutil
import signal
import subprocess
import time

import pytest
from program_runs import (
    Home,
    contents,
    error_line,
    last_json,
    metrics,
    sha256,
    steps_done,
    wait_for,
)

STEPS = 200
# Dropout and two batches in an update: their keys and positions must go on too.
RUN = ["--steps", STEPS, "--checkpoint-every", 50, "--eval-every", 60]
RUN += ["--sample-every", 0, "--dropout", 0.1, "--accumulate", 2, "--seed", 11]
OFTEN = ["--steps", 60, "--checkpoint-every", 5, "--eval-every", 20]
OFTEN += ["--sample-every", 0, "--dropout", 0.1, "--seed", 12]
KILLS = 25


def outcome(folder):
    """What must not depend on interruptions."""
    steps = metrics(folder)[1]
    newest = sorted((folder / "checkpoints").iterdir())[-1]
    files = [folder / "model.safetensors"]
    files += [
        newest / n for n in ("model.safetensors", "optimizer.safetensors")
    ]
    return {
        "steps": [s["step"] for s in steps],
        "losses": [s["loss"] for s in steps],
        "val": [s.get("val_loss_sampled") for s in steps],
        "checkpoint": newest.name,
        "sha256": [sha256(f) for f in files],
    }


def assert_clean(folder):
    names = list(contents(folder)) + [p.name for p in folder.rglob("*")]
    assert not [n for n in names if ".lock" in n or ".tmp-" in n]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return Home(tmp_path_factory.mktemp("resume"))


@pytest.fixture(scope="module")
def whole(home):
    """threads -> outcome of the uninterrupted run, made when asked for."""
    known = {}

    def get(threads, recipe=RUN):
        key = (threads, recipe[1])
        if key not in known:
            out = home.folder / f"whole-{key[0]}-{key[1]}"
            args = ["--threads", threads, "--out", out, "--json"]
            said = last_json(home.train(*recipe, *args))
            known[key] = {**outcome(out), "last": said["train_loss"]}
            steps = int(recipe[1])
            assert known[key]["steps"] == list(range(1, steps + 1))
        return known[key]

    return get


def kill_at(home, folder, step, args, wait=0.0, before=math.inf):
    """Starts a run and kills it when `step` is done; again if it was quicker
    or has got to `before`. Returns the steps it has done."""
    for _ in range(10):
        shutil.rmtree(folder, ignore_errors=True)
        run = home.start(*args, "--out", folder)
        wait_for(lambda: steps_done(folder) >= step, run)
        time.sleep(wait)
        run.kill()
        run.communicate()
        done = steps_done(folder)
        if run.returncode == -signal.SIGKILL and done < before:
            return done
    pytest.fail("the run was always over before it could be killed")


@pytest.mark.parametrize("threads", [1, 2])
def test_killed_and_resumed_is_the_same_run(home, whole, tmp_path, threads):
    out = tmp_path / "m"
    args = [*RUN, "--threads", threads]
    # The checkpoint of a step is written before the next step's line.
    assert 100 < kill_at(home, out, STEPS // 2 + 1, args, before=STEPS)
    done = home.train(*args, "--out", out, "--resume", "--json")
    assert "resuming at step 1" in done.stderr  # 100 or 150
    expected = dict(whole(threads))
    assert last_json(done)["train_loss"] == expected.pop("last")
    assert outcome(out) == expected
    assert_clean(out)


def test_random_kill_points(home, whole, tmp_path):
    """At most one checkpoint interval is lost, whenever the kill comes."""
    expected = dict(whole(1, OFTEN))
    expected.pop("last")
    rng = random.Random(os.environ.get("LLM_SEED", "kill"))
    args = [*OFTEN, "--threads", 1]
    for point in range(KILLS):
        out = tmp_path / str(point)
        wait = rng.choice([0, rng.random() * 0.01])
        reached = kill_at(home, out, rng.randint(0, 55), args, wait)
        done = home.train(*args, "--out", out, "--resume")
        least = max(0, (reached - 1) // 5 * 5)
        if least > 0:
            said = [
                t for t in done.stderr.splitlines() if "resuming at step" in t
            ]
            assert int(said[0].split()[-1]) >= least, (reached, said)
        assert outcome(out) == expected, reached
        assert_clean(out)
        shutil.rmtree(out)


def test_many_kills_in_one_run(home, whole, tmp_path):
    expected = dict(whole(1, OFTEN))
    expected.pop("last")
    args = [*OFTEN, "--threads", 1, "--out", tmp_path / "m"]
    kill_at(home, tmp_path / "m", 10, args[:-2])
    for step in (25, 40):
        run = home.start(*args, "--resume")
        wait_for(lambda: steps_done(tmp_path / "m") >= step, run)
        run.kill()
        run.communicate()
    # What a kill in the middle of a save leaves behind.
    for folder in (tmp_path / "m", tmp_path / "m/checkpoints"):
        (folder / ".tmp-99-0").mkdir()
        (folder / ".tmp-99-0/manifest.json").write_text("{")
    home.train(*args, "--resume")
    assert_clean(tmp_path / "m")
    assert outcome(tmp_path / "m") == expected


def test_damaged_checkpoint_falls_back(home, whole, tmp_path):
    out, args = tmp_path / "m", [*RUN, "--threads", 1]
    kill_at(home, out, 130, args)
    newest = sorted((out / "checkpoints").iterdir())[-1]
    file = newest / "optimizer.safetensors"
    damaged = bytearray(file.read_bytes())
    damaged[-1] ^= 1
    file.write_bytes(damaged)
    done = home.train(*args, "--out", out, "--resume")
    assert newest.name in done.stderr and "optimizer.safetensors" in done.stderr
    expected = dict(whole(1))
    expected.pop("last")
    assert outcome(out) == expected


@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM], ids=lambda s: s.name
)
def test_a_signal_saves_and_can_be_resumed(home, whole, tmp_path, number):
    out, args = tmp_path / "m", [*RUN, "--threads", 1, "--json"]
    for _ in range(10):
        shutil.rmtree(out, ignore_errors=True)
        run = home.start(*args, "--out", out)
        wait_for(lambda: steps_done(out) >= 20, run)
        run.send_signal(number)
        stdout, stderr = run.communicate(timeout=120)
        assert run.returncode == 0, stderr
        said = json.loads(stdout.splitlines()[-1])
        if said["steps"] < STEPS:
            break
    assert 20 <= said["steps"] < STEPS and said["stopped"] == "interrupted"
    assert said["steps"] == steps_done(out)
    assert (out / f"checkpoints/step-{said['steps']:08d}").is_dir()
    assert_clean(out)
    assert home.run("sample", "--model", out, "--max-tokens", 5).stdout
    done = home.train(*args, "--out", out, "--resume")
    assert f"resuming at step {said['steps']}" in done.stderr
    expected = dict(whole(1))
    assert last_json(done)["train_loss"] == expected.pop("last")
    assert outcome(out) == expected


def test_a_second_signal_stops_at_once(home, tmp_path):
    # 20,000 batches in a step: it takes a minute or so.
    out = tmp_path / "m"
    run = home.start("--steps", 5, "--accumulate", 20000, "--out", out)
    try:
        assert wait_for(lambda: metrics(out)[0], run)
        time.sleep(0.5)
        run.send_signal(signal.SIGINT)
        time.sleep(0.5)
        assert run.poll() is None  # finishing its step
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=10)
    finally:
        run.kill()
        run.communicate()
    assert run.returncode == 128 + signal.SIGINT


def test_a_signal_in_the_final_evaluation_claims_nothing(home, tmp_path):
    """A loss over part of the split is not the loss over the split."""
    text = tmp_path / "long.txt"
    text.write_text(home.text.read_text() * 60)
    big = ["--layers", 4, "--width", 64, "--data", text, "--eval-batches", 1]
    run = home.start(*big, "--steps", 1, "--out", tmp_path / "m", "--json")
    for line in run.stderr:
        if line.startswith("evaluating on all"):
            break
    time.sleep(0.2)
    if run.poll() is not None:
        pytest.fail("the evaluation was over before the signal")
    run.send_signal(signal.SIGINT)
    stdout, stderr = run.communicate(timeout=60)
    assert run.returncode == 0, stderr
    said = json.loads(stdout.splitlines()[-1])
    whole = last_json(
        home.run("eval", "--model", tmp_path / "m", "--data", text, "--json")
    )
    for ours, true in (
        ("val_loss_full", "nats_per_char"),
        ("val_loss_sliding", "nats_per_char_sliding"),
    ):
        assert said[ours] is None or said[ours] == pytest.approx(
            whole[true], rel=1e-6
        )


def test_a_changed_setting_is_refused_with_the_difference(home, tmp_path):
    out, args = tmp_path / "m", [*OFTEN, "--threads", 1]
    kill_at(home, out, 20, args)
    before = contents(out)
    changed = {"lr": ["--lr", 0.005], "n_embd": ["--width", 32, "--heads", 4]}
    changed["seed"] = ["--seed", 13]
    for key, more in changed.items():
        args_now = list(args)
        for option in more[::2]:
            if option in args_now:
                i = args_now.index(option)
                del args_now[i : i + 2]
        done = home.train(*args_now, *more, "--out", out, "--resume", code=None)
        line = error_line(done, 3)
        assert key in line and "was" in line and str(more[1]) in line
    other = tmp_path / "other.txt"
    other.write_text(home.text.read_text() + "An owl saw the moon.\n")
    done = home.train(
        *args, "--data", other, "--out", out, "--resume", code=None
    )
    assert "sha256" in error_line(done, 3)
    after = contents(out)
    after.pop(".lock", None)
    before.pop(".lock", None)

    def kept(files):
        return {k: v for k, v in files.items() if not k.startswith("metrics")}

    assert kept(after) == kept(before)
    forced = home.train(
        *args, "--lr", 0.005, "--out", out, "--resume", "--force"
    )
    assert "resuming at step" in forced.stderr


def limited(size):
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def file_sizes(checkpoint):
    """Of the weights and of the moments, in bytes."""
    names = ("model.safetensors", "optimizer.safetensors")
    return tuple((checkpoint / n).stat().st_size for n in names)


def test_no_room_loses_nothing(home, whole, tmp_path):
    """Files may not grow beyond a limit: metrics, weights or moments fail."""
    out, args = tmp_path / "m", [*OFTEN, "--threads", 1]
    # Not in the last step: after it no checkpoint is left to be saved.
    kill_at(home, out, 20, args, before=60)
    # Only complete checkpoints: the kill may have come in the middle of a save.
    # The sizes depend on names and shapes alone, so the next has the same.
    saves = (out / "checkpoints").glob("step-*")
    (weights, moments), *others = [file_sizes(s) for s in saves]
    assert 2000 < weights < moments
    assert all(o == (weights, moments) for o in others)
    for limit in (100, 2000, weights - 1, moments - 1):
        saved = contents(out / "checkpoints")
        done = home.train(
            *args,
            "--out",
            out,
            "--resume",
            code=None,
            preexec_fn=limited(limit),
        )
        assert str(out) in error_line(done, 4)
        # The moments never fit, so there is no new checkpoint, and no old one
        # was removed for it.
        assert contents(out / "checkpoints") == saved
    home.train(*args, "--out", out, "--resume")
    expected = dict(whole(1, OFTEN))
    expected.pop("last")
    assert outcome(out) == expected
    assert_clean(out)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 128 kB, where the system lets us mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount).returncode != 0:
        pytest.skip("mounting a small tmpfs needs root; the limit test runs")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_full_disk(home, whole, small_disk):
    out, args = small_disk / "m", [*OFTEN, "--threads", 1]
    done = home.train(*args, "--out", out, code=None)
    line = error_line(done, 4)
    assert "No space left" in line and str(out) in line
    assert_clean(out)
    mount = ["mount", "-o", "remount,size=16m", str(small_disk)]
    subprocess.run(mount, check=True)
    home.train(*args, "--out", out, "--resume")
    expected = dict(whole(1, OFTEN))
    expected.pop("last")
    assert outcome(out) == expected
