# SPDX-License-Identifier: MIT
"""Training runs as curves: read from metrics.jsonl (llm/training/metrics.h: the
first line says what the run is, the others are steps) or given as lists."""

import json
import os
import pathlib
from dataclasses import dataclass, field, replace

import numpy as np

from .checks import fail, numbers, shape_text


@dataclass
class Run:
    """Losses in nats per token against steps; n-grams in nats per character."""

    name: str = ""
    train: list = field(default_factory=list)  # (step, loss)
    validation: list = field(default_factory=list)  # (step, loss)
    ladder: dict = field(default_factory=dict)  # {n: loss} of the best n-gram
    floor: float | None = None  # entropy of the text's source
    steps: int = 0  # that are planned, 0: unknown

    def add(self, record):
        """One line of metrics.jsonl as a dict. One without a step describes
        the run."""
        if not hasattr(record, "get"):
            fail("loss_curves", "records as dicts", type(record).__name__)
        step, loss = record.get("step"), record.get("loss")
        sampled = record.get("val_loss_sampled", record.get("val_loss"))
        if step is None:
            if loss is not None:
                fail("loss_curves", "a step beside each loss", dict(record))
            self._describe(record)
            return
        for points, value in ((self.train, loss), (self.validation, sampled)):
            if value is not None:
                points.append((_number("step", step), _number("loss", value)))

    def _describe(self, head):
        self.name = str(head.get("run") or self.name)
        config = (head.get("config") or {}).get("config") or {}
        planned = config.get("steps") or head.get("iters") or self.steps
        self.steps = int(planned)
        self.ladder = as_ladder(head.get("ladder") or self.ladder)
        floor = head.get("entropy_floor") or {}
        self.floor = floor.get("fixed_windows", self.floor)


def _number(name, value):
    try:
        return float(value)
    except (TypeError, ValueError):
        fail("loss_curves", f"a number as {name}", repr(value))


def as_ladder(ladder):
    """{n: loss}: of each n the best. From the records of metrics.jsonl
    ({"n", "val_nats_per_char"}) or such a dict. n counts the characters that
    are looked at together, the predicted one included; 0 is guessing."""
    if hasattr(ladder, "items"):
        return {int(n): float(loss) for n, loss in ladder.items()}
    best = {}
    for rung in ladder:
        try:
            n, loss = int(rung["n"]), float(rung["val_nats_per_char"])
        except (KeyError, TypeError, ValueError):
            wanted = 'rungs of the ladder with "n" and "val_nats_per_char"'
            fail("loss_curves", wanted, repr(rung))
        best[n] = min(loss, best.get(n, np.inf))
    return best


def read_run(path):
    """The Run of a metrics.jsonl, or of the folder that holds one. A last line
    that is still being written does not count yet."""
    path = pathlib.Path(path)
    if path.is_dir():
        path = path / "metrics.jsonl"
    if not path.is_file():
        raise FileNotFoundError(
            f"[loss_curves] expected metrics.jsonl but received {path}, which "
            "is not there; give the file or the folder of a training run."
        )
    text = path.read_bytes().decode("utf-8", errors="replace")
    run = Run(name=path.resolve().parent.name)
    for number, line in enumerate(text.split("\n")[:-1], 1):
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            fail(f"{path.name}:{number}", "a JSON object", repr(line[:40]))
        run.add(record)
    return run


def as_run(value, name=""):
    """A Run from a Run, a path, a list of records, {"train", "validation"}, or
    numbers: losses of the steps 1, 2, ..., or pairs (step, loss)."""
    if isinstance(value, Run):
        return replace(value, name=name or value.name)
    if isinstance(value, (str, os.PathLike)):
        run = read_run(value)
        run.name = name or run.name
        return run
    if is_one_run(value):
        return Run(
            name,
            pairs("train", value.get("train", [])),
            pairs("validation", value.get("validation", [])),
        )
    if isinstance(value, (list, tuple)) and value and hasattr(value[0], "get"):
        run = Run(name)
        for record in value:
            run.add(record)
        run.name = name or run.name
        return run
    return Run(name, pairs("train", value))


def is_one_run(value):
    return hasattr(value, "get") and set(value) <= {"train", "validation"}


def pairs(name, value):
    """[(step, loss)] from losses [N] or pairs [N, 2]."""
    found = numbers("loss_curves", f"{name} losses", value)
    if found.ndim == 1:
        found = np.stack([np.arange(1, len(found) + 1), found], axis=1)
    if found.ndim != 2 or found.shape[1] != 2:
        wanted = f"{name} losses [N] or (step, loss) [N, 2]"
        fail("loss_curves", wanted, shape_text(found.shape))
    return [(float(step), float(loss)) for step, loss in found]


def as_runs(value):
    """[Run]: from one run, a list of runs or a dict {name: run}."""
    if hasattr(value, "items") and not is_one_run(value):
        return [as_run(run, str(name)) for name, run in value.items()]
    several = (str, os.PathLike, Run)
    if isinstance(value, (list, tuple)):
        if value and all(isinstance(run, several) for run in value):
            return [as_run(run) for run in value]
    return [as_run(value)]


def smooth(points, keep=0.9):
    """Running mean of [(x, y)] that forgets: `keep` of the old at each point.
    What is not finite is skipped."""
    mean = weight = 0.0
    out = []
    for x, y in points:
        if np.isfinite(y):
            mean = keep * mean + (1 - keep) * y
            weight = keep * weight + (1 - keep)
            out.append((x, mean / weight))
    return out
