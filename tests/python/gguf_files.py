# SPDX-License-Identifier: MIT
"""GGUF files for tests: blocks of every type, and files field by field."""

import struct

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, GGUFWriter

# Where each type of block keeps its float16 scales; the rest may be anything.
HALVES = {
    "Q4_0": [0],
    "Q4_1": [0, 2],
    "Q5_0": [0],
    "Q5_1": [0, 2],
    "Q8_0": [0],
    "Q4_K": [0, 2],
    "Q5_K": [0, 2],
    "Q6_K": [208],
}
NUMBERS = ["F32", "F16", "BF16"]


def random_blocks(source, name, shape):
    """Bytes [..., row bytes] of a tensor with `shape` elements."""
    elements, size = GGML_QUANT_SIZES[GGMLQuantizationType[name]]
    rows = (*shape[:-1], shape[-1] // elements)
    blocks = source.integers(0, 256, (*rows, size), dtype=np.uint8)
    for place in HALVES[name]:
        # All sizes of scales: subnormal, zero, negative, large.
        scales = source.standard_normal(rows) * 10.0 ** source.integers(
            -8, 4, rows
        )
        halves = scales.astype(np.float16)[..., None]
        blocks[..., place : place + 2] = halves.view(np.uint8)
    return blocks.reshape(*rows[:-1], -1)


def write_tensors(path, tensors, metadata=()):
    """tensors: {name: (type name, uint8 array)}; metadata: [(method, args)]"""
    writer = GGUFWriter(path, "llama")
    for method, arguments in metadata:
        getattr(writer, method)(*arguments)
    for name, (kind, data) in tensors.items():
        writer.add_tensor(name, data, raw_dtype=GGMLQuantizationType[kind])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def text(value):
    return [("u64", len(value)), ("text", value)]


SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f"}
SCALARS |= {7: "B", 10: "Q", 11: "q", 12: "d"}


def value(kind, content):
    if kind == 8:
        return text(content)
    return [("data", struct.pack("<" + SCALARS[kind], content))]


def fields_of(pairs, tensors, version=3):
    """The header as [(kind of field, value)]: u32, u64, text and data.

    pairs: [(key, type, content)], content a list for an array;
    tensors: [(name, dimensions, type, offset)]
    """
    fields = [("text", b"GGUF"), ("u32", version)]
    fields += [("u64", len(tensors)), ("u64", len(pairs))]
    for key, kind, content in pairs:
        fields += text(key)
        if isinstance(content, list):
            fields += [("u32", 9), ("u32", kind), ("u64", len(content))]
            for one in content:
                fields += value(kind, one)
        else:
            fields += [("u32", kind)] + value(kind, content)
    for name, dimensions, kind, offset in tensors:
        fields += text(name) + [("u32", len(dimensions))]
        fields += [("u64", dimension) for dimension in dimensions]
        fields += [("u32", kind), ("u64", offset)]
    return fields


def header_bytes(fields):
    codes = {"u32": "<I", "u64": "<Q"}
    return b"".join(
        struct.pack(codes[kind], content) if kind in codes else content
        for kind, content in fields
    )
