# SPDX-License-Identifier: MIT
"""Every model_type: what others save we load, and what we save they load.

The folders are those of tests/golden: random weights, as Hugging Face
transformers saved them. Quantized folders are made by mlx-lm and by us.
"""

import json
import os

os.environ["HF_HUB_OFFLINE"] = "1"  # nothing here may come from the network

import mlx.core as mx
import mlx_lm
import numpy as np
import pytest
from model_folders import (
    GOLDEN,
    LOGITS,
    distance,
    mlx_logits,
    our_logits,
    run,
    torch_logits,
    with_tokenizer,
)

NAMES = sorted(p.parent.name for p in GOLDEN.glob("*/model.safetensors"))
# mlx-lm computes these with full attention, whatever config.json says.
NO_WINDOW = {"mistral", "qwen2_window", "qwen3_window"}
# It reads the scaling of positions in its older spelling only, which we save,
# and GPT-2's names without the prefix "transformer.".
ONLY_AS_WE_SAVE = {"llama_linear", "llama_llama3", "llama_yarn", "gemma3"}
ONLY_AS_WE_SAVE |= {"gpt2"}
# It has no other GELU in gpt2 and no biases in qwen3.
NOT_IN_MLX_LM = {"gpt2_erf_no_bias", "qwen3_window"}


def golden(name, tmp_path):
    """(folder with a tokenizer, tokens, logits)"""
    expected = mx.load(str(GOLDEN / name / "expected.safetensors"))
    logits = np.array(expected["logits"])
    folder = with_tokenizer(GOLDEN / name, logits.shape[-1], tmp_path / name)
    return folder, np.array(expected["tokens"]), logits


def config_of(folder):
    return json.loads((folder / "config.json").read_text())


def arrays_of(folder):
    return mx.load(str(folder / "model.safetensors"))


def write_arrays(folder, arrays):
    path = str(folder / "model.safetensors")
    mx.save_safetensors(path, arrays, metadata={"format": "mlx"})


def visible(name, tokens):
    """The tokens for which mlx-lm computes what the config says."""
    return tokens[:, :8] if name in NO_WINDOW else tokens


def mlx_lm_logits(folder, tokens):
    model, _ = mlx_lm.utils.load_model(folder)
    return mlx_logits(model, tokens)


def test_every_family_is_here():
    types = {config_of(GOLDEN / name)["model_type"] for name in NAMES}
    assert types == {"gpt2", "llama", "mistral", "qwen2", "qwen3"} | {
        "gemma3_text"
    }
    assert len(NAMES) == 14


@pytest.mark.parametrize("name", NAMES)
def test_loads_what_transformers_saved(name, tmp_path):
    folder, tokens, logits = golden(name, tmp_path)
    assert distance(our_logits(folder, tokens, tmp_path), logits) < LOGITS
    if name not in ONLY_AS_WE_SAVE | NOT_IN_MLX_LM:
        tokens = visible(name, tokens)
        ours = our_logits(folder, tokens, tmp_path)
        assert distance(ours, mlx_lm_logits(folder, tokens)) < LOGITS


@pytest.mark.parametrize("name", NAMES)
def test_what_we_save_loads_in_transformers(name, tmp_path):
    folder, tokens, logits = golden(name, tmp_path)
    run("folder_tool", folder, tmp_path / "saved")
    assert distance(torch_logits(tmp_path / "saved", tokens), logits) < LOGITS


@pytest.mark.parametrize("name", sorted(set(NAMES) - NOT_IN_MLX_LM))
def test_what_we_save_loads_in_mlx_lm(name, tmp_path):
    folder, tokens, _ = golden(name, tmp_path)
    run("folder_tool", folder, tmp_path / "saved")
    tokens = visible(name, tokens)
    ours = our_logits(folder, tokens, tmp_path)
    theirs = mlx_lm_logits(tmp_path / "saved", tokens)
    cap = config_of(folder).get("final_logit_softcapping")
    if cap is not None:  # mlx-lm leaves it out
        theirs = cap * np.tanh(theirs / cap)
    assert distance(ours, theirs) < LOGITS


def test_gemma3_with_a_vision_part(tmp_path):
    """The names and the config of the larger Gemma 3, which see pictures."""
    folder, tokens, logits = golden("gemma3", tmp_path)
    inner = config_of(folder)
    weights = arrays_of(folder)
    for prefix in ("language_model.", "model.language_model."):
        strip = "model." if prefix.startswith("model.") else ""
        renamed = {
            prefix + k.removeprefix(strip): v for k, v in weights.items()
        }
        renamed["vision_tower.patch.weight"] = mx.zeros((2, 2))
        renamed["multi_modal_projector.norm.weight"] = mx.zeros((2,))
        write_arrays(folder, renamed)
        outer = {"model_type": "gemma3", "text_config": inner}
        (folder / "config.json").write_text(json.dumps(outer))
        assert distance(our_logits(folder, tokens, tmp_path), logits) < LOGITS


@pytest.mark.parametrize("dtype", [mx.float16, mx.bfloat16])
def test_half_precision_is_computed_in_full(dtype, tmp_path):
    folder, tokens, _ = golden("qwen2", tmp_path)
    halves = {k: v.astype(dtype) for k, v in arrays_of(folder).items()}
    full = {k: v.astype(mx.float32) for k, v in halves.items()}
    write_arrays(folder, full)
    expected = our_logits(folder, tokens, tmp_path)
    write_arrays(folder, halves)
    assert (our_logits(folder, tokens, tmp_path) == expected).all()


def quantized_by_mlx_lm(folder, to, group_size, bits, predicate=None):
    model, config = mlx_lm.utils.load_model(folder)
    model, config = mlx_lm.utils.quantize_model(
        model, config, group_size, bits, quant_predicate=predicate
    )
    to.mkdir()
    mlx_lm.utils.save_model(to, model)
    mlx_lm.utils.save_config(config, to / "config.json")
    (to / "tokenizer.json").write_bytes(
        (folder / "tokenizer.json").read_bytes()
    )
    return to


def mixed(path, _):
    """Some layers in other bits, one in full."""
    if "down_proj" in path:
        return {"group_size": 32, "bits": 8}
    return "v_proj" not in path


QUANTIZED = [
    ("llama", 32, 4, None),
    ("llama_tied", 32, 8, None),
    ("qwen2", 32, 4, mixed),
    ("qwen3", 32, 3, None),
    ("mistral", 32, 6, mixed),
    ("gpt2", 32, 4, None),
]


@pytest.mark.parametrize("name, group_size, bits, predicate", QUANTIZED)
def test_quantized_by_mlx_lm(name, group_size, bits, predicate, tmp_path):
    folder, tokens, logits = golden(name, tmp_path)
    if name == "gpt2":  # mlx-lm reads it as we save it
        run("folder_tool", folder, tmp_path / "renamed")
        folder = tmp_path / "renamed"
    tokens = visible(name, tokens)
    packed = quantized_by_mlx_lm(
        folder, tmp_path / "packed", group_size, bits, predicate
    )
    theirs = mlx_lm_logits(packed, tokens)
    assert distance(our_logits(packed, tokens, tmp_path), theirs) < LOGITS
    assert distance(theirs, logits[:, : tokens.shape[1]]) > 1e-3

    # Loaded and saved again it is the same file, layer by layer.
    run("folder_tool", packed, tmp_path / "again")
    before, after = arrays_of(packed), arrays_of(tmp_path / "again")
    assert before.keys() == after.keys()
    assert all(mx.array_equal(before[k], after[k]).item() for k in before)
    assert distance(mlx_lm_logits(tmp_path / "again", tokens), theirs) == 0


@pytest.mark.parametrize(
    "name", ["llama", "qwen2", "qwen3", "gpt2", "llama_bias"]
)
@pytest.mark.parametrize("bits", [4, 8])
def test_quantized_by_us(name, bits, tmp_path):
    folder, tokens, _ = golden(name, tmp_path)
    packed = tmp_path / "packed"
    left = run("folder_tool", folder, packed, bits, 32, "v_proj").stdout.split()
    ours = our_logits(packed, tokens, tmp_path)
    assert distance(ours, mlx_lm_logits(packed, tokens)) < LOGITS
    config = config_of(packed)
    weights = arrays_of(packed)
    assert not any(".v_proj.scales" in k for k in weights)
    widths = {k: v.shape[-1] for k, v in arrays_of(folder).items()}
    assert all(widths[f"{path}.weight"] % 32 for path in left)
    assert any(k.endswith(".scales") for k in weights)
    assert config["quantization"]["bits"] == bits
    assert config["quantization"]["group_size"] == 32
    assert bool(left) == (name != "gpt2")  # rows of 48 values
    if name in ("llama", "qwen2"):  # and what mlx-lm would have made of it
        theirs = quantized_by_mlx_lm(
            folder,
            tmp_path / "theirs",
            32,
            bits,
            lambda path, _: "v_proj" not in path,
        )
        expected = arrays_of(theirs)
        assert expected.keys() == weights.keys()
        for key, value in expected.items():
            assert mx.array_equal(value, weights[key]).item(), key


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"quant_method": "gptq", "bits": 4}, "gptq"),
        ({"group_size": 32, "bits": 4, "mode": "mxfp4"}, "mxfp4"),
    ],
)
def test_other_layouts_are_named(settings, words, tmp_path):
    folder, tokens, _ = golden("llama", tmp_path)
    config = config_of(folder) | {"quantization_config": settings}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(AssertionError, match=words):
        our_logits(folder, tokens, tmp_path)


def test_scales_that_fit_no_group_are_refused(tmp_path):
    folder, tokens, _ = golden("llama", tmp_path)
    packed = quantized_by_mlx_lm(folder, tmp_path / "packed", 32, 4)
    weights = dict(arrays_of(packed))
    key = "model.layers.1.mlp.up_proj.scales"
    weights[key] = mx.zeros((weights[key].shape[0], 3))
    write_arrays(packed, weights)
    with pytest.raises(AssertionError, match="model.layers.1.mlp.up_proj"):
        our_logits(packed, tokens, tmp_path)
