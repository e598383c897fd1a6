# SPDX-License-Identifier: MIT
"""Decoding by PyTorch: transformers' Llama in float32, eager. decoding.py runs
it.
"""

import torch
from decode_run import measure, parse
from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache
from transformers.utils import logging

args = parse()
torch.set_num_threads(args.threads)
logging.disable_progress_bar()


class State:
    def __init__(self):
        AutoTokenizer.from_pretrained(args.model)
        self.model = AutoModelForCausalLM.from_pretrained(
            args.model, dtype=torch.float32
        ).to(args.device)


@torch.inference_mode()
def step(state, ids, restart):
    if restart:
        state.cache = DynamicCache()
    out = state.model(
        torch.tensor([ids], device=args.device),
        cache=state.cache,
        logits_to_keep=1,
    )
    return out.logits[0, -1].argmax().item()


measure(args, State, step)
