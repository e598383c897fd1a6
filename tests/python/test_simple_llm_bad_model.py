# SPDX-License-Identifier: MIT
"""Model folders that are missing, damaged or contradict themselves: exit 3 and
one line that names the file."""

import json
import random
import shutil
import struct

import pytest
from program_runs import Home, error_line, refused


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = Home(tmp_path_factory.mktemp("bad-model"))
    home.train("--steps", 5)
    return home


@pytest.fixture
def model(home, tmp_path):
    return shutil.copytree(home.models / "text-1", tmp_path / "model")


def sample(home, model):
    return home.run("sample", "--model", model, "--max-tokens", 3, code=None)


def test_no_model_yet(tmp_path):
    empty = Home(tmp_path)
    for command in ("sample", "eval", "describe"):
        refused(empty.run(command, code=None), 3, "./tutorial start")


def test_missing_folder(home, tmp_path):
    refused(sample(home, tmp_path / "none"), 3, "none", "model")
    refused(sample(home, "no-such-name"), 3, "no-such-name")


@pytest.mark.parametrize(
    "name", ["config.json", "tokenizer.json", "model.safetensors"]
)
def test_missing_file(home, model, name):
    (model / name).unlink()
    refused(sample(home, model), 3, str(model), name)


@pytest.mark.parametrize(
    "name", ["config.json", "tokenizer.json", "model.safetensors"]
)
@pytest.mark.parametrize("keep", [0, 7, 0.5, -1])
def test_truncated_file(home, model, name, keep):
    data = (model / name).read_bytes()
    cut = int(len(data) * keep) if isinstance(keep, float) else keep
    # The last byte of our JSON files is a newline: one more has to go.
    data = data.rstrip(b"\n")[:cut] if keep == -1 else data[:cut]
    (model / name).write_bytes(data)
    refused(sample(home, model), 3, name)


def test_flipped_bits_in_the_header(home, model):
    """Refused, or the same meaning: never other weights without a word."""
    path = model / "model.safetensors"
    good = path.read_bytes()
    length = struct.unpack("<Q", good[:8])[0]
    expected = sample(home, model).stdout
    rng = random.Random(3)
    for _ in range(8):
        damaged = bytearray(good)
        damaged[rng.randrange(8 + length)] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        done = sample(home, model)
        if done.returncode == 0:
            assert done.stdout == expected
        else:
            refused(done, 3, "model.safetensors")


def test_bytes_after_the_weights(home, model):
    with open(model / "model.safetensors", "ab") as file:
        file.write(b"more")
    refused(sample(home, model), 3, "model.safetensors")


def change_config(model, **changes):
    path = model / "config.json"
    config = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps(config))


def test_wrong_shapes_say_expected_and_found(home, model):
    change_config(model, n_embd=32)
    line = refused(sample(home, model), 3, "model.safetensors", "wte.weight")
    vocab = json.loads((model / "config.json").read_text())["vocab_size"]
    squeezed = line.replace(" ", "")
    assert f"{vocab},32" in squeezed and f"{vocab},16" in squeezed


def test_missing_tensors_are_listed(home, model):
    change_config(model, n_layer=2)
    line = refused(sample(home, model), 3, "h.1.attn.c_attn.weight")
    assert line.count("h.1.") <= 10


@pytest.mark.parametrize(
    "changes",
    [
        {"model_type": "mamba"},
        {"n_head": 3},
        {"n_head": 0},
        {"n_embd": "16"},
        {"n_layer": -1},
        {"vocab_size": 1 << 40},
        {"vocab_size": 5},
        {"activation_function": "swish"},
        {"tie_word_embeddings": False},
    ],
    ids=str,
)
def test_config_that_makes_no_sense(home, model, changes):
    change_config(model, **changes)
    refused(sample(home, model), 3, "config.json")


def test_weights_that_are_not_finite(home, model):
    """A NaN in the weights is said, not sampled."""
    path = model / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-4:] = struct.pack("<f", float("nan"))
    path.write_bytes(data)
    done = sample(home, model)
    assert done.returncode in (3, 5)
    error_line(done, done.returncode)
