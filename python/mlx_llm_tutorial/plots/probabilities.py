# SPDX-License-Identifier: MIT
"""What could have come next: the likeliest tokens as bars, and what each stage
of the sampler chain leaves of them (the page's "sampler X-ray")."""

import numpy as np

from . import colours as c
from .checks import array, fail, texts
from .style import (
    MONO_EM,
    WIDTH,
    axes_at,
    bare,
    new_figure,
    styled,
)
from .text import columns, families, label

ROW = 0.19  # inches


def probability_bars(
    probabilities, tokens, *, stages=None, taken=None, top=12, title=None
):
    """The `top` likeliest tokens as bars.

    probabilities: [V], shares from 0 to 1. tokens: V texts, or a function or
    dict that gives the text of an id (tokenizer.decode takes [id]: pass
    `lambda id: tokenizer.decode([id])`). stages: {name: [V]} or [(name, [V])],
    the probabilities after each stage of the sampler in its order; 0 is a
    token that was cut. A column each; its head says how many tokens are left
    and how much of the model's probability they hold. taken: the id that was
    drawn, always shown.
    """
    where = "probability_bars"
    p = array(where, "probabilities", probabilities, "[V]", low=0, high=1)
    if p.sum() > 1.01:
        fail(where, "probabilities that sum to 1", f"a sum of {p.sum():.4g}")
    chain = [("model", p), *_stages(where, stages, len(p))]
    ids = _rows(where, p, chain[-1][1], taken, top)
    names = _names(where, tokens, ids, len(p))
    if taken is not None:
        at = list(ids).index(int(taken))
        names[at] = f"▶ {names[at]}"
    with styled():
        return _draw(chain, ids, names, taken, title)


def _draw(chain, ids, names, taken, title):
    several = len(chain) > 1
    left = max(map(columns, names)) * MONO_EM * 8 / 72 + 0.25
    head = (0.32 if title else 0.08) + (0.36 if several else 0.05)
    width = min(WIDTH, left + (1.25 if several else 3.2) * len(chain) + 0.1)
    height = head + len(ids) * ROW + 0.4
    figure = new_figure(width, height, title)
    each = (width - left - 0.1) / len(chain)
    most = max(float(q[ids].max()) for _, q in chain)
    before = None
    for n, (name, q) in enumerate(chain):
        box = (left + n * each, head, each - 0.1, len(ids) * ROW)
        ax = bare(axes_at(figure, *box))
        ax.set_xlim(0, most * (each - 0.1) / (each - 0.58))  # and a number
        _column(ax, q[ids], None if before is None else before[ids], n)
        _ground(ax, ids, taken, names if n == 0 else None)
        if several:
            _head(ax, name, q, chain[0][1])
        before = q
    text = "probability of the next token (%)"
    text += ", of the model and after each stage" if several else ""
    text += "; ▶ taken" if taken is not None else ""
    at = (left / width, 0.12 / height)
    figure.text(*at, text, fontsize=8, color=c.INK_2)
    return figure


def _stages(where, stages, V):
    pairs = stages.items() if hasattr(stages, "items") else stages or []
    found = []
    for pair in pairs:
        try:
            name, q = pair
        except (TypeError, ValueError):
            fail(where, "stages as {name: [V]}", type(pair).__name__)
        q = array(where, f"stage {name!r}", q, "[V]", low=0, high=1)
        if len(q) != V:
            fail(where, f"stage {name!r} [{V}]", f"[{len(q)}]")
        found.append((str(name), q))
    return found


def _rows(where, p, last, taken, top):
    """Ids: the model's likeliest (of equals the lower id first), the taken one,
    and what the last stage prefers (typical-p may like others best)."""
    if top < 1:
        fail(where, "top of at least 1", top)
    ids = list(np.argsort(-p, kind="stable")[:top])
    if taken is not None:
        if not 0 <= int(taken) < len(p):
            fail(where, f"taken from 0 to {len(p) - 1}", taken)
        ids.append(int(taken))
    ids += [i for i in np.argsort(-last, kind="stable")[:3] if last[i] > 0]
    return np.array(list(dict.fromkeys(int(i) for i in ids)))


def _names(where, tokens, ids, V):
    if callable(tokens):
        return [label(tokens(int(i)), 14) for i in ids]
    if hasattr(tokens, "get"):
        return [label(tokens.get(int(i), f"#{i}"), 14) for i in ids]
    found = texts(where, "tokens", tokens, V)
    return [label(found[i], 14) for i in ids]


def percent(p):
    """12.3 %, 0.45 %, < 0.01 %"""
    x = 100 * float(p)
    if 0 < x < 0.01:
        return "< 0.01 %"
    digits = 0 if x == 0 or x >= 99.95 else 1 if x >= 1 else 2
    return f"{x:.{digits}f} %"


def _column(ax, values, before, n):
    """Bars and their numbers; what this stage removed is named so."""
    rows = np.arange(len(values))
    colour = c.COOL if n == 0 else c.HEAT_LINE
    ax.barh(rows, values, height=0.62, color=colour, zorder=2)
    said = False
    for row, value in enumerate(values):
        cut = value == 0 and before is not None and before[row] > 0
        gone = value == 0 and before is not None and not cut
        text = "" if gone else percent(value)
        if cut:
            text, said = "cut" if said else "cut here", True
        ax.text(
            value + ax.get_xlim()[1] * 0.02,
            row,
            text,
            va="center",
            fontsize=7.5,
            color=c.INK_3 if cut else c.INK,
            zorder=3,
        )
    ax.set_ylim(len(values) - 0.5, -0.5)


def _ground(ax, ids, taken, names):
    """A pale band below each row, another for the token taken."""
    for row, i in enumerate(ids):
        chosen = taken is not None and i == int(taken)
        colour = c.ACCENT_SOFT if chosen else c.SUNKEN
        ax.axhspan(row - 0.36, row + 0.36, color=colour, zorder=0)
    ax.set_xticks([])
    ax.set_yticks([])
    if names is None:
        return
    look = {"fontsize": 8, "family": families(), "parse_math": False}
    ax.set_yticks(range(len(ids)), names, color=c.INK, **look)
    for tick, i in zip(ax.get_yticklabels(), ids):
        if taken is not None and i == int(taken):
            tick.set_fontweight("bold")


def _head(ax, name, q, p):
    left = int((q > 0).sum())
    mass = float(p[q > 0].sum())
    facts = f"{left:,} left · {percent(min(1, mass))}"
    for text, up, weight in ((name, 17, "bold"), (facts, 5, "normal")):
        ax.annotate(
            text,
            (0, 1),
            xycoords="axes fraction",
            xytext=(0, up),
            textcoords="offset points",
            fontsize=7.5,
            fontweight=weight,
            color=c.INK_2,
        )
