# SPDX-License-Identifier: MIT
"""Pictures of language models. Each function takes plain arrays (anything
numpy.asarray takes, mx.array too), lists and dicts, and returns a Matplotlib
Figure; nothing is shown or closed by itself. In a notebook it is enough to end
a cell with the Figure; `figure.savefig("name.pdf")` keeps it.

    attention_grid          all heads of a layer or of a model, small
    head                    one head with its tokens
    head_ablation           what is lost without each head
    logit_lens              what each layer would say
    token_strip             a text coloured by surprise
    probability_bars        what could come next, and what the sampler leaves
    loss_curves             training runs beside n-grams and the entropy floor
    LiveLoss                the same while a model learns
    parameter_histogram     the values of the parameters by layer
    embeddings_pca          embeddings in the plane
    comparison_table        models beside each other, the best marked
    perplexity_by_category  how surprised by which kind of text
    seed_spread             one setting with several seeds: the noise
"""

from .ablation import head_ablation
from .attention import attention_grid, head
from .curves import loss_curves
from .embeddings import embeddings_pca
from .lens import logit_lens
from .live import LiveLoss
from .parameters import parameter_histogram
from .perplexity import perplexity_by_category
from .probabilities import probability_bars
from .runs import Run, read_run
from .seeds import seed_spread
from .table import comparison_table
from .text import visible
from .tokens import token_strip

__all__ = [
    "LiveLoss",
    "Run",
    "attention_grid",
    "comparison_table",
    "embeddings_pca",
    "head",
    "head_ablation",
    "logit_lens",
    "loss_curves",
    "parameter_histogram",
    "perplexity_by_category",
    "probability_bars",
    "read_run",
    "seed_spread",
    "token_strip",
    "visible",
]
