# SPDX-License-Identifier: MIT
"""Writes one folder for each small model that Hugging Face transformers runs.

<name>/config.json, model.safetensors  as save_pretrained writes them
<name>/expected.safetensors            what torch computes from them:
  tokens, targets [3, 16] int32; logits [3, 16, 61]; loss, grad_norm [1]
  grad.<name>      gradient of the loss for every parameter
  adamw_losses     [10]: loss before each of ten updates on the same batch,
                   gradients clipped to CLIP, decay on matrices only
Those that differ from another one in a few numbers only are narrower and have
neither gradients nor losses.
All weights are random, norms and biases too, so that a swapped or missing one
shows. Sliding windows are of 8 tokens, half of the text. float32, CPU, one
thread. With names as arguments it writes those alone.
"""

import json
import pathlib
import sys
import tempfile

import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from torch.nn.functional import cross_entropy
from transformers import (
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

HERE = pathlib.Path(__file__).parent
BATCH, LENGTH, VOCAB = 3, 16, 61
CLIP = 1.0
NO_TOKENS = dict(bos_token_id=None, eos_token_id=None, pad_token_id=None)
EAGER = dict(attn_implementation="eager")


def gpt2(activation):
    sizes = dict(
        vocab_size=VOCAB, n_positions=24, n_embd=32, n_layer=2, n_head=4
    )
    no_dropout = dict(resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0)
    kind = dict(
        activation_function=activation, **no_dropout, **NO_TOKENS, **EAGER
    )
    return GPT2LMHeadModel(GPT2Config(**sizes, **kind))


def decoder(config, model, theta, **extra):
    sizes = dict(vocab_size=VOCAB, hidden_size=32, intermediate_size=48)
    sizes |= dict(
        num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2
    )
    rope = dict(rope_type="default", rope_theta=theta)
    sizes |= dict(max_position_embeddings=24, rope_parameters=rope)
    return model(config(**(sizes | NO_TOKENS | EAGER | extra)))


def llama(tied=True, **extra):
    extra |= dict(rms_norm_eps=1e-5, tie_word_embeddings=tied)
    return decoder(LlamaConfig, LlamaForCausalLM, 10000.0, **extra)


NARROW = dict(hidden_size=16, intermediate_size=24)


def scaled_llama(kind, **numbers):
    rope = dict(rope_type=kind, rope_theta=10000.0, factor=4.0, **numbers)
    sizes = dict(max_position_embeddings=96, head_dim=8, **NARROW)
    return llama(rope_parameters=rope, **sizes)


def qwen3(**extra):
    extra |= dict(rms_norm_eps=1e-6, tie_word_embeddings=True, head_dim=16)
    return decoder(Qwen3Config, Qwen3ForCausalLM, 1000000.0, **extra)


def qwen2(**extra):
    return decoder(Qwen2Config, Qwen2ForCausalLM, 1000000.0, **extra)


def mistral(**extra):
    return decoder(MistralConfig, MistralForCausalLM, 10000.0, **extra)


def gemma3():
    """A width whose square root, the scale of the embedding, is exact in
    bfloat16, as mlx-lm rounds it."""
    full = dict(rope_type="linear", rope_theta=1000000.0, factor=8.0)
    local = dict(rope_type="default", rope_theta=10000.0)
    extra = dict(head_dim=16, sliding_window=8, query_pre_attn_scalar=24)
    extra |= dict(hidden_size=16, sliding_window_pattern=2)
    extra |= dict(num_hidden_layers=4, final_logit_softcapping=3.0)
    extra |= dict(
        rope_parameters=dict(full_attention=full, sliding_attention=local)
    )
    return decoder(Gemma3TextConfig, Gemma3ForCausalLM, None, **extra)


def randomize(model, rng, bias, spread):
    """Without bias: all zero and frozen, as if the model had none."""
    for name, p in model.named_parameters():
        values = rng.normal(size=tuple(p.shape)).astype(np.float32)
        if name.endswith(".bias"):
            values *= 0.1 if bias else 0.0
            p.requires_grad_(bias)
        elif p.ndim == 1:
            values = 1 + 0.1 * values
        else:
            values *= spread
        with torch.no_grad():
            p.copy_(torch.tensor(values))


def losses_of_ten(model, loss_of):
    """Changes the model; call it last."""
    trained = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim >= 2], "weight_decay": 0.1},
        {"params": [p for p in trained if p.ndim < 2], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.95), eps=1e-8)
    losses = []
    for _ in range(10):
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        losses.append(loss.item())
        torch.nn.utils.clip_grad_norm_(trained, CLIP)
        optimizer.step()
    return np.array(losses, np.float32)


def save(name, model, seed, bias=True, spread=0.3, gradients=True):
    """A larger spread of the weights shows more of the attention."""
    if sys.argv[1:] and name not in sys.argv[1:]:
        return
    rng = np.random.default_rng(seed)
    randomize(model, rng, bias, spread)
    model.eval()
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        model.save_pretrained(temporary)
        saved = pathlib.Path(temporary)
        config = json.loads((saved / "config.json").read_text())
        weights = load_file(saved / "model.safetensors")
    if not bias:
        config["bias"] = False  # nanoGPT's word; transformers ignores it
        weights = {k: v for k, v in weights.items() if not k.endswith(".bias")}
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})

    tokens, targets = rng.integers(0, VOCAB, size=(2, BATCH, LENGTH))

    def loss_of():
        logits = model(torch.tensor(tokens)).logits
        return cross_entropy(
            logits.view(-1, VOCAB), torch.tensor(targets).view(-1)
        )

    loss = loss_of()
    out = {"loss": np.array([loss.item()], np.float32)}
    out["tokens"], out["targets"] = tokens.astype(np.int32), targets.astype(
        np.int32
    )
    out["logits"] = model(torch.tensor(tokens)).logits.detach().numpy().copy()
    if gradients:
        loss.backward()
        grads = {
            k: p.grad for k, p in model.named_parameters() if p.requires_grad
        }
        out |= {f"grad.{k}": g.numpy().copy() for k, g in grads.items()}
        assert {k for k in weights} == {k for k in grads}
        norm = torch.stack([g.norm() for g in grads.values()]).norm()
        out["grad_norm"] = np.array([norm.item()], np.float32)
        out["adamw_losses"] = losses_of_ten(model, loss_of)
    save_file(out, folder / "expected.safetensors")
    print(f"{name}: {len(weights)} tensors, loss {loss.item()}")


torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)
save("gpt2", gpt2("gelu_new"), seed=1, spread=0.1)
save("gpt2_erf_no_bias", gpt2("gelu"), seed=2, bias=False, spread=0.1)
save("llama", llama(tied=False), seed=3, spread=0.1)
save("llama_tied", llama(tied=True), seed=4, spread=0.1)
save("qwen3", qwen3(), seed=5, spread=0.1)
few = dict(gradients=False)
save("llama_linear", scaled_llama("linear"), seed=6, **few)
old = dict(original_max_position_embeddings=24)
llama3 = dict(low_freq_factor=1.0, high_freq_factor=3.0)
save("llama_llama3", scaled_llama("llama3", **old, **llama3), seed=7, **few)
save("llama_yarn", scaled_llama("yarn", **old), seed=8, **few)
biases = dict(attention_bias=True, mlp_bias=True)
save(
    "llama_bias",
    llama(tied=False, head_dim=8, **biases, **NARROW),
    seed=9,
    **few,
)
save("mistral", mistral(sliding_window=8), seed=10)
save("qwen2", qwen2(tie_word_embeddings=True), seed=11)
some = dict(use_sliding_window=True, sliding_window=8, max_window_layers=1)
save("qwen2_window", qwen2(**some, **NARROW), seed=12, **few)
save("qwen3_window", qwen3(attention_bias=True, **some), seed=13, **few)
save("gemma3", gemma3(), seed=14)
