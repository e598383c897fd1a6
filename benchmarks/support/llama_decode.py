# SPDX-License-Identifier: MIT
"""Decoding by llama.cpp, through its C interface as llama-bench calls it.
decoding.py runs it.
"""

import sys

import llama_cpp
import numpy as np
from decode_run import measure, parse

args = parse("--flash")


def load():
    room = len(args.prompt) + args.tokens
    return llama_cpp.Llama(
        args.model,
        n_ctx=room,
        n_batch=room,
        n_ubatch=512,
        n_threads=args.threads,
        n_threads_batch=args.threads,
        flash_attn=args.flash,
        n_gpu_layers=-1 if sys.platform == "darwin" else 0,
        verbose=False,
    )


def step(llama, ids, restart):
    context = llama._ctx.ctx
    if restart:
        memory = llama_cpp.llama_get_memory(context)
        llama_cpp.llama_memory_clear(memory, True)
    tokens = (llama_cpp.llama_token * len(ids))(*ids)
    batch = llama_cpp.llama_batch_get_one(tokens, len(ids))
    if llama_cpp.llama_decode(context, batch) != 0:
        sys.exit("llama_decode failed")
    logits = llama_cpp.llama_get_logits_ith(context, -1)
    return int(np.argmax(np.ctypeslib.as_array(logits, (llama.n_vocab(),))))


measure(args, load, step)
