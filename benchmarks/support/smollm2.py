# SPDX-License-Identifier: MIT
"""SmolLM2-135M in the formats that the decoding benchmarks compare, all from
the one file that the course fetches (Q4_1, its embedding Q8_0). Equal weights
for everyone: a GGUF file for us and llama.cpp, and the folder that it converts
to for mlx-lm and PyTorch. Kept in the home's cache/bench.

llama.cpp alone gets one more: Q4_0, which it is fastest with.
"""

import json
import os
import subprocess
import sys

from support.peers import home
from support.record import program

PRECISIONS = ("fp32", "q8", "q4")
PARAMETERS, VOCABULARY = 134_515_008, 49_152
GGUF_TYPE = {"fp32": "F32", "q8": "Q8_0", "q4_0": "Q4_0"}
LLAMA_FILE_TYPE = {"F32": 0, "Q4_0": 2, "Q8_0": 7}


def source():
    """The course's own file; fetched if it is not there."""
    folder = home() / "models" / "smollm2"
    if not any(folder.glob("*.gguf")):
        command = [program("generate"), "--model", "smollm2", "--raw"]
        command += ["--prompt", "a", "--max-tokens", "1"]
        subprocess.run(command, stdout=subprocess.DEVNULL)
    found = sorted(folder.glob("*.gguf"))
    if not found:
        sys.exit("expected SmolLM2, but it could not be fetched")
    return found[0]


def cache():
    folder = home() / "cache" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def gguf_file(precision):
    """fp32, q8, q4 (the source itself) or q4_0."""
    if precision == "q4":
        return source()
    path = cache() / f"smollm2-{precision}.gguf"
    if not path.is_file():
        new = path.with_suffix(".new")
        write_gguf(source(), new, GGUF_TYPE[precision])
        new.replace(path)
    return path


def folder(precision):
    """The same weights as config.json and safetensors."""
    path = cache() / f"smollm2-{precision}"
    if not (path / "config.json").is_file():
        command = [program("finetune_llm"), "convert"]
        command += ["--model", str(gguf_file(precision)), "--out", str(path)]
        done = subprocess.run(command, stdout=subprocess.DEVNULL)
        if done.returncode != 0:
            sys.exit(f"finetune_llm convert ended with {done.returncode}")
    return path


def write_gguf(source, out, kind):
    """`source` with the packed matrices as `kind`; with Q4_0 the embedding
    stays Q8_0, as in the source and as llama.cpp's own tool leaves it."""
    import gguf

    reader = gguf.GGUFReader(source)
    architecture = reader.fields["general.architecture"].contents()
    writer = gguf.GGUFWriter(out, architecture)
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name == "general.architecture":
            continue
        value = field.contents()
        if name == "general.file_type":
            value = LLAMA_FILE_TYPE[kind]
        inner = field.types[-1] if len(field.types) > 1 else None
        writer.add_key_value(name, value, field.types[0], inner)
    types = gguf.GGMLQuantizationType
    for tensor in reader.tensors:
        data, wanted = tensor.data, tensor.tensor_type
        keep = (types.F32, types.Q8_0) if kind == "Q4_0" else (types.F32,)
        if wanted not in keep:
            data = gguf.dequantize(data, wanted)
            wanted = types[kind]
            data = gguf.quantize(data, wanted)
        writer.add_tensor(tensor.name, data, raw_dtype=wanted)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def weight_bytes(precision):
    """Of the matrices and vectors, as they lie in the file."""
    import gguf

    reader = gguf.GGUFReader(gguf_file(precision))
    return int(sum(tensor.n_bytes for tensor in reader.tensors))
