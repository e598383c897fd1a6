# SPDX-License-Identifier: MIT
"""GGUF tensors against the gguf package, which llama.cpp's authors publish:
every type on random blocks, and MLX's own dequantization of what we made."""

import subprocess

import gguf
import mlx.core as mx
import numpy as np
import pytest
from gguf_files import HALVES, NUMBERS, random_blocks, write_tensors
from test_safetensors_oracle import tool

BITS = {"Q4_0": 4, "Q4_1": 4, "Q5_0": 5, "Q5_1": 5, "Q8_0": 8}
BITS |= {"Q4_K": 4, "Q5_K": 5}


def numbers(source, kind, shape):
    """The bytes of random numbers, of all sizes."""
    values = source.standard_normal(shape) * 10.0 ** source.integers(
        -6, 5, shape
    )
    values = values.astype(np.float32)
    if kind == "BF16":
        return gguf.quants.quantize(values, gguf.GGMLQuantizationType.BF16)
    return values.astype(np.float16 if kind == "F16" else np.float32).view(
        np.uint8
    )


def reference(kind, data):
    return gguf.quants.dequantize(data, gguf.GGMLQuantizationType[kind])


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """(what was written, what our loader made of it)"""
    folder = tmp_path_factory.mktemp("gguf")
    source = np.random.default_rng(11)
    tensors = {}
    for kind in [*HALVES, *NUMBERS]:
        make = numbers if kind in NUMBERS else random_blocks
        tensors[f"{kind}.matrix"] = (kind, make(source, kind, (67, 512)))
        tensors[f"{kind}.cube"] = (kind, make(source, kind, (2, 3, 256)))
        tensors[f"{kind}.vector"] = (kind, make(source, kind, (768,)))
    # More than one piece of the loader.
    tensors["large"] = ("Q4_K", random_blocks(source, "Q4_K", (300, 2048)))
    # What a quantizer makes of weights, not only random bytes.
    weights = source.standard_normal((32, 256)).astype(np.float32) * 0.02
    for kind in ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"]:
        tensors[f"{kind}.weights"] = (
            kind,
            gguf.quants.quantize(weights, gguf.GGMLQuantizationType[kind]),
        )
    write_tensors(folder / "all.gguf", tensors)
    subprocess.run(
        [
            tool("gguf_tool"),
            "load",
            folder / "all.gguf",
            folder / "all.safetensors",
        ],
        check=True,
        timeout=60,
    )
    return tensors, mx.load(str(folder / "all.safetensors"))


@pytest.mark.parametrize("kind", [*HALVES, *NUMBERS])
def test_values_are_those_of_the_reference(loaded, kind):
    tensors, ours = loaded
    names = [name for name, (k, _) in tensors.items() if k == kind]
    assert len(names) >= 3
    for name in names:
        wanted = reference(kind, tensors[name][1])
        got = np.array(ours[name])
        assert got.shape == wanted.shape and got.dtype == np.float32
        assert np.isfinite(wanted).all()
        np.testing.assert_array_equal(got, wanted, err_msg=name)


@pytest.mark.parametrize("kind", BITS)
def test_matrices_stay_quantized(loaded, kind):
    tensors, ours = loaded
    for name in (f"{kind}.matrix", f"{kind}.cube"):
        wanted = reference(kind, tensors[name][1])
        got = mx.dequantize(
            ours[name + ".weight"],
            ours[name + ".scales"],
            ours[name + ".biases"],
            group_size=32,
            bits=BITS[kind],
        )
        assert ours[name + ".weight"].dtype == mx.uint32
        assert ours[name + ".scales"].shape[-1] * 32 == wanted.shape[-1]
        np.testing.assert_array_equal(np.array(got), wanted, err_msg=name)


def test_quantized_matrix_multiplies(loaded):
    """MLX's product with the codes is the product with the numbers."""
    tensors, ours = loaded
    x = mx.random.normal((3, 512), key=mx.random.key(1))
    for kind in BITS:
        name = f"{kind}.matrix"
        got = mx.quantized_matmul(
            x,
            ours[name + ".weight"],
            ours[name + ".scales"],
            ours[name + ".biases"],
            group_size=32,
            bits=BITS[kind],
        )
        wanted = np.array(x, np.float64) @ reference(
            kind, tensors[name][1]
        ).T.astype(np.float64)
        scale = np.abs(wanted).max(axis=0) + 1e-30
        assert (np.abs(np.array(got) - wanted) / scale).max() < 1e-4


def test_plain_numbers_and_k6_and_vectors_are_not_quantized(loaded):
    _, ours = loaded
    for kind in [*NUMBERS, "Q6_K"]:
        assert f"{kind}.matrix.scales" not in ours
    for kind in HALVES:
        assert f"{kind}.vector.scales" not in ours
