# SPDX-License-Identifier: MIT
"""What each attention head is worth."""

import numpy as np
from matplotlib.patches import Rectangle

from . import colours as c
from .checks import array
from .style import SMALL, axes_at, bare, colour_bar, grid, new_figure, styled


def head_ablation(kl, *, title=None, marked=3):
    """What each head is worth: how far the next-token distribution moves when
    the head's output is set to zero.

    kl: [L, H], KL(whole model || without the head) in nats per token, 0 or
    more. Rings mark the `marked` heads that are missed most.
    """
    kl = array("head_ablation", "kl", kl, "[L, H]", low=0)
    layers, heads = kl.shape
    pitch = max(0.16, min(6.2 / heads, 8.4 / layers, 0.55))
    left, top = 0.55, 0.72 if title else 0.42
    size = (max(left + heads * pitch + 0.12, 2.7), top + layers * pitch + 0.62)
    with styled():
        figure = new_figure(*size, title)
        box = (left, top, heads * pitch, layers * pitch)
        ax = bare(axes_at(figure, *box))
        most = max(float(kl.max()), 1e-9)
        image = ax.imshow(kl, cmap=c.SCALE, vmin=0, vmax=most, aspect="auto")
        ax.set_xticks(range(heads))
        ax.set_yticks(range(layers))
        ax.xaxis.tick_top()
        ax.xaxis.set_label_position("top")
        ax.tick_params(labelsize=SMALL, pad=2)
        grid(ax, kl.shape)
        ax.set(xlabel="head", ylabel="layer")
        if pitch >= 0.36:
            _numbers(ax, image, kl)
        _rings(ax, kl, marked)
        name = "KL without the head (nats per token)"
        colour_bar(figure, image, name, left, size[1] - 0.5)
        return figure


def _numbers(ax, image, values):
    for (i, j), value in np.ndenumerate(values):
        ax.text(
            j,
            i,
            f"{value:.2g}" if value < 0.1 else f"{value:.2f}",
            ha="center",
            va="center",
            fontsize=SMALL,
            color=c.ink_on(image.to_rgba(value)),
        )


def _rings(ax, kl, count):
    for flat in np.argsort(-kl, axis=None)[: max(0, count)]:
        i, j = np.unravel_index(flat, kl.shape)
        ax.add_patch(
            Rectangle(
                (j - 0.5, i - 0.5),
                1,
                1,
                fill=False,
                edgecolor=c.HEAT_LINE,
                linewidth=1.6,
                zorder=3,
                clip_on=False,
            )
        )
