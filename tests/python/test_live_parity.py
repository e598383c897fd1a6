# SPDX-License-Identifier: MIT
"""Our models beside mlx.nn in one process: the same mx.array weights go to
both, and logits, loss and every gradient must agree. The mlx.nn models are
written here with the layers of mlx.nn alone.
"""

import mlx.core as mx
import mlx.nn as nn
import mlx_llm_tutorial as llm
import pytest
from mlx.utils import tree_flatten, tree_unflatten

BATCH, LENGTH = 3, 24


def run(config, weights, tokens, targets):
    """Our model with these weights: logits [B, L, V], loss, gradients."""
    model = llm.make_model(config)
    model.update(weights)
    return model(tokens), *model.loss_and_gradients(tokens, targets)


def heads(x, count):
    B, L, _ = x.shape
    return x.reshape(B, L, count, -1).transpose(0, 2, 1, 3)


def attention(q, k, v):
    """Softmax over the past, written out; grouped heads are repeated."""
    k, v = (mx.repeat(a, q.shape[1] // a.shape[1], axis=1) for a in (k, v))
    L = q.shape[2]
    mask = nn.MultiHeadAttention.create_additive_causal_mask(L, q.dtype)
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(0, 1, 3, 2) + mask
    y = mx.softmax(scores, axis=-1) @ v
    return y.transpose(0, 2, 1, 3).reshape(q.shape[0], L, -1)


# --- GPT-2 -----------------------------------------------------------------------


class GPT2Attention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.count = c["n_head"]
        self.c_attn = nn.Linear(c["n_embd"], 3 * c["n_embd"], bias=c["bias"])
        self.c_proj = nn.Linear(c["n_embd"], c["n_embd"], bias=c["bias"])

    def __call__(self, x):
        q, k, v = (
            heads(a, self.count) for a in mx.split(self.c_attn(x), 3, -1)
        )
        return self.c_proj(attention(q, k, v))


class GPT2MLP(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.erf = c["activation_function"] == "gelu"
        self.c_fc = nn.Linear(c["n_embd"], 4 * c["n_embd"], bias=c["bias"])
        self.c_proj = nn.Linear(4 * c["n_embd"], c["n_embd"], bias=c["bias"])

    def __call__(self, x):
        return self.c_proj(
            (nn.gelu if self.erf else nn.gelu_approx)(self.c_fc(x))
        )


class GPT2Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        norm = (c["n_embd"], c["layer_norm_epsilon"])
        self.ln_1 = nn.LayerNorm(*norm, bias=c["bias"])
        self.attn = GPT2Attention(c)
        self.ln_2 = nn.LayerNorm(*norm, bias=c["bias"])
        self.mlp = GPT2MLP(c)

    def __call__(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class GPT2(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.wte = nn.Embedding(c["vocab_size"], c["n_embd"])
        self.wpe = nn.Embedding(c["n_positions"], c["n_embd"])
        self.h = [GPT2Block(c) for _ in range(c["n_layer"])]
        self.ln_f = nn.LayerNorm(
            c["n_embd"], c["layer_norm_epsilon"], bias=c["bias"]
        )

    def __call__(self, tokens):
        x = self.wte(tokens) + self.wpe(mx.arange(tokens.shape[1]))
        for block in self.h:
            x = block(x)
        return self.wte.as_linear(self.ln_f(x))


# --- Llama and Qwen3 --------------------------------------------------------------


class LlamaAttention(nn.Module):
    def __init__(self, c):
        super().__init__()
        width, size = c["hidden_size"], c["head_dim"]
        self.count, self.kv = c["num_attention_heads"], c["num_key_value_heads"]
        self.q_proj = nn.Linear(width, self.count * size, bias=False)
        self.k_proj = nn.Linear(width, self.kv * size, bias=False)
        self.v_proj = nn.Linear(width, self.kv * size, bias=False)
        self.o_proj = nn.Linear(self.count * size, width, bias=False)
        self.normed = c["model_type"] == "qwen3"
        if self.normed:
            self.q_norm = nn.RMSNorm(size, c["rms_norm_eps"])
            self.k_norm = nn.RMSNorm(size, c["rms_norm_eps"])
        self.rope = nn.RoPE(size, base=c["rope_theta"])

    def __call__(self, x):
        q, k = heads(self.q_proj(x), self.count), heads(self.k_proj(x), self.kv)
        if self.normed:
            q, k = self.q_norm(q), self.k_norm(k)
        y = attention(
            self.rope(q), self.rope(k), heads(self.v_proj(x), self.kv)
        )
        return self.o_proj(y)


class LlamaMLP(nn.Module):
    def __init__(self, c):
        super().__init__()
        width, inner = c["hidden_size"], c["intermediate_size"]
        self.gate_proj = nn.Linear(width, inner, bias=False)
        self.up_proj = nn.Linear(width, inner, bias=False)
        self.down_proj = nn.Linear(inner, width, bias=False)

    def __call__(self, x):
        return self.down_proj(nn.silu(self.gate_proj(x)) * self.up_proj(x))


class LlamaBlock(nn.Module):
    def __init__(self, c):
        super().__init__()
        norm = (c["hidden_size"], c["rms_norm_eps"])
        self.input_layernorm = nn.RMSNorm(*norm)
        self.self_attn = LlamaAttention(c)
        self.post_attention_layernorm = nn.RMSNorm(*norm)
        self.mlp = LlamaMLP(c)

    def __call__(self, x):
        x = x + self.self_attn(self.input_layernorm(x))
        return x + self.mlp(self.post_attention_layernorm(x))


class LlamaBody(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.embed_tokens = nn.Embedding(c["vocab_size"], c["hidden_size"])
        self.layers = [LlamaBlock(c) for _ in range(c["num_hidden_layers"])]
        self.norm = nn.RMSNorm(c["hidden_size"], c["rms_norm_eps"])


class Llama(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.model = LlamaBody(c)
        if not c["tie_word_embeddings"]:
            self.lm_head = nn.Linear(
                c["hidden_size"], c["vocab_size"], bias=False
            )

    def __call__(self, tokens):
        x = self.model.embed_tokens(tokens)
        for layer in self.model.layers:
            x = layer(x)
        x = self.model.norm(x)
        if "lm_head" in self:
            return self.lm_head(x)
        return self.model.embed_tokens.as_linear(x)


# --- the comparison ----------------------------------------------------------------


def gpt2_config(**changes):
    config = {"model_type": "gpt2", "vocab_size": 61, "n_positions": 32}
    config |= {"n_embd": 48, "n_layer": 3, "n_head": 4, "bias": True}
    config |= {"activation_function": "gelu_new", "layer_norm_epsilon": 1e-5}
    return config | changes


def llama_config(**changes):
    config = {"model_type": "llama", "vocab_size": 61, "hidden_size": 48}
    config |= {"intermediate_size": 80, "num_hidden_layers": 3, "head_dim": 12}
    config |= {"num_attention_heads": 4, "num_key_value_heads": 2}
    config |= {"max_position_embeddings": 32, "rms_norm_eps": 1e-5}
    config |= {"rope_theta": 10000.0, "tie_word_embeddings": False}
    return config | changes


CASES = {
    "gpt2": (GPT2, gpt2_config()),
    "gpt2-nanogpt": (GPT2, gpt2_config(bias=False, activation_function="gelu")),
    "llama": (Llama, llama_config()),
    "llama-tied": (Llama, llama_config(tie_word_embeddings=True)),
    "qwen3": (
        Llama,
        llama_config(
            model_type="qwen3", head_dim=16, rope_theta=1e6, rms_norm_eps=1e-6
        )
        | {"tie_word_embeddings": True},
    ),
}


def random_weights(model, key):
    """Every array is random, norms and biases too: a swapped one shows."""
    out = {}
    for name, value in tree_flatten(model.parameters()):
        key, this = mx.random.split(key)
        noise = mx.random.normal(value.shape, key=this)
        is_norm = value.ndim == 1 and name.endswith("weight")
        out[name] = 1 + 0.1 * noise if is_norm else 0.1 * noise
    return out


@pytest.mark.parametrize("name", CASES)
def test_live_parity(name):
    kind, config = CASES[name]
    model = kind(config)
    key, *keys = mx.random.split(mx.random.key(17), 3)
    weights = random_weights(model, key)
    model.update(tree_unflatten(list(weights.items())))
    tokens, targets = (
        mx.random.randint(0, 61, (BATCH, LENGTH), key=k) for k in keys
    )

    def loss_of(x, y):
        return nn.losses.cross_entropy(model(x), y, reduction="mean")

    loss, grads = nn.value_and_grad(model, loss_of)(tokens, targets)
    grads = dict(tree_flatten(grads))
    logits = model(tokens)
    ours, our_loss, our_grads = run(config, weights, tokens, targets)

    assert isinstance(ours, mx.array) and ours.shape == logits.shape
    assert mx.std(logits).item() > 0.1  # a dead model would agree as well
    assert mx.abs(ours - logits).max().item() < 1e-4
    assert abs(our_loss.item() - loss.item()) < 1e-5
    assert set(our_grads) == set(grads) == set(weights)
    for path, grad in grads.items():
        size = mx.linalg.norm(grad.reshape(-1)).item()
        error = mx.linalg.norm((our_grads[path] - grad).reshape(-1)).item()
        assert size > 1e-6, path
        assert error < 1e-3 * size, path


def test_a_difference_is_noticed():
    """One changed weight in one of the two is enough."""
    kind, config = CASES["llama"]
    model = kind(config)
    weights = random_weights(model, mx.random.key(3))
    model.update(tree_unflatten(list(weights.items())))
    tokens = mx.random.randint(0, 61, (BATCH, LENGTH), key=mx.random.key(4))
    changed = dict(weights)
    path = "model.layers.1.self_attn.k_proj.weight"
    changed[path] = changed[path] * 1.01
    ours, _, _ = run(config, changed, tokens, tokens)
    assert mx.abs(ours - model(tokens)).max().item() > 1e-4


def test_wrong_names_are_refused():
    kind, config = CASES["gpt2"]
    weights = random_weights(kind(config), mx.random.key(3))
    weights["h.0.attn.c_attn.weights"] = weights.pop("h.0.attn.c_attn.weight")
    tokens = mx.zeros((1, 4), mx.int32)
    with pytest.raises(llm.InputError, match="h.0.attn.c_attn.weight"):
        run(config, weights, tokens, tokens)
