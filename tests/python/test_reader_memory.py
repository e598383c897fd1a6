# SPDX-License-Identifier: MIT
"""What the readers of GGUF and safetensors take of memory: the file and 64 MiB
at most while they refuse a hostile header, 1.35 times the file to load."""

import struct
import subprocess

import numpy as np
import pytest
from gguf_files import fields_of, header_bytes, random_blocks, write_tensors
from safetensors.numpy import save_file
from test_safetensors_oracle import tool

MARGIN = 64 * 2**20


def measure(path, *options):
    """(peak memory above the idle program, the reason of a rejection)"""
    done = subprocess.run(
        [tool("gguf_tool"), "memory", path, *options],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    numbers, reason = done.stdout.splitlines()
    idle, peak = map(int, numbers.split())
    return peak - idle, reason


def gguf_array(kind, count, elements):
    """A file whose only pair is an array; `elements` are its bytes."""
    fields = fields_of([(b"k", kind, [])], [])
    fields[-1] = ("u64", count)
    return header_bytes(fields) + elements


def many_tensors(count):
    fields = [("text", b"GGUF"), ("u32", 3), ("u64", count), ("u64", 0)]
    names = b"".join(
        struct.pack("<Q", 6)
        + b"%06d" % i
        + struct.pack("<IQIQ", 1, 1, 0, 32 * i)
        for i in range(count)
    )
    header = header_bytes(fields) + names
    header += b"\0" * (-len(header) % 32)
    return header + b"\0" * (32 * count)


def many_pairs(count):
    fields = [("text", b"GGUF"), ("u32", 3), ("u64", 0), ("u64", count)]
    return header_bytes(fields) + b"".join(
        struct.pack("<Q", 6) + b"%06d" % i + struct.pack("<IB", 0, 1)
        for i in range(count)
    )


def safetensors_of(text):
    return struct.pack("<Q", len(text)) + text


EMPTY = struct.pack("<Q", 0)
GGUF_FILES = {
    "empty strings": lambda: gguf_array(8, 4_000_000, EMPTY * 4_000_000),
    "one long string": lambda: gguf_array(
        8, 1, struct.pack("<Q", 40_000_000) + b"x" * 40_000_000
    ),
    "bytes": lambda: gguf_array(0, 40_000_000, b"x" * 40_000_000),
    "an array longer than the file": lambda: gguf_array(8, 2**61, EMPTY * 9),
    "a string longer than the file": lambda: gguf_array(
        8, 1, struct.pack("<Q", 2**40)
    ),
    "strings and a lie": lambda: gguf_array(
        8, 4_000_001, EMPTY * 4_000_000 + struct.pack("<Q", 2**40)
    ),
    "tensors": lambda: many_tensors(65_536),
    "too many tensors": lambda: many_tensors(65_537),
    "pairs": lambda: many_pairs(65_536),
    "too many pairs": lambda: many_pairs(200_000),
}
SAFETENSORS_FILES = {
    "numbers": lambda: safetensors_of(b'{"":[' + b"1," * 15_000_000 + b"1]}"),
    "nothing but keys": lambda: safetensors_of(
        b"{" + b",".join(b'"%d":1' % i for i in range(800_000)) + b"}"
    ),
    "tensors": lambda: safetensors_of(
        b"{"
        + b",".join(
            b'"%d":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}' % i
            for i in range(33_000)
        )
        + b"}"
    ),
    "text": lambda: safetensors_of(
        b'{"__metadata__":{"a":"' + b"x" * 30_000_000 + b'"}}'
    ),
}
ACCEPTED = {"empty strings", "one long string", "bytes", "tensors", "pairs"}
ACCEPTED |= {"text"}


@pytest.mark.parametrize(
    "suffix, kind",
    [("gguf", kind) for kind in GGUF_FILES]
    + [("safetensors", kind) for kind in SAFETENSORS_FILES],
)
def test_headers(tmp_path, suffix, kind):
    files = GGUF_FILES if suffix == "gguf" else SAFETENSORS_FILES
    path = tmp_path / f"hostile.{suffix}"
    path.write_bytes(files[kind]())
    size = path.stat().st_size
    extra, reason = measure(path, "header")
    path.unlink()
    assert (reason == "") == (kind in ACCEPTED), reason
    assert extra <= size + MARGIN


def weights(kind, megabytes):
    """{name: (type, bytes)} of about so many megabytes."""
    matrix = random_blocks(np.random.default_rng(2), kind, (1024, 2048))
    count = round(megabytes * 1e6 / matrix.nbytes)
    return {f"blk.{i}": (kind, matrix) for i in range(count)}


@pytest.mark.parametrize("kind", ["Q4_0", "Q4_1", "Q8_0", "Q4_K"])
def test_loading_quantized_weights(tmp_path, kind):
    path = tmp_path / "weights.gguf"
    write_tensors(path, weights(kind, 100))
    size = path.stat().st_size
    extra, reason = measure(path)
    path.unlink()
    assert reason == ""
    assert 1.1 * size < extra <= 1.35 * size


def test_loading_safetensors(tmp_path):
    """The arrays, and not the file beside them."""
    path = tmp_path / "weights.safetensors"
    matrix = np.ones((1024, 1024), np.float32)
    save_file({f"w{i}": matrix for i in range(20)}, path)
    size = path.stat().st_size
    extra, reason = measure(path)
    path.unlink()
    assert reason == ""
    assert 0.9 * size < extra <= size + 8 * 2**20
