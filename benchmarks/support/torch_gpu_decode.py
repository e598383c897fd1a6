# SPDX-License-Identifier: MIT
"""Writing by PyTorch with transformers on an NVIDIA GPU, the likeliest tokens, one
text or several; prints as JSON its figures. gpu_decode.py runs it. --compile
compiles the step, with a cache of a fixed size, as transformers advises.
"""

import argparse
import json
import sys
import time

import torch
from transformers import AutoModelForCausalLM


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--prompt", type=json.loads, required=True, help="ids")
    parser.add_argument("--tokens", type=int, required=True)
    parser.add_argument("--rows", type=int, default=1)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--repeat", type=int, default=2, help="the last counts")
    args = parser.parse_args()
    model = AutoModelForCausalLM.from_pretrained(
        args.model, dtype=torch.bfloat16
    ).to("cuda")
    model.generation_config.eos_token_id = None
    prompt = torch.tensor([args.prompt] * args.rows, device="cuda")
    options = {"do_sample": False, "pad_token_id": 0}
    if args.compile:
        options["cache_implementation"] = "static"

    def write(tokens):
        torch.cuda.synchronize()
        begin = time.perf_counter()
        out = model.generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            max_new_tokens=tokens,
            min_new_tokens=tokens,
            **options,
        )
        torch.cuda.synchronize()
        return out[0, prompt.shape[1] :].tolist(), time.perf_counter() - begin

    for _ in range(args.repeat + args.compile):
        _, first = write(1)
        ids, all_of_it = write(args.tokens)
    said = {
        "prompt_tokens": len(args.prompt),
        "prefill_tokens_per_s": args.rows * len(args.prompt) / first,
        "tokens_per_s": args.rows * (args.tokens - 1) / (all_of_it - first),
        "memory_bytes": torch.cuda.max_memory_allocated(),
        "tokens": ids,
    }
    json.dump(said, sys.stdout)


if __name__ == "__main__":
    main()
