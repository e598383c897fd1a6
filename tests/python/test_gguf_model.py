# SPDX-License-Identifier: MIT
"""A model as GGUF gives the logits of the same model as a folder. The files are
written here as llama.cpp's converter does it: tensor names from the gguf
package, rows of q and k sorted for its rotary pairs, Gemma's norms plus 1,
GPT-2's matrices turned."""

import json
import pathlib
import subprocess

import mlx.core as mx
import numpy as np
import pytest
from program_runs import tool
from safetensors.numpy import load_file

gguf = pytest.importorskip("gguf")

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden"
ARCH = {
    "gpt2": gguf.MODEL_ARCH.GPT2,
    "llama": gguf.MODEL_ARCH.LLAMA,
    "mistral": gguf.MODEL_ARCH.LLAMA,
    "qwen2": gguf.MODEL_ARCH.QWEN2,
    "qwen3": gguf.MODEL_ARCH.QWEN3,
    "gemma3_text": gguf.MODEL_ARCH.GEMMA3,
}
TURNED = (".c_attn.weight", ".c_proj.weight", ".c_fc.weight")


def permuted(w, heads):
    """LlamaModel.permute of convert_hf_to_gguf.py."""
    split = w.reshape(heads, 2, w.shape[0] // heads // 2, *w.shape[1:])
    return split.swapaxes(1, 2).reshape(w.shape)


def as_converted(name, w, config):
    kind = config["model_type"]
    if kind in ("llama", "mistral"):
        if ".q_proj." in name:
            return permuted(w, config["num_attention_heads"])
        if ".k_proj." in name:
            return permuted(w, config["num_key_value_heads"])
    if kind == "gemma3_text" and name.endswith("norm.weight"):
        return w + 1
    if kind == "gpt2" and name.endswith(TURNED):
        return np.ascontiguousarray(w.T)
    return w


def add_shape(out, c):
    out.add_context_length(c.get("max_position_embeddings") or c["n_positions"])
    out.add_embedding_length(c.get("hidden_size") or c["n_embd"])
    out.add_block_count(c.get("num_hidden_layers") or c["n_layer"])
    out.add_head_count(c.get("num_attention_heads") or c["n_head"])
    if c["model_type"] == "gpt2":
        out.add_feed_forward_length(4 * c["n_embd"])
        out.add_layer_norm_eps(c["layer_norm_epsilon"])
        return
    out.add_feed_forward_length(c["intermediate_size"])
    out.add_head_count_kv(c["num_key_value_heads"])
    out.add_layer_norm_rms_eps(c["rms_norm_eps"])
    if "head_dim" in c:
        out.add_key_length(c["head_dim"])


def add_positions(out, c):
    if c["model_type"] == "gpt2":
        return
    rope = c["rope_parameters"]
    rope = rope.get("full_attention", rope)
    out.add_rope_freq_base(rope["rope_theta"])
    if rope["rope_type"] in ("linear", "yarn"):
        out.add_rope_scaling_type(gguf.RopeScalingType(rope["rope_type"]))
        out.add_rope_scaling_factor(rope["factor"])
    if rope["rope_type"] == "yarn":
        old = rope["original_max_position_embeddings"]
        out.add_rope_scaling_orig_ctx_len(old)
    if c["model_type"] in ("mistral", "gemma3_text"):
        out.add_sliding_window(c["sliding_window"])
    if c["model_type"] == "gemma3_text":
        kinds = [t == "sliding_attention" for t in c["layer_types"]]
        out.add_array("gemma3.attention.sliding_window_pattern", kinds)
        if c.get("final_logit_softcapping"):
            out.add_float32(
                "gemma3.final_logit_softcapping", c["final_logit_softcapping"]
            )


def add_vocabulary(out):
    out.add_tokenizer_model("llama")
    out.add_token_list(["<unk>", "<s>", "</s>", "a", "b", "ab"])
    out.add_token_scores([0.0, 0.0, 0.0, -1.0, -2.0, -3.0])
    out.add_token_types([2, 3, 3, 1, 1, 1])
    out.add_unk_token_id(0)
    out.add_bos_token_id(1)
    out.add_eos_token_id(2)


def write_gguf(path, config, tensors, kind=None, factors=None):
    arch = ARCH[config["model_type"]]
    layers = config.get("num_hidden_layers") or config["n_layer"]
    names = gguf.get_tensor_name_map(arch, layers)
    out = gguf.GGUFWriter(path, gguf.MODEL_ARCH_NAMES[arch])
    add_shape(out, config)
    add_positions(out, config)
    add_vocabulary(out)
    if factors is not None:
        out.add_tensor("rope_freqs.weight", factors.astype(np.float32))
    for name, w in tensors.items():
        theirs = names.get_name(name, try_suffixes=(".weight", ".bias"))
        w = as_converted(name, w, config)
        if kind is not None and w.ndim == 2 and w.shape[1] % 32 == 0:
            out.add_tensor(
                theirs, gguf.quants.quantize(w, kind), raw_dtype=kind
            )
        else:
            out.add_tensor(theirs, w.astype(np.float32))
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()
    return path


def logits(model, tokens, tmp_path):
    ids, out = tmp_path / "ids.json", tmp_path / "logits.safetensors"
    ids.write_text(json.dumps(tokens.tolist()))
    subprocess.run([tool("logits_tool"), model, ids, out], check=True)
    return np.array(mx.load(str(out))["logits"])


def golden(name):
    folder = GOLDEN / name
    expected = load_file(folder / "expected.safetensors")
    return (
        json.loads((folder / "config.json").read_text()),
        load_file(folder / "model.safetensors"),
        expected["tokens"],
        expected["logits"],
    )


@pytest.mark.parametrize(
    "name",
    ["gpt2", "llama", "llama_tied", "llama_bias", "llama_linear", "llama_yarn"]
    + ["mistral", "qwen2", "qwen3"],
)
def test_logits_are_those_of_the_folder(name, tmp_path):
    config, tensors, tokens, expected = golden(name)
    path = write_gguf(tmp_path / "model.gguf", config, tensors)
    assert np.abs(logits(path, tokens, tmp_path) - expected).max() < 1e-4


def test_gemma3(tmp_path):
    """GGUF has no query_pre_attn_scalar: scores are divided by the root of the
    head's width, so q is scaled to say the same."""
    config, tensors, tokens, expected = golden("gemma3")
    factor = (config["head_dim"] / config["query_pre_attn_scalar"]) ** 0.5
    for name, w in tensors.items():
        if name.endswith("q_norm.weight"):
            tensors[name] = (1 + w) * np.float32(factor) - 1
    path = write_gguf(tmp_path / "model.gguf", config, tensors)
    assert np.abs(logits(path, tokens, tmp_path) - expected).max() < 1e-4


@pytest.mark.parametrize("name", ["llama", "qwen2"])
@pytest.mark.parametrize("kind", ["Q4_0", "Q4_1", "Q5_1", "Q8_0", "BF16"])
def test_packed_weights(name, kind, tmp_path):
    """As a file of the numbers that the blocks stand for."""
    config, tensors, tokens, _ = golden(name)
    kind = gguf.GGMLQuantizationType[kind]
    packed = write_gguf(tmp_path / "packed.gguf", config, tensors, kind)
    rounded = {
        name: (
            gguf.quants.dequantize(gguf.quants.quantize(w, kind), kind)
            if w.ndim == 2 and w.shape[1] % 32 == 0
            else w
        )
        for name, w in tensors.items()
    }
    plain = write_gguf(tmp_path / "plain.gguf", config, rounded)
    a, b = (logits(p, tokens, tmp_path) for p in (packed, plain))
    assert np.abs(a - b).max() < 1e-4


@pytest.mark.parametrize("wrong", [1.0, 1.5])
def test_llama3_positions(wrong, tmp_path):
    """The converter stores what Llama 3.1's scaling does to each period; other
    factors are refused, not guessed."""
    config, tensors, tokens, plain = golden("llama")
    dims, base = config["head_dim"], config["rope_parameters"]["rope_theta"]
    waves = 2 * np.pi * base ** (np.arange(0, dims, 2) / dims)
    smooth = np.clip((8192 / waves - 1) / (4 - 1), 0, 1)
    factors = wrong / ((1 - smooth) / 8 + smooth)
    assert factors.max() > 1
    path = write_gguf(tmp_path / "model.gguf", config, tensors, factors=factors)
    if wrong == 1:
        assert logits(path, tokens, tmp_path).shape == plain.shape
        return
    done = subprocess.run(
        [tool("logits_tool"), path, "ids.json", "out"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 3 and "rope_freqs.weight" in done.stderr
