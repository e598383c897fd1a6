# SPDX-License-Identifier: MIT
"""Our safetensors header check against the reference implementation.

Whatever we accept the reference must accept. Where only we refuse, the reason
must be one of the stricter rules that llm/core/safetensors.h names.
"""

import json
import os
import pathlib
import random
import struct
import subprocess

import pytest
import safetensors

BUILD = "./tutorial test builds it and sets LLM_TEST_TOOLS to its folder"
STRICTER = (
    "twice",  # duplicate names
    "dimensions",  # more than 8, or over 2^31 - 1
    "levels of nesting",
)


def tool(name):
    """The path of a program of tests/tools."""
    folder = os.environ.get("LLM_TEST_TOOLS")
    if not folder:
        pytest.fail(f"LLM_TEST_TOOLS is not set; {BUILD}")
    path = pathlib.Path(folder) / name
    if not path.is_file():
        pytest.fail(f"there is no {path}; {BUILD}")
    return str(path)


def answers(files):
    records = b"".join(struct.pack("<I", len(f)) + f for f in files)
    done = subprocess.run(
        [tool("safetensors_tool")],
        input=records,
        capture_output=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr.decode()
    lines = done.stdout.decode().splitlines()
    assert len(lines) == len(files)
    return lines


def reference_accepts(file):
    try:
        safetensors.deserialize(file)
        return True
    except safetensors.SafetensorError:
        return False


def build(header, data):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + b"\0" * data


SIZES = {"F32": 4, "F16": 2, "BF16": 2, "U8": 1, "I64": 8, "BOOL": 1, "C64": 8}
SIZES |= {"F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1, "U16": 2, "F64": 8}


SIZES_AND_PLACES = {"shape", "data_offsets"}


def valid_header(source):
    header = {}
    place = 0
    for i in range(source.randrange(5)):
        dtype = source.choice(list(SIZES))
        shape = [source.randrange(4) for _ in range(source.randrange(4))]
        size = SIZES[dtype]
        for dimension in shape:
            size *= dimension
        header[f"t{i}"] = {
            "dtype": dtype,
            "shape": shape,
            "data_offsets": [place, place + size],
        }
        place += size
    if source.random() < 0.3:
        header["__metadata__"] = {"format": "pt"}
    items = list(header.items())
    source.shuffle(items)
    return dict(items), place


NUMBERS = [-1, 0, 1, 2, 3, 4, 7, 8, 9, 1.0, 2.5, None, "1", True, []]
NUMBERS += [2**31 - 1, 2**31, 2**32, 2**62, 2**63, 2**64 - 1, 2**64, 10**30]


def mutate_tree(source, header):
    """Changes one field of one tensor."""
    tensors = [
        value
        for name, value in header.items()
        if name != "__metadata__" and value.keys() >= SIZES_AND_PLACES
    ]
    if not tensors:
        header["x"] = {"dtype": "F32", "shape": [], "data_offsets": [0, 4]}
        return
    tensor = source.choice(tensors)
    field = source.choice(["dtype", "shape", "data_offsets", "other"])
    if field == "dtype":
        names = [*SIZES, "F4", "F6_E2M3", "Q4", "f32", "", 5, None]
        tensor["dtype"] = source.choice(names)
    elif field == "other":
        action = source.randrange(3)
        if action == 0:
            tensor.pop(source.choice(list(tensor)))
        elif action == 1:
            tensor["extra"] = source.choice(NUMBERS)
        else:
            header["__metadata__"] = source.choice(
                [{}, {"a": "b"}, {"a": 1}, {"a": None}, None, [], "x"]
            )
    else:
        numbers = tensor[field]
        action = source.randrange(4)
        if action == 0 and numbers:
            place = source.randrange(len(numbers))
            numbers[place] = source.choice(NUMBERS)
        elif action == 1:
            numbers.append(source.choice(NUMBERS))
        elif action == 2 and numbers:
            numbers.pop()
        else:
            source.shuffle(numbers)


def mutate_bytes(source, file):
    file = bytearray(file)
    action = source.randrange(4)
    place = source.randrange(len(file))
    if action == 0:
        file[place] ^= 1 << source.randrange(8)
    elif action == 1:
        del file[place:]
    elif action == 2:
        file += b"\0" * source.randrange(1, 9)
    else:
        tokens = [b'"', b"{", b"}", b",", b" ", b"0", b"-", b"\\", b"\xff"]
        file[place:place] = source.choice(tokens)
    return bytes(file)


def mutants(count):
    source = random.Random(7)
    files = []
    while len(files) < count:
        header, data = valid_header(source)
        kind = source.randrange(8)
        if kind == 0:
            files.append(build(header, data))
        elif kind < 5:
            for _ in range(source.randrange(1, 3)):
                mutate_tree(source, header)
            files.append(build(header, data))
        else:
            files.append(mutate_bytes(source, build(header, data)))
    return files


def test_accepts_and_rejects_as_the_reference():
    files = mutants(4000)
    accepted = 0
    stricter = 0
    for file, answer in zip(files, answers(files)):
        reference = reference_accepts(file)
        if answer == "ok":
            accepted += 1
            assert reference, f"only we accept {file!r}"
        elif reference:
            stricter += 1
            assert any(rule in answer for rule in STRICTER), (answer, file)
    assert accepted > 500  # the mutants are not all rejected
    assert stricter < 100


def test_every_element_type_of_the_reference():
    names = ["BOOL", "F4", "F6_E2M3", "F6_E3M2", "U8", "I8", "F8_E5M2"]
    names += ["F8_E4M3", "F8_E8M0", "I16", "U16", "F16", "BF16", "I32", "U32"]
    names += ["F32", "C64", "F64", "I64", "U64", "F8_E4M3FNUZ", "F8_E5M2FNUZ"]
    names += ["I4", "F8", "C128", "Q4_0", "bf16", ""]
    files = []
    for name in names:
        for size in range(0, 65):
            tensor = {"dtype": name, "shape": [8], "data_offsets": [0, size]}
            files.append(build({"t": tensor}, size))
    for file, answer in zip(files, answers(files)):
        assert (answer == "ok") == reference_accepts(file), (answer, file)
