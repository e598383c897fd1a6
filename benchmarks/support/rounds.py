# SPDX-License-Identifier: MIT
"""Contenders take turns. A machine is never twice the same, so what counts is
the ratio inside a round: everyone runs once, in another order than before, and
each ratio is that of two runs of the same round.

A *case* is the work ("q4, 2 threads, 256 tokens"), a *contender* who does it
("cpp", "torch"), a *figure* what was measured. A figure whose name ends in
_per_s is better when it is larger, any other when it is smaller. Ratios say
how much better ours is: 2 means twice as fast, or half the memory.
"""

import dataclasses
import math
import os
import statistics
import sys
from collections.abc import Callable


@dataclasses.dataclass
class Task:
    case: str
    contender: str
    run: Callable  # () -> {figure: positive number}, or None: it failed


def order(items, number):
    """Each round begins with another one; when all have begun, backwards."""
    if not items:
        return []
    first = number % len(items)
    turned = items[first:] + items[:first]
    backwards = len(items) > 2 and number // len(items) % 2
    return turned[::-1] if backwards else turned


def take_turns(tasks, rounds, out=sys.stdout, after=lambda done: None):
    """[{"load": of the machine, "cases": {case: {contender: {figure: x}}}}].
    Who fails once is left out from then on. `after` is given the rounds so far
    at the end of each, to save them."""
    tasks, done = list(tasks), []
    for number in range(rounds):
        done.append({"load": round(os.getloadavg()[0], 2), "cases": {}})
        for case in dict.fromkeys(task.case for task in tasks):
            said = done[-1]["cases"].setdefault(case, {})
            for task in order([t for t in tasks if t.case == case], number):
                figures = task.run()
                where = f"round {number + 1}: {case}: {task.contender}"
                if not is_measured(figures):
                    print(f"{where} failed, left out", file=out, flush=True)
                    tasks.remove(task)
                    continue
                said[task.contender] = figures
                print(f"{where} {text_of(figures)}", file=out, flush=True)
        after(done)
    return done


def is_measured(figures):
    return bool(figures) and all(
        math.isfinite(x) and x > 0 for x in figures.values()
    )


def text_of(figures):
    return ", ".join(f"{name} {x:.4g}" for name, x in figures.items())


def more_is_better(figure):
    return figure.endswith("_per_s")


def advantage(figure, ours, theirs):
    """How many times better ours is."""
    return ours / theirs if more_is_better(figure) else theirs / ours


def spread(values):
    return {
        "min": min(values),
        "median": statistics.median(values),
        "max": max(values),
    }


def summarize(rounds, ours="cpp"):
    """{case: {figure: {"values": {contender: spread}, "ratios": the same}}} of
    those who ran in every round."""
    out = {}
    for case in rounds[0]["cases"]:
        runs = [r["cases"].get(case, {}) for r in rounds]
        names = [n for n in runs[0] if all(n in run for run in runs)]
        figures = dict.fromkeys(f for n in names for f in runs[0][n])
        out[case] = {f: summary_of(f, runs, names, ours) for f in figures}
    return out


def summary_of(figure, runs, names, ours):
    names = [n for n in names if figure in runs[0][n]]
    values = {n: [run[n][figure] for run in runs] for n in names}
    ratios = {
        n: [advantage(figure, a, b) for a, b in zip(values[ours], values[n])]
        for n in names
        if n != ours and ours in values
    }
    return {
        "values": {n: spread(v) for n, v in values.items()},
        "ratios": {n: spread(v) for n, v in ratios.items()},
    }


def best(summary, figure, family):
    """Of a family ("torch": torch, torch_compile) the one with the best median:
    {"name": ..., and its ratio}; None if it has no ratio."""
    names = [
        n
        for n in summary["ratios"]
        if n == family or n.startswith(family + "_")
    ]
    if not names:
        return None
    choose = max if more_is_better(figure) else min
    name = choose(names, key=lambda n: summary["values"][n]["median"])
    return {"name": name, **summary["ratios"][name]}


def worst_ratio(summaries, figure, family, cases):
    """The lowest median ratio to the best of a family over `cases`, or None."""
    found = [best(summaries[c][figure], figure, family) for c in cases]
    return min((b["median"] for b in found if b), default=None)


def table(summaries):
    """Lines for people: a block for each figure, a row for each contender."""
    lines = []
    figures = dict.fromkeys(f for case in summaries.values() for f in case)
    for figure in figures:
        better = "more" if more_is_better(figure) else "less"
        title = f"{figure} ({better} is better)"
        lines += ["", f"{title:<46}{'median':>10}  min to max         ratio"]
        for case, found in summaries.items():
            if figure in found:
                lines += rows(case, found[figure])
    return "\n".join(lines)


def rows(case, summary):
    for name, v in summary["values"].items():
        line = f"  {case + ': ' + name:<44}{v['median']:>10.4g}  "
        line += f"{v['min']:.4g} to {v['max']:.4g}"
        if name in summary["ratios"]:
            r = summary["ratios"][name]
            line = f"{line:<76}{r['median']:.2f} "
            line += f"({r['min']:.2f} to {r['max']:.2f})"
        yield line
