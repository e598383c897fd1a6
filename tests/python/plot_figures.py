# SPDX-License-Identifier: MIT
"""What the tests of the plots share: the package, an example of each figure,
and a look at what a figure has really drawn."""

import pathlib
import sys

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python"))

from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: E402
from matplotlib.patches import Rectangle  # noqa: E402
from matplotlib.text import Text  # noqa: E402
from mlx_llm_tutorial import plots  # noqa: E402


def drawn_texts(figure):
    """[(Text, its rectangle in pixels)] of all texts that a drawing shows."""
    seen = []

    def draw(self, renderer, original=Text.draw):
        if self.get_visible() and self.get_text().strip():
            seen.append(self)
        original(self, renderer)

    original, Text.draw = Text.draw, draw
    try:
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
    finally:
        Text.draw = original
    renderer = canvas.get_renderer()
    return [(text, Text.get_window_extent(text, renderer)) for text in seen]


def words(figure):
    """All texts of a figure, as they are drawn."""
    return [text.get_text() for text, _ in drawn_texts(figure)]


def assert_readable(figure):
    """Fits a printed page; no text is small, cut off or covered by another."""
    assert figure.get_size_inches()[0] <= 7.2
    found = drawn_texts(figure)
    assert found
    for text, box in found:
        assert text.get_fontsize() >= 7, text
        assert not text.get_parse_math(), text  # a token may be "$"
        inside = box.x0 > -1 and box.y0 > -1
        inside &= box.x1 < figure.bbox.x1 + 1 and box.y1 < figure.bbox.y1 + 1
        assert inside, f"{text} is cut off"
    x0, y0, x1, y1 = np.array([box.extents for _, box in found]).T
    across = np.minimum(x1, x1[:, None]) - np.maximum(x0, x0[:, None])
    up = np.minimum(y1, y1[:, None]) - np.maximum(y0, y0[:, None])
    covered = (across > 1.5) & (up > 1.5) & ~np.eye(len(found), dtype=bool)
    pairs = [(found[i][0], found[j][0]) for i, j in np.argwhere(covered)]
    assert not pairs, pairs[0]


def rings(ax):
    """(column, row) of the cells that have a ring."""
    found = [p for p in ax.patches if isinstance(p, Rectangle)]
    return {(round(p.get_x() + 0.5), round(p.get_y() + 0.5)) for p in found}


# --- data --------------------------------------------------------------------


def attention(*shape, seed=0):
    """Causal weights [..., T, T] whose rows sum to 1."""
    scores = np.random.default_rng(seed).normal(0, 2, shape)
    scores[..., np.triu(np.ones(shape[-2:], bool), 1)] = -np.inf
    p = np.exp(scores - scores.max(-1, keepdims=True))
    return (p / p.sum(-1, keepdims=True)).astype(np.float32)


TOKENS = ["The", " fox", " saw", " the", " moon", ".", "\n", " It"]
LADDER = {0: 4.0, 1: 3.06, 2: 2.29, 3: 1.57, 4: 1.01, 5: 0.71, 6: 0.56}


def losses(steps=200, seed=0):
    noise = np.random.default_rng(seed).normal(0, 0.05, steps)
    return 0.4 + 3.6 * np.exp(-np.arange(steps) / 40) + noise


def parameters():
    draw = np.random.default_rng(0).normal
    shapes = {"attn.wq": (8, 8), "attn.wo": (8, 8), "mlp.up": (8, 32)}
    found = {"embed.weight": draw(0, 0.02, (50, 8))}
    for layer in range(4):
        for name, shape in shapes.items():
            scale = 0.02 + 0.01 * layer
            found[f"layers.{layer}.{name}.weight"] = draw(0, scale, shape)
        found[f"layers.{layer}.norm.weight"] = np.ones(8)
    return found


def chain():
    """(probabilities of 8 tokens, what each stage leaves of them)."""
    p = np.array([0.4, 0.2, 0.15, 0.1, 0.06, 0.05, 0.03, 0.01])
    top_k = np.where(p >= 0.05, p, 0) / p[:6].sum()
    top_p = np.where(p >= 0.15, p, 0) / p[:3].sum()
    hot = top_p**0.5 / (top_p**0.5).sum()
    return p, {"top-k": top_k, "top-p": top_p, "temperature": hot}


def curves(**options):
    runs = {"width 64": losses(), "width 128": losses(seed=1) * 0.8}
    return plots.loss_curves(runs, ladder=LADDER, floor=0.29, **options)


EXAMPLES = {
    "attention_grid": lambda title: plots.attention_grid(
        attention(3, 4, 8, 8), scores=np.eye(3, 4), title=title
    ),
    "attention_grid of a layer": lambda title: plots.attention_grid(
        attention(8, 8, 8), scores=["induction"] * 8, title=title
    ),
    "head": lambda title: plots.head(attention(8, 8), TOKENS, title=title),
    "head of many": lambda title: plots.head(
        attention(60, 60), ["a"] * 60, title=title
    ),
    "head_ablation": lambda title: plots.head_ablation(
        np.arange(12).reshape(3, 4) / 20, title=title
    ),
    "logit_lens": lambda title: plots.logit_lens(
        [TOKENS[1:] + [" was"]] * 5,
        np.linspace(0, 1, 40).reshape(5, 8),
        TOKENS,
        title=title,
    ),
    "token_strip": lambda title: plots.token_strip(
        TOKENS * 6, -np.linspace(0, 9, 48), title=title
    ),
    "probability_bars": lambda title: plots.probability_bars(
        chain()[0], TOKENS, taken=2, title=title
    ),
    "probability_bars of a chain": lambda title: plots.probability_bars(
        chain()[0], TOKENS, stages=chain()[1], taken=2, title=title
    ),
    "loss_curves": lambda title: curves(title=title),
    "parameter_histogram": lambda title: plots.parameter_histogram(
        parameters(), title=title
    ),
    "embeddings_pca": lambda title: plots.embeddings_pca(
        np.random.default_rng(0).normal(0, 1, (30, 8)),
        "abcdefghijklmnopqrstuvwxyz.,!?",
        groups=["letter"] * 26 + ["mark"] * 4,
        title=title,
    ),
    "comparison_table": lambda title: plots.comparison_table(
        {
            "GPT, from nothing": {"loss (nats per token)": 0.712, "speed": 900},
            "SmolLM2 + LoRA": {"loss (nats per token)": 0.655, "speed": 120},
        },
        best={"loss (nats per token)": "min", "speed": "max"},
        title=title,
    ),
    "perplexity_by_category": lambda title: plots.perplexity_by_category(
        {
            "before": {"questions": 31.2, "stories": 12.5, "code": 140.0},
            "after": {"questions": 8.1, "stories": 11.9, "code": 152.0},
        },
        title=title,
    ),
    "seed_spread": lambda title: plots.seed_spread(
        {"width 64": [0.71, 0.69, 0.73], "width 128": [0.6]}, title=title
    ),
}
