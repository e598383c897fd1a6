# SPDX-License-Identifier: MIT
"""Loss curves that grow while a model learns, in a notebook or without one."""

import sys
import time

from .curves import HEIGHT, draw_curves
from .references import common_references
from .runs import Run
from .style import WIDTH, new_figure, styled, write_title


class LiveLoss:
    """Loss curves that grow while a model learns.

    update(record) takes the lines of metrics.jsonl as dicts, or what a training
    callback gets: {"step", "loss"} and now and then "val_loss_sampled". In a
    notebook the picture is redrawn in place, at most every `every` seconds and
    for at most a tenth of the time, so that training goes on; finish() draws
    the last state. Elsewhere nothing is shown, and `figure` is there to save.
    ladder, floor, keep, log, title: as in loss_curves; steps: planned.
    """

    def __init__(
        self,
        *,
        ladder=None,
        floor=None,
        steps=0,
        every=1.0,
        keep=0.9,
        log=True,
        title=None,
    ):
        self._run = Run(steps=steps)
        self._given = ladder, floor
        self._look = keep, log
        self._title = title
        self._every = every
        self._due = 0.0
        self._shown = None
        self._stale = True
        with styled():
            self._figure = new_figure(WIDTH, HEIGHT, layout="constrained")

    def update(self, record):
        self._run.add(record)
        self._stale = True
        end = record.get("step", -1) >= self._run.steps > 0
        if end or time.monotonic() >= self._due:
            self.finish()

    __call__ = update  # a callback

    def finish(self):
        """Draws what has come so far."""
        start = time.monotonic()
        figure = self.figure
        if self._shown is not None:
            self._shown.update(figure)
        elif (display := _notebook_display()) is not None:
            self._shown = display(figure, display_id=True)
        now = time.monotonic()
        self._due = now + max(self._every, 9 * (now - start))

    @property
    def figure(self):
        """The Figure, with all that has come so far."""
        if self._stale:
            run = self._run
            with styled():
                self._figure.clear()
                if self._title:
                    write_title(self._figure, self._title)
                ladder, floor = common_references([run], *self._given)
                draw_curves(self._figure, [run], ladder, floor, *self._look)
            self._stale = False
        return self._figure


def _notebook_display():
    """IPython's display(), or None outside of IPython."""
    if sys.modules.get("IPython") is None:
        return None
    from IPython import get_ipython
    from IPython.display import display

    return None if get_ipython() is None else display
