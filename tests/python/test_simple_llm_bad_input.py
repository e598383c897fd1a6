# SPDX-License-Identifier: MIT
"""Bad input: one line that says what, where and how to fix it, the documented
exit code (2 usage, 3 input, 4 files, 5 numbers), and nothing lost."""

import os

import pytest
from program_runs import (
    Home,
    contents,
    error_line,
    metrics,
    refused,
    small_text,
    steps_done,
    wait_for,
)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = Home(tmp_path_factory.mktemp("bad"))
    home.train("--steps", 5)
    return home


# --- texts ---------------------------------------------------------------------

TEXTS = {
    "empty": (b"", ["empty"]),
    "one-character": (b"a", ["1"]),
    "short": (b"too short to train on", ["21", "100"]),
    "short-split": (b"enough to train but " * 7, ["validation", "14", "16"]),
    "bad-byte": (b"one\ntwo \xff three\n" * 99, [":2:5"]),
    "cut": ("caf\u00e9".encode()[:-1], [":1:4"]),
    "surrogate": (b"ok\n\xed\xa0\x80\n" * 99, [":2:1"]),
    "after-wide": (
        "d\u00e9j\u00e0 ".encode() + b"\x80" + b" vu" * 99,
        [":1:6"],
    ),
    "utf16": ("some text".encode("utf-16") * 99, [":1:1"]),
}


@pytest.mark.parametrize("name", TEXTS)
def test_bad_corpus(home, tmp_path, name):
    data, words = TEXTS[name]
    path = tmp_path / f"{name}.txt"
    path.write_bytes(data)
    models = sorted(os.listdir(home.models))
    line = refused(home.train("--data", path, code=None), 3, *words)
    if name != "short-split":  # that is about tokens, not about a file
        assert f"{name}.txt" in line
    assert sorted(os.listdir(home.models)) == models
    if words[0].startswith(":"):
        refused(home.run("ngram", "--data", path, code=None), 3, *words)


def test_bad_file_in_a_folder_is_named(home, tmp_path):
    (tmp_path / "a.txt").write_text(small_text())
    (tmp_path / "b.txt").write_bytes(b"fine\nnot \xc0\xaf\n")
    done = home.train("--data", tmp_path, code=None)
    refused(done, 3, "b.txt:2:5")


def test_unknown_corpus(home):
    done = home.train("--data", "no-such-corpus", code=None)
    refused(done, 2, "no-such-corpus", "tiny-tales", "tiny-shakespeare")


def test_folder_without_texts(home, tmp_path):
    refused(home.train("--data", tmp_path, code=None), 3, str(tmp_path))


# --- options -------------------------------------------------------------------

TRAIN_OPTIONS = [
    (["--preset", "huge"], ["huge", "tiny", "nano", "shakespeare"]),
    (["--optimizer", "adamx"], ["adamx", "adamw", "muon"]),
    (["--schedule", "step"], ["step", "cosine", "wsd"]),
    (["--activation", "tanh"], ["tanh", "gelu", "silu"]),
    (["--architecture", "rnn"], ["rnn", "gpt2", "llama"]),
    (["--tokenizer", "words"], ["words", "char", "bpe"]),
    (["--device", "tpu"], ["tpu", "cpu", "gpu"]),
    (["--stepz", "3"], ["--stepz", "--help"]),
    (["--steps"], ["--steps"]),
    (["--steps", "many"], ["--steps", "many"]),
    (["--steps", "0"], ["--steps", "0"]),
    (["--steps", "-5"], ["--steps", "-5"]),
    (["--steps", "99999999999"], ["--steps", "99999999999"]),
    (["--batch", "0"], ["--batch"]),
    (["--block", "0"], ["--block"]),
    (["--accumulate", "0"], ["--accumulate"]),
    (["--eval-every", "-1"], ["--eval-every"]),
    (["--checkpoint-every", "-1"], ["--checkpoint-every"]),
    (["--heads", "3"], ["heads", "3", "16"]),
    (["--heads", "0"], ["heads", "0"]),
    (["--layers", "0"], ["layers", "0"]),
    (["--width", "-16"], ["width", "-16"]),
    (["--architecture", "llama", "--kv-heads", "3"], ["3", "2"]),
    (["--dropout", "1.5"], ["dropout", "1.5"]),
    (["--dropout", "nan"], ["dropout", "nan"]),
    (["--lr", "nan"], ["lr", "nan"]),
    (["--lr", "-1"], ["lr", "-1"]),
    (["--warmup", "-1"], ["warmup", "-1"]),
    (["--weight-decay", "nan"], ["weight"]),
    (["--beta1", "1.5"], ["beta1", "1.5"]),
    (["--clip", "nan"], ["--clip"]),
    (["--threads", "-1"], ["threads", "-1"]),
    (["--seed", "-1"], ["--seed", "-1"]),
    (["--seed", "18446744073709551616"], ["--seed"]),
    (["--seed", "1.5"], ["--seed"]),
]


@pytest.mark.parametrize(
    "args, words", TRAIN_OPTIONS, ids=lambda v: " ".join(v)
)
def test_bad_training_option(home, args, words):
    models = sorted(os.listdir(home.models))
    few = [] if "--steps" in args else ["--steps", 1]
    refused(home.train(*few, *args, code=None), 2, *words)
    assert sorted(os.listdir(home.models)) == models


def test_model_beyond_any_memory(home):
    """Refused before it is allocated, not ended by the system."""
    shape = ["--width", 1 << 20, "--heads", 1, "--layers", 2]
    done = home.train(*shape, "--steps", 1, code=None)
    assert done.returncode in (2, 3, 4), (done.returncode, done.stderr)
    error_line(done, done.returncode)


def test_no_gpu_here(home):
    done = home.train("--device", "gpu", "--steps", 1, code=None)
    if done.returncode == 0:
        pytest.skip("this MLX has a GPU")
    refused(done, 3, "GPU", "--device")


SAMPLE_OPTIONS = [
    ["--temperature", "nan"],
    ["--temperature", "-1"],
    ["--temperature", "inf"],
    ["--top-p", "2"],
    ["--top-p", "nan"],
    ["--top-p", "-0.1"],
    ["--top-k", "-1"],
    ["--min-p", "1.5"],
    ["--typical-p", "nan"],
    ["--repetition-penalty", "0"],
    ["--max-tokens", "-1"],
    ["--max-tokens", "1e3"],
]


@pytest.mark.parametrize("args", SAMPLE_OPTIONS, ids=lambda v: " ".join(v))
def test_bad_sampling_option(home, args):
    done = home.run("sample", "--prompt", "A", *args, code=None)
    line = refused(done, 2).replace("_", "-")
    assert args[0].lstrip("-") in line


@pytest.mark.parametrize(
    "args",
    [
        [],
        ["paint"],
        ["eval", "--split", "test"],
        ["eval", "--temperature", "1"],
    ],
)
def test_bad_command(home, args):
    refused(home.run(*args, code=None), 2)


def test_unknown_characters_in_the_prompt_are_named(home):
    done = home.run("sample", "--prompt", "A \u03a9 and \u4e2d", code=None)
    line = refused(done, 3)
    for character, number in (("\u03a9", "U+03A9"), ("\u4e2d", "U+4E2D")):
        assert character in line or number in line


def test_unknown_characters_in_a_text_to_evaluate(home, tmp_path):
    (tmp_path / "other.txt").write_text("\u03a9 is new. " * 30)
    done = home.run("eval", "--data", tmp_path / "other.txt", code=None)
    refused(done, 3, "U+03A9")


def test_prompt_that_is_not_utf8(home):
    done = home.run("sample", "--prompt", os.fsdecode(b"A \xff"), code=None)
    refused(done, 3, "UTF-8")


# --- files and folders -----------------------------------------------------------


def test_file_in_place_of_the_folder(home, tmp_path):
    (tmp_path / "file").write_text("keep me")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        done = home.train("--steps", 2, "--out", out, code=None)
        refused(done, 4, str(tmp_path / "file"))
    assert (tmp_path / "file").read_text() == "keep me"


def test_folder_that_is_not_writable(home, tmp_path):
    if os.geteuid() == 0:
        if not os.path.isdir("/proc/self"):
            pytest.skip("root may write everywhere, and there is no /proc")
        out = "/proc/self/model"  # not even root can make files here
    else:
        (tmp_path / "closed").mkdir(mode=0o500)
        out = tmp_path / "closed" / "model"
    refused(home.train("--steps", 2, "--out", out, code=None), 4, str(out))


def test_output_that_cannot_be_written(home):
    if not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full on this system")
    with open("/dev/full", "w") as full:
        done = home.run(
            "ngram", "--data", home.text, "--json", stdout=full, code=None
        )
    assert "output" in error_line(done, 4)


def test_two_trainers_in_one_folder(home, tmp_path):
    out = tmp_path / "m"
    first = home.start("--steps", 1000000, "--sample-every", 0, "--out", out)
    try:
        assert wait_for(lambda: steps_done(out) >= 2, first)
        before = steps_done(out)
        for more in ([], ["--resume"]):
            done = home.train(
                "--steps", 1000000, "--out", out, *more, code=None
            )
            refused(done, 3, str(first.pid), str(out))
        assert wait_for(lambda: steps_done(out) > before, first)  # undisturbed
    finally:
        first.kill()
        first.communicate()
    # A dead owner's lock is taken over.
    done = home.train("--steps", 3, "--out", out, "--resume", code=None)
    assert "process" not in done.stderr


# --- numbers -----------------------------------------------------------------------


def test_infinite_loss_stops_and_keeps_the_checkpoint(home, tmp_path):
    out = tmp_path / "m"
    args = [
        "--optimizer",
        "sgd",
        "--lr",
        "1e30",
        "--min-lr",
        "1e30",
        "--warmup",
        0,
    ]
    args += ["--schedule", "constant", "--steps", 50, "--checkpoint-every", 1]
    done = home.train(*args, "--sample-every", 0, "--out", out, code=None)
    line = error_line(done, 5)
    last = steps_done(out)
    assert 1 <= last < 50
    assert f"step {last + 1}" in line and "--lr" in line
    assert "gradient of" in line or "loss" in line
    assert (out / f"checkpoints/step-{last:08d}/manifest.json").is_file()
    assert all(abs(s["loss"]) < 1e38 for s in metrics(out)[1])
    # Going on from there comes to the same end, and still loses nothing.
    saved = contents(out / "checkpoints")
    again = home.train(
        *args, "--sample-every", 0, "--out", out, "--resume", code=None
    )
    assert f"resuming at step {last}" in again.stderr
    assert (
        error_line(again, 5) == line and contents(out / "checkpoints") == saved
    )
