# SPDX-License-Identifier: MIT
"""Points of a grid of training runs, and how their settings get into a Preset."""

import dataclasses
import hashlib
import itertools
import json


@dataclasses.dataclass(frozen=True)
class Run:
    """One point of a grid."""

    settings: dict  # path -> value
    seed: int
    base: dict = dataclasses.field(default_factory=dict)  # same in all runs

    @property
    def id(self):
        """A name for people, and a hash that makes it unique."""
        parts = [self.base, self.settings, self.seed]
        text = json.dumps(parts, sort_keys=True)
        code = hashlib.sha256(text.encode()).hexdigest()[:8]
        keep = "".join(
            c if c.isalnum() or c in "=.-" else "_" for c in str(self)
        )
        return f"{keep[:80]}-{code}"

    def __str__(self):
        short = [
            f"{path.split('.')[-1]}={value}"
            for path, value in self.settings.items()
        ]
        return "-".join([*short, f"seed={self.seed}"])


def grid(choices, seeds=(1,), base=None):
    """All combinations of {path: [values]}, or a list of points {path: value},
    each with every seed."""
    if hasattr(choices, "items"):
        choices = [
            dict(zip(choices, values))
            for values in itertools.product(*choices.values())
        ]
    return [
        Run(dict(point), seed, base or {})
        for point in choices
        for seed in seeds
    ]


WHOLE = {"train.steps": "set_steps", "train.block": "set_block"}


def apply(preset, settings):
    """Sets {path: value} in a preset: steps and window first, with what follows
    from them. TypeError names a path that is none."""
    order = sorted(settings.items(), key=lambda item: item[0] not in WHOLE)
    for path, value in order:
        target = preset
        *above, last = path.split(".")
        try:
            for name in above:
                target = getattr(target, name)
            if not hasattr(target, last):
                raise AttributeError(last)
        except AttributeError:
            raise TypeError(
                f"[experiments] expected a path such as 'train.steps' or "
                f"'model.width' but received {path!r}; there is: "
                f"{fields(target)}."
            ) from None
        try:
            if path in WHOLE:
                getattr(target, WHOLE[path])(value)
            else:
                setattr(target, last, value)
        except TypeError:
            raise TypeError(
                f"[experiments] expected another type for {path} but received "
                f"{value!r}; it is {getattr(target, last)!r} now."
            ) from None
    return preset


def fields(settings):
    """The names of a struct of settings, joined."""
    return ", ".join(
        name
        for name, value in vars(type(settings)).items()
        if isinstance(value, property)
    )
