# SPDX-License-Identifier: MIT
"""Writes <name>/inspect.safetensors beside the models of make_models.py: what
transformers says is inside them while they read the first of the texts.

  attentions  [layers, heads, 16, 16]  weights of every head ("eager")
  residuals   [layers + 1, 16, C]      the residual stream: embeddings, then after
                                       each block, before the final norm
  no_head     [16, V]  logits when head 1 of layer 0 finds nothing: its slice of
                       what the output projection reads is 0
  no_mlp      [16, V]  logits when the MLP of layer 1 finds nothing
"""

import pathlib
import sys

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

HERE = pathlib.Path(__file__).parent
NAMES = "gpt2 llama qwen3 qwen3_window mistral gemma3".split()


def parts(model):
    """The blocks, and of a block: output projection, MLP's last layer."""
    if hasattr(model, "transformer"):
        return model.transformer.h, lambda b: (b.attn.c_proj, b.mlp.c_proj)
    last = "post_feedforward_layernorm"
    return model.model.layers, lambda b: (
        b.self_attn.o_proj,
        getattr(b, last) if hasattr(b, last) else b.mlp,
    )


def look(folder):
    model = AutoModelForCausalLM.from_pretrained(
        folder, attn_implementation="eager", dtype=torch.float32
    ).eval()
    tokens = load_file(folder / "expected.safetensors")["tokens"][:1].long()
    blocks, ends = parts(model)
    stream = []
    hooks = [
        blocks[0].register_forward_pre_hook(
            lambda _, args, kwargs: stream.append(
                args[0] if args else kwargs["hidden_states"]
            ),
            with_kwargs=True,
        )
    ]
    for block in blocks:
        hooks.append(
            block.register_forward_hook(
                lambda _, __, out: stream.append(
                    out[0] if isinstance(out, tuple) else out
                )
            )
        )
    out = model(tokens, output_attentions=True, use_cache=False)
    [hook.remove() for hook in hooks]

    heads = out.attentions[0].shape[1]
    projection, _ = ends(blocks[0])

    def without_head(_, args):
        x = args[0].clone()
        width = x.shape[-1] // heads
        x[..., width : 2 * width] = 0
        return (x,)

    hook = projection.register_forward_pre_hook(without_head)
    no_head = model(tokens, use_cache=False).logits[0]
    hook.remove()
    _, mlp = ends(blocks[1])
    hook = mlp.register_forward_hook(lambda _, __, x: torch.zeros_like(x))
    no_mlp = model(tokens, use_cache=False).logits[0]
    hook.remove()
    return {
        "attentions": torch.cat(out.attentions),
        "residuals": torch.cat(stream),
        "no_head": no_head,
        "no_mlp": no_mlp,
    }


def main():
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    for name in sys.argv[1:] or NAMES:
        arrays = {k: v.contiguous() for k, v in look(HERE / name).items()}
        save_file(arrays, HERE / name / "inspect.safetensors")
        print(name, {k: list(v.shape) for k, v in arrays.items()})


if __name__ == "__main__":
    main()
