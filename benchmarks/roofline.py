# SPDX-License-Identifier: MIT
"""Where the time can go on this machine: its float32 products and its reading
of memory, measured, make a roof; decoding and prefill of SmolLM2-135M and the
nano training step lie below it. Draws results/roofline.png.

Operations are counted from the model's shape. Bytes are the fewest that must
move: weights and cache once for each token (each chunk of 512 in prefill), and
in training weights, gradients, moments and saved activations once each way.
What fits a cache moves less, so a point may lie above the slope.
"""

import argparse
import json
import subprocess
import sys

from support import decoding, smollm2, training
from support.record import Measurement, cores, program
from support.rounds import Task, summarize, table, take_turns

LAYERS, WIDTH, KV_WIDTH, CHUNK = 30, 576, 192, 512  # SmolLM2-135M
NANO_LAYERS, NANO_VOCABULARY = 4, 65
MACHINE, STEP = "machine", "training step"


def decode_cost(precision, context):
    """(operations, bytes) of one token after `context` others."""
    attention = 4 * LAYERS * WIDTH * context
    cached = 2 * 4 * LAYERS * KV_WIDTH * context
    weights = smollm2.weight_bytes(precision)
    return 2 * smollm2.PARAMETERS + attention, weights + cached


def prefill_cost(precision, context):
    """The same for a token of the prompt; the head reads only the last."""
    head = smollm2.VOCABULARY * WIDTH
    attention = 4 * LAYERS * WIDTH * context / 2  # causal: half of it
    chunk = min(context, CHUNK)
    weights = smollm2.weight_bytes(precision)
    operations = 2 * (smollm2.PARAMETERS - head) + attention
    return operations, weights / chunk


def step_cost(shape=training.Shape()):
    """Of one training step: forward once, backward twice as much."""
    layer = 12 * shape.width**2
    matrices = NANO_LAYERS * layer + NANO_VOCABULARY * shape.width
    attention = 2 * NANO_LAYERS * shape.width * shape.block
    operations = 3 * (2 * matrices + attention) * shape.tokens
    weights = 10 * 4 * matrices  # forward 1, backward 2, AdamW 4 in, 3 out
    saved = 16 * NANO_LAYERS * shape.width * shape.tokens  # numbers
    return operations, weights + 2 * 4 * saved


def machine(threads):
    command = [program("roofline"), "--threads", str(threads)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        return None
    said = json.loads(done.stdout)
    return {
        "gflop_per_s": said["gflops"],
        "read_gb_per_s": said["read_gb_per_s"],
    }


def decode(work):
    said = decoding.cpp(work)
    names = ("prefill_tokens_per_s", "decode_tokens_per_s")
    return said and {name: said[name] for name in names}


def step(args):
    seconds = training.cpp(args.steps, args.threads)[args.skip :]
    return {"steps_per_s": len(seconds) / sum(seconds)}


def points_of(summaries, context):
    """[{"name", "flop_per_byte", "gflop_per_s"}] of what was measured."""
    costs = {(STEP, "steps_per_s"): ("training step, nano", step_cost())}
    for p in smollm2.PRECISIONS:
        decoded, read = decode_cost(p, context), prefill_cost(p, context)
        costs[p, "decode_tokens_per_s"] = (f"decode, {p}", decoded)
        costs[p, "prefill_tokens_per_s"] = (f"prefill {context}, {p}", read)
    points = []
    for (case, figure), (name, (operations, moved)) in costs.items():
        speed = summaries[case][figure]["values"]["cpp"]["median"]
        points.append(
            {
                "name": name,
                "flop_per_byte": operations / moved,
                "gflop_per_s": speed * operations / 1e9,
            }
        )
    return points


def draw(points, flops, reading):
    from support import plots

    figure, (panel,) = plots.axes(width=7.6, height=4.2)
    ridge = flops / reading
    lowest, highest = 0.25, 1024
    panel.plot(
        [lowest, ridge, highest], [lowest * reading, flops, flops], "k-", lw=1.2
    )
    panel.text(highest, flops * 1.06, f"{flops:.0f} GFLOP/s", ha="right")
    middle = (lowest * ridge) ** 0.5
    where = {"ha": "right", "va": "bottom"}
    panel.text(middle, middle * reading, f"{reading:.0f} GB/s  ", **where)
    bottom = min([lowest * reading] + [p["gflop_per_s"] for p in points])
    panel.set_ylim(bottom / 1.5, flops * 1.5)
    for point in points:
        x, y = point["flop_per_byte"], point["gflop_per_s"]
        panel.plot([x], [y], "o", label=f"{point['name']}: {y:.0f}")
    panel.set_xlabel("operations for each byte that must move")
    panel.set_ylabel("GFLOP/s")
    panel.legend(
        title="GFLOP/s reached", loc="upper left", bbox_to_anchor=(1.01, 1)
    )
    return plots.save(figure, "roofline")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--context", type=int, default=256)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--skip", type=int, default=20, help="steps to warm up")
    parser.add_argument("--threads", type=int, default=cores())
    args = parser.parse_args()
    if args.rounds < 1 or args.steps <= args.skip or args.tokens < 2:
        parser.error("at least one round, two --tokens, more --steps than skip")
    measurement = Measurement("roofline", args.threads)
    tasks = [Task(MACHINE, "cpp", lambda: machine(args.threads))]
    for precision in smollm2.PRECISIONS:
        work = decoding.Work(precision, args.context, args.tokens, args.threads)
        tasks.append(Task(precision, "cpp", lambda w=work: decode(w)))
    tasks.append(Task(STEP, "cpp", lambda: step(args)))
    rounds = take_turns(tasks, args.rounds)
    summaries = summarize(rounds)
    print(table(summaries))
    flops, reading = (
        summaries[MACHINE][f]["values"]["cpp"]["max"]
        for f in ("gflop_per_s", "read_gb_per_s")
    )
    points = points_of(summaries, args.context)
    draw(points, flops, reading)
    result = {"gflop_per_s": flops, "read_gb_per_s": reading}
    result.update(points=points, rounds=rounds, summary=summaries)
    return measurement.save(result, {})


if __name__ == "__main__":
    sys.exit(main())
