// SPDX-License-Identifier: MIT
//
// GPT-2, all of it (Radford et al. 2019). Read this file from top to bottom:
// config, attention, MLP, block, model. Member names are the names in GPT-2's
// checkpoints. Sizes: B batch, L tokens, C width (n_embd), H heads, D = C / H.
// Simplification: a layer's weight is [out, in] here and [in, out] in GPT-2's
// files; gpt.cpp turns the matrices when it loads and saves.

#pragma once

#include <optional>
#include <vector>

#include "llm/core/json.h"
#include "llm/models/kv_cache.h"
#include "llm/nn/activation.h"
#include "llm/nn/attention.h"
#include "llm/nn/checkpoint.h"
#include "llm/nn/dropout.h"
#include "llm/nn/embedding.h"
#include "llm/nn/linear.h"
#include "llm/nn/norm.h"

namespace llm {

/** The shape of a GPT, by the names of GPT-2's config.json. */
struct GPTConfig {
  int vocab_size = 50257;
  int n_positions = 1024; ///< context: the most tokens it can look at
  int n_embd = 768;       ///< width of the residual stream
  int n_layer = 12;
  int n_head = 12; ///< divides n_embd
  nn::Activation activation = nn::Activation::gelu_new;
  bool bias = true;     ///< false: no bias in any layer, as nanoGPT
  float dropout = 0.0f; ///< in training only
  float layer_norm_epsilon = 1e-5f;

  /** Throws UsageError for a shape that cannot be built. */
  void validate() const;
  /** Throws InputError naming the key. */
  static GPTConfig from_json(const Json& json);
  Json to_json() const;
};

/** Each position collects what it needs from itself and those before it. */
struct GPTAttention {
  nn::Linear c_attn; // C -> 3C: queries, keys and values in one product
  nn::Linear c_proj; // C -> C
  nn::Dropout attn_dropout, resid_dropout;
  int heads;

  explicit GPTAttention(const GPTConfig& c)
      : c_attn(c.n_embd, 3 * c.n_embd, c.bias),
        c_proj(c.n_embd, c.n_embd, c.bias),
        attn_dropout(c.dropout),
        resid_dropout(c.dropout),
        heads(c.n_head) {}

  /** x [B, L, C] -> [B, L, C]. */
  mx::array operator()(const mx::array& x, LayerCache* cache) const {
    const mx::array qkv = c_attn(x); // [B, L, 3 C]
    const bool drops = attn_dropout.key && attn_dropout.p > 0;
    const mx::array y = cache ? attend_heads(qkv, cache)
        : drops
        ? nn::dropping_attention(qkv, heads, *attn_dropout.key, attn_dropout.p)
        : nn::packed_attention(qkv, heads);
    return resid_dropout(c_proj(y));
  }

  // [snippet gpt-attention]
  /** qkv [B, L, 3 C] -> [B, L, C], where heads are needed one by one. */
  mx::array attend_heads(const mx::array& qkv, LayerCache* cache) const {
    const std::vector<mx::array> parts = mx::split(qkv, 3, -1);
    const mx::array q = nn::split_heads(parts[0], heads); // [B, H, L, D]
    const mx::array k = nn::split_heads(parts[1], heads);
    const mx::array v = nn::split_heads(parts[2], heads);
    return nn::merge_heads(attend(cache, q, k, v));
  }
  // [/snippet]

  static void visit(auto& self, auto&& f) {
    f("c_attn", self.c_attn);
    f("c_proj", self.c_proj);
    f("attn_dropout", self.attn_dropout);
    f("resid_dropout", self.resid_dropout);
  }
};

/** Each position thinks on its own: wide, non-linear, narrow again. */
struct GPTMLP {
  nn::Linear c_fc;   // C -> 4C
  nn::Linear c_proj; // 4C -> C
  nn::Dropout dropout;
  nn::Activation activation;

  explicit GPTMLP(const GPTConfig& c)
      : c_fc(c.n_embd, 4 * c.n_embd, c.bias),
        c_proj(4 * c.n_embd, c.n_embd, c.bias),
        dropout(c.dropout),
        activation(c.activation) {}

  mx::array operator()(const mx::array& x) const {
    // [snippet gpt-mlp]
    return dropout(c_proj(nn::apply(activation, c_fc(x))));
    // [/snippet]
  }

  static void visit(auto& self, auto&& f) {
    f("c_fc", self.c_fc);
    f("c_proj", self.c_proj);
    f("dropout", self.dropout);
  }
};

/** Attention, then MLP; each adds to the residual stream what it found. */
struct GPTBlock {
  nn::LayerNorm ln_1;
  GPTAttention attn;
  nn::LayerNorm ln_2;
  GPTMLP mlp;

  explicit GPTBlock(const GPTConfig& c)
      : ln_1(c.n_embd, c.layer_norm_epsilon, c.bias),
        attn(c),
        ln_2(c.n_embd, c.layer_norm_epsilon, c.bias),
        mlp(c) {}

  /** x [B, L, C] -> [B, L, C]. */
  mx::array operator()(const mx::array& x, LayerCache* cache = nullptr) const {
    // [snippet gpt-block]
    const auto [h, normed] = nn::add_norm(x, attn(ln_1(x), cache), ln_2);
    return add_mlp(cache, h, mlp(normed));
    // [/snippet]
  }

  static void visit(auto& self, auto&& f) {
    f("ln_1", self.ln_1);
    f("attn", self.attn);
    f("ln_2", self.ln_2);
    f("mlp", self.mlp);
  }
};

struct GPT {
  using Config = GPTConfig;

  GPTConfig config;
  bool checkpoint_blocks = false; ///< training: less memory, more time
  nn::Embedding wte;              // token -> C
  nn::Embedding wpe;              // position -> C
  nn::Dropout drop;
  std::vector<GPTBlock> h;
  nn::LayerNorm ln_f;

  explicit GPT(const GPTConfig& c);

  /** Fills the weights as GPT-2 does, from (seed, name). */
  void initialize(uint64_t seed);

  /** tokens [B, L] -> logits [B, L, vocab_size]. With a cache the tokens are
   * the ones that follow what it holds. */
  mx::array operator()(const mx::array& tokens, KVCache* cache = nullptr)
      const {
    return head(hidden(tokens, cache));
  }

  /** tokens [B, L] -> what the head reads, [B, L, C]. */
  mx::array hidden(const mx::array& tokens, KVCache* cache) const {
    if (const auto all = cache ? std::nullopt : in_one(tokens)) {
      return *all;
    }
    // [snippet gpt-hidden]
    const nn::Positions at = cache ? cache->positions() : nn::Positions{};
    const mx::array positions = at.of(tokens.shape(1));       // [L] or [B, L]
    mx::array x = drop(mx::add(wte(tokens), wpe(positions))); // [B, L, C]
    for (size_t i = 0; i < h.size(); ++i) {
      x = probed(cache, i, x); // for looking inside
      x = checkpoint_blocks && !cache
          ? nn::checkpointed(h[i], x)
          : h[i](x, cache ? &cache->layers[i] : nullptr);
    }
    return final_norm(probed(cache, h.size(), x));
    // [/snippet]
  }

  /** hidden() where there are kernels for all of it: in training, on an NVIDIA
   * GPU. */
  std::optional<mx::array> in_one(const mx::array& tokens) const;

  mx::array final_norm(const mx::array& x) const {
    return ln_f(x);
  }

  /** x [..., C] -> logits [..., vocab_size]. */
  mx::array head(const mx::array& x) const {
    // [snippet gpt-head]
    return wte.as_linear(x); // the head is the embedding, reversed
    // [/snippet]
  }

  static void visit(auto& self, auto&& f) {
    f("wte", self.wte);
    f("wpe", self.wpe);
    f("drop", self.drop);
    f("h", self.h);
    f("ln_f", self.ln_f);
  }

  // What the rest of the library needs to know of any model.
  int context_length() const {
    return config.n_positions;
  }
  std::vector<int> layer_windows() const { // none: attention sees it all
    return std::vector<int>(config.n_layer, 0);
  }
  /** The arrays as GPT-2's files hold them (matrices turned, absent biases as
   * zeros), and back: file arrays by our names and in our layout. */
  nn::Parameters to_checkpoint() const;
  nn::Parameters translate(nn::Parameters arrays, std::string_view where) const;
};

} // namespace llm
