// SPDX-License-Identifier: MIT
//
// Gemma 3, text only (arXiv 2503.19786). Against llama.h: most layers look back
// over a window and turn positions faster than the few that see all; norms
// before and after each part, and on q and k; a norm's weight is kept as its
// difference from 1; embeddings are scaled by sqrt(C); the gate is a GELU.
// Member names are those of the checkpoints. Sizes as in llama.h: B batch, L
// tokens, C width, H query heads, K key-value heads, D width of a head.

#pragma once

#include <optional>
#include <vector>

#include "llm/core/json.h"
#include "llm/models/kv_cache.h"
#include "llm/models/rope_config.h"
#include "llm/nn/activation.h"
#include "llm/nn/attention.h"
#include "llm/nn/checkpoint.h"
#include "llm/nn/embedding.h"
#include "llm/nn/joined.h"
#include "llm/nn/linear.h"
#include "llm/nn/norm.h"
#include "llm/nn/rope.h"

namespace llm {

/** The shape of a Gemma 3, by the names of its config.json; the values are
 * those that the files of the larger models leave out. */
struct Gemma3Config {
  int vocab_size = 262208;
  int max_position_embeddings = 131072; ///< context
  int hidden_size = 2304;
  int intermediate_size = 9216; ///< width of the MLP
  int num_hidden_layers = 26;
  int num_attention_heads = 8;
  int num_key_value_heads = 4; ///< divides num_attention_heads
  int head_dim = 256;
  float rms_norm_eps = 1e-6f;
  int query_pre_attn_scalar = 256; ///< scores are divided by its root
  std::vector<int> windows = {};   ///< of each layer, 0: all; empty: all of all
  RopeConfig rope = {.theta = 1e6f}; ///< of layers that see all
  float rope_local_base_freq = 1e4f; ///< of layers with a window
  bool tie_word_embeddings = true;
  bool attention_bias = false;
  float final_logit_softcapping = 0; ///< 0: none

  void validate() const;
  /** Also the config of a gemma3 with a vision part, which is left out. */
  static Gemma3Config from_json(const Json& json);
  Json to_json() const;
};

struct Gemma3Norm {
  mx::array weight; // [dims]
  float eps;

  Gemma3Norm(int dims, float eps) : weight(mx::zeros({dims})), eps(eps) {}

  mx::array operator()(const mx::array& x) const {
    return nn::rms_norm(x, mx::add(weight, mx::array(1, weight.dtype())), eps);
  }

  static void visit(auto& self, auto&& f) {
    f("weight", self.weight);
  }
};

struct Gemma3Attention {
  nn::Linear q_proj;         // C -> H D
  nn::Linear k_proj, v_proj; // C -> K D
  nn::Linear o_proj;         // H D -> C
  Gemma3Norm q_norm, k_norm; // over D, one for all heads
  nn::Rope rope;
  int heads, kv_heads;
  nn::AttentionOptions options;
  nn::Joined joined; // q, k and v, for writing on a GPU

  Gemma3Attention(const Gemma3Config& c, int layer);

  /** x [B, L, C] -> [B, L, C]. */
  mx::array operator()(const mx::array& x, LayerCache* cache) const {
    const auto [xq, xk, xv] = joined(x, q_proj, k_proj, v_proj);
    const mx::array q = q_norm(nn::split_heads(xq, heads));
    const mx::array k = k_norm(nn::split_heads(xk, kv_heads));
    const mx::array v = nn::split_heads(xv, kv_heads);
    const nn::Positions at = positions(cache);
    const mx::array y = attend(cache, rope(q, at), rope(k, at), v, options);
    return o_proj(nn::merge_heads(y));
  }

  static void visit(auto& self, auto&& f) {
    f("q_proj", self.q_proj);
    f("k_proj", self.k_proj);
    f("v_proj", self.v_proj);
    f("o_proj", self.o_proj);
    f("q_norm", self.q_norm);
    f("k_norm", self.k_norm);
  }
};

/** GeGLU: down(gelu(gate(x)) * up(x)) (Shazeer, arXiv 2002.05202). */
struct Gemma3MLP {
  nn::Linear gate_proj, up_proj, down_proj;
  nn::Joined joined; // gate and up

  explicit Gemma3MLP(const Gemma3Config& c)
      : gate_proj(c.hidden_size, c.intermediate_size, false),
        up_proj(c.hidden_size, c.intermediate_size, false),
        down_proj(c.intermediate_size, c.hidden_size, false) {}

  mx::array operator()(const mx::array& x) const {
    const auto [gate, up] = joined(x, gate_proj, up_proj);
    const mx::array opened = nn::apply(nn::Activation::gelu_new, gate);
    return down_proj(mx::multiply(opened, up));
  }

  static void visit(auto& self, auto&& f) {
    f("gate_proj", self.gate_proj);
    f("up_proj", self.up_proj);
    f("down_proj", self.down_proj);
  }
};

struct Gemma3Block {
  Gemma3Norm input_layernorm;
  Gemma3Attention self_attn;
  Gemma3Norm post_attention_layernorm;
  Gemma3Norm pre_feedforward_layernorm;
  Gemma3MLP mlp;
  Gemma3Norm post_feedforward_layernorm;

  Gemma3Block(const Gemma3Config& c, int layer);

  mx::array operator()(const mx::array& x, LayerCache* cache = nullptr) const {
    const mx::array a = self_attn(input_layernorm(x), cache);
    const mx::array h = mx::add(x, post_attention_layernorm(a));
    const mx::array m = mlp(pre_feedforward_layernorm(h));
    return add_mlp(cache, h, post_feedforward_layernorm(m));
  }

  static void visit(auto& self, auto&& f) {
    f("input_layernorm", self.input_layernorm);
    f("self_attn", self.self_attn);
    f("post_attention_layernorm", self.post_attention_layernorm);
    f("pre_feedforward_layernorm", self.pre_feedforward_layernorm);
    f("mlp", self.mlp);
    f("post_feedforward_layernorm", self.post_feedforward_layernorm);
  }
};

/** Everything below the head; "model." in the checkpoint's names. */
struct Gemma3Body {
  nn::Embedding embed_tokens;
  std::vector<Gemma3Block> layers;
  Gemma3Norm norm;

  explicit Gemma3Body(const Gemma3Config& c);

  static void visit(auto& self, auto&& f) {
    f("embed_tokens", self.embed_tokens);
    f("layers", self.layers);
    f("norm", self.norm);
  }
};

struct Gemma3 {
  using Config = Gemma3Config;

  Gemma3Config config;
  bool checkpoint_blocks = false; ///< training: less memory, more time
  Gemma3Body model;
  std::optional<nn::Linear> lm_head; // empty: tied to embed_tokens

  explicit Gemma3(const Gemma3Config& c);

  void initialize(uint64_t seed);

  /** tokens [B, L] -> logits [B, L, vocab_size]. */
  mx::array operator()(const mx::array& tokens, KVCache* cache = nullptr)
      const {
    return head(hidden(tokens, cache));
  }

  /** tokens [B, L] -> what the head reads, [B, L, C]. */
  mx::array hidden(const mx::array& tokens, KVCache* cache) const {
    mx::array x = scaled(model.embed_tokens(tokens)); // [B, L, C]
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
    return capped(lm_head ? (*lm_head)(x) : model.embed_tokens.as_linear(x));
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

 private:
  mx::array scaled(const mx::array& x) const; // by sqrt(C)
  mx::array capped(const mx::array& logits) const;
};

} // namespace llm
