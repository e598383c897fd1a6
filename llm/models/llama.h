// SPDX-License-Identifier: MIT
//
// The modern decoder (Llama: Touvron et al., arXiv 2302.13971): RMSNorm before
// each part, rotary positions inside attention, grouped queries, a gated MLP
// (SwiGLU). Its relatives differ in details: Mistral looks back over a window,
// Qwen2 has biases, Qwen3 norms on q and k; SmolLM2 is a Llama. Read gpt.h
// first; member names are those of the checkpoints. Sizes: B batch, L tokens,
// C width, H query heads, K key-value heads (K divides H), D width of a head.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "llm/core/json.h"
#include "llm/models/kv_cache.h"
#include "llm/models/rope_config.h"
#include "llm/nn/activation.h"
#include "llm/nn/attention.h"
#include "llm/nn/checkpoint.h"
#include "llm/nn/dropout.h"
#include "llm/nn/embedding.h"
#include "llm/nn/joined.h"
#include "llm/nn/linear.h"
#include "llm/nn/norm.h"
#include "llm/nn/rope.h"

namespace llm {

/** The shape of a model of the family, by the names of its config.json. */
struct LlamaConfig {
  std::string model_type = "llama"; ///< or mistral, qwen2, qwen3
  int vocab_size = 32000;
  int max_position_embeddings = 2048; ///< context
  int hidden_size = 512;
  int intermediate_size = 1376; ///< width of the MLP, about 8/3 hidden_size
  int num_hidden_layers = 8;
  int num_attention_heads = 8;
  int num_key_value_heads = 8; ///< divides num_attention_heads
  int head_dim = 64;
  float rms_norm_eps = 1e-5f;
  RopeConfig rope = {};
  bool tie_word_embeddings = true;
  bool attention_bias = false; ///< on q, k, v and o (Qwen2: always, but not o)
  bool mlp_bias = false;
  std::vector<int> windows = {}; ///< of each layer, 0: all; empty: all of all
  float dropout = 0.0f;          ///< in training only

  void validate() const;
  static LlamaConfig from_json(const Json& json);
  Json to_json() const;
};

struct LlamaAttention {
  nn::Linear q_proj;                         // C -> H D
  nn::Linear k_proj, v_proj;                 // C -> K D
  nn::Linear o_proj;                         // H D -> C
  std::optional<nn::RMSNorm> q_norm, k_norm; // over D, one for all heads
  nn::Rope rope;
  nn::Dropout resid_dropout;
  int heads, kv_heads;
  int window;        // a query sees this many positions; 0: all
  nn::Joined joined; // q, k and v, for writing on a GPU

  LlamaAttention(const LlamaConfig& c, int layer);

  /** x [B, L, C] -> [B, L, C]. */
  mx::array operator()(const mx::array& x, LayerCache* cache) const {
    // [snippet llama-attention]
    const auto [xq, xk, xv] = joined(x, q_proj, k_proj, v_proj);
    mx::array q = nn::split_heads(xq, heads);
    mx::array k = nn::split_heads(xk, kv_heads);
    const mx::array v = nn::split_heads(xv, kv_heads);
    if (q_norm) {
      q = (*q_norm)(q);
      k = (*k_norm)(k);
    }
    q = rope(q, positions(cache));
    k = rope(k, positions(cache));
    const mx::array y = attend(cache, q, k, v, {.window = window});
    return resid_dropout(o_proj(nn::merge_heads(y)));
    // [/snippet]
  }

  static void visit(auto& self, auto&& f) {
    f("q_proj", self.q_proj);
    f("k_proj", self.k_proj);
    f("v_proj", self.v_proj);
    f("o_proj", self.o_proj);
    f("q_norm", self.q_norm);
    f("k_norm", self.k_norm);
    f("resid_dropout", self.resid_dropout);
  }
};

/** SwiGLU: down(silu(gate(x)) * up(x)) (Shazeer, arXiv 2002.05202). */
struct LlamaMLP {
  nn::Linear gate_proj, up_proj, down_proj;
  nn::Dropout dropout;
  nn::Joined joined; // gate and up

  explicit LlamaMLP(const LlamaConfig& c)
      : gate_proj(c.hidden_size, c.intermediate_size, c.mlp_bias),
        up_proj(c.hidden_size, c.intermediate_size, c.mlp_bias),
        down_proj(c.intermediate_size, c.hidden_size, c.mlp_bias),
        dropout(c.dropout) {}

  mx::array operator()(const mx::array& x) const {
    // [snippet llama-mlp]
    const auto [gate, up] = joined(x, gate_proj, up_proj);
    return dropout(down_proj(nn::swiglu(gate, up)));
    // [/snippet]
  }

  static void visit(auto& self, auto&& f) {
    f("gate_proj", self.gate_proj);
    f("up_proj", self.up_proj);
    f("down_proj", self.down_proj);
    f("dropout", self.dropout);
  }
};

struct LlamaBlock {
  nn::RMSNorm input_layernorm;
  LlamaAttention self_attn;
  nn::RMSNorm post_attention_layernorm;
  LlamaMLP mlp;

  LlamaBlock(const LlamaConfig& c, int layer)
      : input_layernorm(c.hidden_size, c.rms_norm_eps),
        self_attn(c, layer),
        post_attention_layernorm(c.hidden_size, c.rms_norm_eps),
        mlp(c) {}

  mx::array operator()(const mx::array& x, LayerCache* cache = nullptr) const {
    const bool drops = self_attn.resid_dropout.key || mlp.dropout.key;
    if (cache && !drops && cache->can_decode(x, layers())) {
      return cache->decode(x, layers()); // the same, for one token
    }
    const auto [h, normed] = nn::add_norm(
        x, self_attn(input_layernorm(x), cache), post_attention_layernorm);
    return add_mlp(cache, h, mlp(normed));
  }

  nn::DecodeBlock layers() const;

  static void visit(auto& self, auto&& f) {
    f("input_layernorm", self.input_layernorm);
    f("self_attn", self.self_attn);
    f("post_attention_layernorm", self.post_attention_layernorm);
    f("mlp", self.mlp);
  }
};

/** Everything below the head; "model." in the checkpoint's names. */
struct LlamaBody {
  nn::Embedding embed_tokens;
  nn::Dropout drop;
  std::vector<LlamaBlock> layers;
  nn::RMSNorm norm;

  explicit LlamaBody(const LlamaConfig& c);

  static void visit(auto& self, auto&& f) {
    f("embed_tokens", self.embed_tokens);
    f("drop", self.drop);
    f("layers", self.layers);
    f("norm", self.norm);
  }
};

struct Llama {
  using Config = LlamaConfig;

  LlamaConfig config;
  bool checkpoint_blocks = false; ///< training: less memory, more time
  LlamaBody model;
  std::optional<nn::Linear> lm_head; // empty: tied to embed_tokens

  explicit Llama(const LlamaConfig& c);

  void initialize(uint64_t seed);

  /** tokens [B, L] -> logits [B, L, vocab_size]. */
  mx::array operator()(const mx::array& tokens, KVCache* cache = nullptr)
      const {
    return head(hidden(tokens, cache));
  }

  /** tokens [B, L] -> what the head reads, [B, L, C]. */
  mx::array hidden(const mx::array& tokens, KVCache* cache) const {
    mx::array x = model.drop(model.embed_tokens(tokens)); // [B, L, C]
    for (size_t i = 0; i < model.layers.size(); ++i) {
      x = probed(cache, i, x);
      x = checkpoint_blocks && !cache
          ? nn::checkpointed(model.layers[i], x)
          : model.layers[i](x, cache ? &cache->layers[i] : nullptr);
    }
    return final_norm(probed(cache, model.layers.size(), x));
  }

  mx::array final_norm(const mx::array& x) const {
    return model.norm(x);
  }

  /** x [..., C] -> logits [..., vocab_size]. */
  mx::array head(const mx::array& x) const {
    return lm_head ? (*lm_head)(x) : model.embed_tokens.as_linear(x);
  }

  static void visit(auto& self, auto&& f) {
    f("model", self.model);
    f("lm_head", self.lm_head);
  }

  int context_length() const {
    return config.max_position_embeddings;
  }
  std::vector<int> layer_windows() const;
  nn::Parameters to_checkpoint() const {
    return nn::parameters(*this);
  }
  nn::Parameters translate(nn::Parameters arrays, std::string_view) const;
};

} // namespace llm
