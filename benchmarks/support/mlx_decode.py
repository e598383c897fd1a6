# SPDX-License-Identifier: MIT
"""Decoding by mlx-lm's model and cache, with OpenBLAS in front of MLX's own
BLAS where it is there. decoding.py runs it.
"""

import ctypes
import ctypes.util

from decode_run import measure, parse

args = parse("--openblas")
if args.openblas:  # only if it comes before mlx.core do its symbols win
    ctypes.CDLL(ctypes.util.find_library("openblas"), ctypes.RTLD_GLOBAL)

import mlx.core as mx
import mlx_lm
from mlx_lm.models.cache import make_prompt_cache

CHUNK = 512  # tokens read at once, as ours


class State:
    def __init__(self):
        self.model, _ = mlx_lm.load(args.model)
        if mx.default_device().type == mx.DeviceType.cpu:
            self.model.set_dtype(mx.float32)  # packed weights stay packed


def step(state, ids, restart):
    if restart:
        state.cache = make_prompt_cache(state.model)
    while len(ids) > CHUNK:
        state.model(mx.array(ids[:CHUNK])[None], cache=state.cache)
        mx.eval([c.state for c in state.cache])
        ids = ids[CHUNK:]
    logits = state.model(mx.array(ids)[None], cache=state.cache)
    return mx.argmax(logits[0, -1]).item()


measure(args, State, step)
