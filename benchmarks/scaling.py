# SPDX-License-Identifier: MIT
"""How the time of a training step grows with the width of the model, its
context and the batch, beside PyTorch; the other two are those of the nano
preset. Draws results/scaling.png on log axes.
"""

import argparse
import statistics
import sys

from support import training
from support.peers import Peers, add_option
from support.record import Measurement, cores
from support.rounds import Task, summarize, table, take_turns

AXES = {
    "width": [64, 128, 256, 512],
    "block": [32, 64, 128, 256, 512],
    "batch": [1, 4, 12, 32, 64],
}
LABELS = {"width": "width", "block": "context (tokens)", "batch": "batch"}
HEAD = 32  # numbers of a head: a wider model has more heads


def shape_of(axis, value):
    if axis == "width":
        return training.Shape(width=value, heads=value // HEAD)
    return training.Shape(**{axis: value})


def milliseconds(seconds, skip):
    return seconds and {"ms": 1e3 * statistics.median(seconds[skip:])}


def contenders(args, peers, shape):
    def cpp():
        seconds = training.cpp(args.steps, args.threads, shape=shape)
        return milliseconds(seconds, args.skip)

    def torch():
        said = training.torch(
            peers.python, args.steps, args.threads, shape=shape
        )
        return said and milliseconds(said["seconds"], args.skip)

    return {"cpp": cpp, **({"torch": torch} if peers.has("torch") else {})}


def points(args):
    """(axis, value) of each point; --largest leaves out those above it."""
    for axis, values in AXES.items():
        for value in values:
            if value <= args.largest:
                yield axis, value


def curves_of(summaries, axis):
    """{contender: [(value, spread)]}"""
    curves = {}
    for value in AXES[axis]:
        found = summaries.get(f"{axis} {value}", {}).get("ms", {"values": {}})
        for name, spread in found["values"].items():
            curves.setdefault(name, []).append((value, spread))
    return curves


def draw(summaries):
    from support import plots

    figure, panels = plots.axes(len(AXES))
    for panel, axis in zip(panels, AXES):
        for name, curve in curves_of(summaries, axis).items():
            x = [value for value, _ in curve]
            low, middle, high = (
                [v[key] for _, v in curve] for key in ("min", "median", "max")
            )
            panel.plot(
                x, middle, "o-", ms=4,
                color=plots.COLORS[name], label=plots.NAMES[name],
            )  # fmt: skip
            panel.fill_between(
                x, low, high, alpha=0.2, color=plots.COLORS[name], lw=0
            )
        panel.set_xlabel(LABELS[axis])
        panel.set_xticks(x, [str(value) for value in x])
        panel.xaxis.set_minor_locator(plots.ticker.NullLocator())
    panels[0].set_ylabel("milliseconds a step")
    panels[0].legend(frameon=False)
    return plots.save(figure, "scaling")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--skip", type=int, default=4, help="steps to warm up")
    parser.add_argument("--largest", type=int, default=512, help="value drawn")
    parser.add_argument("--threads", type=int, default=cores())
    add_option(parser)
    args = parser.parse_args()
    if args.rounds < 1 or args.steps <= args.skip or args.largest < 64:
        parser.error(
            "at least one round, more --steps than --skip, --largest 64"
        )
    peers = Peers(args.peers_python, "torch")
    measurement = Measurement("scaling", args.threads, **peers.versions)
    tasks = [
        Task(f"{axis} {value}", name, run)
        for axis, value in points(args)
        for name, run in contenders(args, peers, shape_of(axis, value)).items()
    ]
    rounds = take_turns(tasks, args.rounds)
    summaries = summarize(rounds)
    print(table(summaries))
    draw(summaries)
    return measurement.save({"rounds": rounds, "summary": summaries}, {})


if __name__ == "__main__":
    sys.exit(main())
