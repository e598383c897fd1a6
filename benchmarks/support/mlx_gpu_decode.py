# SPDX-License-Identifier: MIT
"""Writing by mlx-lm on a GPU as its own generate() does, one text or several:
prints as JSON its figures. gpu_decode.py runs it. MLX attends with cuDNN to a
cache of mlx-lm's usual length, with a kernel of its own to one a slot longer;
the faster of the two counts.
"""

import argparse
import functools
import json
import pathlib
import sys
import time

import mlx.core as mx
import mlx_lm
from mlx_lm.generate import BatchGenerator, generate_step
from mlx_lm.models.cache import BatchKVCache, KVCache


def one(model, prompt, tokens):
    begin = time.perf_counter()
    ids, first = [], None
    for token, _ in generate_step(mx.array(prompt), model, max_tokens=tokens):
        ids.append(int(token))
        first = first or time.perf_counter()
    end = time.perf_counter()
    return ids, len(prompt) / (first - begin), (tokens - 1) / (end - first)


def many(model, prompt, tokens, rows):
    generator = BatchGenerator(
        model,
        stop_tokens=[],
        completion_batch_size=rows,
        prefill_batch_size=rows,
    )
    begin = time.perf_counter()
    generator.insert([prompt] * rows, [tokens] * rows)
    ids, written, first, before = [], 0, None, 0
    while said := generator.next_generated():
        ids.append(said[0].token)
        written += len(said)
        if first is None and written >= rows:
            first, before = time.perf_counter(), written
    end = time.perf_counter()
    generator.close()
    rate = (written - before) / (end - first)
    return ids, rows * len(prompt) / (first - begin), rate


def median(times, write):
    """What `write` says; the first time does not count."""
    write()
    found = sorted((write() for _ in range(times - 1)), key=lambda f: f[2])
    return found[len(found) // 2]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--text", required=True)
    parser.add_argument("--tokens", type=int, required=True)
    parser.add_argument("--rows", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=2)
    args = parser.parse_args()
    model, tokenizer = mlx_lm.load(args.model)
    text = pathlib.Path(args.text).read_text(encoding="utf-8")
    prompt = tokenizer.encode(text, add_special_tokens=False)
    found = []
    for step in (KVCache.step, KVCache.step + 1):
        KVCache.step = BatchKVCache.step = step
        write = (
            functools.partial(one, model, prompt, args.tokens)
            if args.rows == 1
            else functools.partial(many, model, prompt, args.tokens, args.rows)
        )
        found.append(median(args.repeat, write))
    ids, read, rate = max(found, key=lambda said: said[2])
    said = {
        "prompt_tokens": len(prompt),
        "prefill_tokens_per_s": read,
        "tokens_per_s": rate,
        "memory_bytes": mx.get_peak_memory(),
        "tokens": ids,
    }
    json.dump(said, sys.stdout)


if __name__ == "__main__":
    main()
