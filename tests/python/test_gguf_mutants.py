# SPDX-License-Identifier: MIT
"""Damaged GGUF headers: 20,000 files with one or two wrong fields. No crash,
no hang, no memory beyond the file; and what we accept the gguf package reads
too, with the same names, types, shapes, places and values."""

import json
import math
import random
import struct
import subprocess
import time

import gguf
from gguf_files import SCALARS, fields_of, header_bytes
from test_safetensors_oracle import tool

MUTANTS = 20_000
WORDS = [0, 1, 2, 3, 4, 5, 8, 9, 10, 12, 13, 31, 32, 33, 64, 65, 255, 256]
WORDS += [2**31 - 1, 2**31, 2**32 - 1]
LONGS = WORDS + [2**32, 2**33, 2**61, 2**62, 2**63 - 1, 2**63, 2**64 - 32]
LONGS += [2**64 - 8, 2**64 - 1]
TEXTS = [b"", b"a", b"general.alignment", b"\xff", b"n" * 64, b"n" * 65]
TYPES = {0: (1, 4), 1: (1, 2), 30: (1, 2), 2: (32, 18), 3: (32, 20)}
TYPES |= {6: (32, 22), 7: (32, 24), 8: (32, 34), 12: (256, 144)}
TYPES |= {13: (256, 176), 14: (256, 210)}


def random_value(source, kind):
    if kind == 8:
        return bytes(source.randrange(256) for _ in range(source.randrange(6)))
    if kind == 7:
        return source.randrange(2)
    if kind in (6, 12):
        return source.choice([0.0, -1.5, 1e9, math.inf, math.nan])
    return source.randrange(128)


def random_file(source):
    """(fields, alignment, bytes of data) of a valid file."""
    alignment = source.choice([32, 32, 8, 64])
    pairs = [(b"general.architecture", 8, b"llama")]
    if alignment != 32:
        pairs.append((b"general.alignment", 4, alignment))
    for i in range(source.randrange(5)):
        kind = source.choice([*SCALARS, 8])
        content = random_value(source, kind)
        if source.random() < 0.4:
            count = source.randrange(4)
            content = [random_value(source, kind) for _ in range(count)]
        pairs.append((b"key%d" % i, kind, content))
    source.shuffle(pairs)
    tensors, place = [], 0
    for i in range(source.randrange(4)):
        kind = source.choice(list(TYPES))
        elements, size = TYPES[kind]
        shape = [elements * source.randrange(1, 3)]
        shape += [source.randrange(1, 4) for _ in range(source.randrange(3))]
        end = place + math.prod(shape) // elements * size
        tensors.append((b"blk.%d" % i, shape, kind, place))
        data, place = end, -(-end // alignment) * alignment
    version = source.choice([2, 3])
    return (
        fields_of(pairs, tensors, version),
        alignment,
        data if tensors else 0,
    )


def mutate_field(source, fields):
    """Changes, removes, doubles or moves one field."""
    at = source.randrange(len(fields))
    kind, content = fields[at]
    action = source.randrange(8)
    if action < 5 and kind in ("u32", "u64"):
        numbers = WORDS if kind == "u32" else LONGS
        limit = 2**32 if kind == "u32" else 2**64
        near = (content + source.choice([-1, 1])) % limit
        fields[at] = (kind, source.choice([*numbers, near, near, near]))
    elif action < 5:
        new = source.choice(TEXTS) if source.random() < 0.5 else content
        fields[at] = (kind, new)
        before = fields[at - 1]
        if before[0] == "u64" and kind == "text" and source.random() < 0.8:
            fields[at - 1] = ("u64", len(new))  # a text of another length
    elif action == 5:
        del fields[at]
    elif action == 6:
        fields.insert(at, fields[at])
    else:
        other = source.randrange(len(fields))
        fields[at], fields[other] = fields[other], fields[at]


def mutate_bytes(source, file):
    file = bytearray(file)
    action = source.randrange(4)
    place = source.randrange(len(file))
    if action == 0:
        file[place] ^= 1 << source.randrange(8)
    elif action == 1:
        del file[place:]
    elif action == 2:
        file += b"\0" * source.randrange(1, 70)
    else:
        file[place:place] = source.randbytes(source.choice([1, 4, 8]))
    return bytes(file)


def whole_file(fields, alignment, data):
    header = header_bytes(fields)
    if data:
        header += b"\0" * (-len(header) % alignment)
    return header + b"\x2a" * data


def mutants(count):
    source = random.Random(23)
    files = []
    while len(files) < count:
        fields, alignment, data = random_file(source)
        kind = source.randrange(10)
        if kind < 6:
            for _ in range(source.randrange(1, 3)):
                mutate_field(source, fields)
        file = whole_file(fields, alignment, data)
        if kind in (6, 7, 8):
            file = mutate_bytes(source, file)
        files.append(file)
    return files


def answers(files):
    records = b"".join(struct.pack("<I", len(f)) + f for f in files)
    done = subprocess.run(
        [tool("gguf_tool"), "headers"],
        input=records,
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode()
    lines = done.stdout.decode().splitlines()
    assert len(lines) == len(files)
    return lines


def plain(content):
    """As the tool writes it: text as bytes, null for what no number can say."""
    if isinstance(content, bytes):
        return list(content)
    if isinstance(content, list):
        values = [plain(one) for one in content]
        return None if None in values else values
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    return content if content < 2**63 else None


NAMES = {"UINT8": "u8", "INT8": "i8", "UINT16": "u16", "INT16": "i16"}
NAMES |= {"UINT32": "u32", "INT32": "i32", "FLOAT32": "f32", "BOOL": "bool"}
NAMES |= {"STRING": "string", "UINT64": "u64", "INT64": "i64"}
NAMES |= {"FLOAT64": "f64"}


def field_of(field):
    kinds = [kind.name for kind in field.types]
    texts = kinds[-1] == "STRING"
    parts = [field.parts[i] for i in field.data]
    contents = [part.tobytes() if texts else part.tolist()[0] for part in parts]
    if kinds[0] != "ARRAY":
        return [NAMES[kinds[0]], plain(contents[0])]
    # The package does not keep the type of an empty array.
    return [NAMES.get(kinds[-1]), plain(contents)]


def check_against_package(path, ours):
    reader = gguf.GGUFReader(path)
    tensors = {
        tensor.name: [
            tensor.tensor_type.name,
            [int(size) for size in reversed(tensor.shape)],
            tensor.data_offset,
            tensor.n_bytes,
        ]
        for tensor in reader.tensors
    }
    assert ours["tensors"] == tensors
    fields = {
        key: field_of(field)
        for key, field in reader.fields.items()
        if not key.startswith("GGUF.")
    }
    assert ours["metadata"].keys() == fields.keys()
    for key, (kind, content) in ours["metadata"].items():
        wanted_kind, wanted = fields[key]
        if wanted_kind is not None:
            assert kind.removeprefix("array of ") == wanted_kind, key
        assert content == wanted, key


def test_mutants(tmp_path):
    files = mutants(MUTANTS)
    start = time.monotonic()
    lines = answers(files)
    assert time.monotonic() - start < 60  # 3 ms for each
    accepted = 0
    for file, line in zip(files, lines):
        if line.startswith("{"):
            accepted += 1
            path = tmp_path / "mutant.gguf"
            path.write_bytes(file)
            check_against_package(path, json.loads(line))
            path.unlink()  # not truncated in place: the reader maps it
        else:
            assert line.startswith("[file] expected "), line
    assert accepted > MUTANTS // 10  # not all are refused
    assert accepted < MUTANTS // 2  # nor are they all harmless


def test_valid_files_are_accepted():
    source = random.Random(5)
    files = [whole_file(*random_file(source)) for _ in range(500)]
    assert [line[0] for line in answers(files)] == ["{"] * 500


def test_truncation_at_every_byte():
    source = random.Random(3)
    file = b""
    while not 1000 < len(file) < 3000:
        file = whole_file(*random_file(source))
    lines = answers([file[:size] for size in range(len(file) + 1)])
    assert [line[0] for line in lines] == ["["] * len(file) + ["{"]
