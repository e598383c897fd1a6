// SPDX-License-Identifier: MIT

#include "llm/models/gpt.h"

#include <algorithm>
#include <cmath>

#include "llm/core/error.h"
#include "llm/kernels/cuda_gpt.h"
#include "llm/kernels/cuda_kernel.h"
#include "llm/kernels/kernels.h"
#include "llm/models/config.h"
#include "llm/nn/init.h"

namespace llm {

void GPTConfig::validate() const {
  check_positive("GPT", "vocab_size", vocab_size);
  check_positive("GPT", "context length", n_positions);
  check_positive("GPT", "width", n_embd);
  check_positive("GPT", "layers", n_layer);
  check_positive("GPT", "heads", n_head);
  check_divides("GPT", "heads", n_head, "the width", n_embd);
  check_probability("GPT", "dropout", dropout);
}

GPTConfig GPTConfig::from_json(const Json& json) {
  const std::string where = "config.json";
  GPTConfig c;
  c.vocab_size = json_get<int>(json, "vocab_size", where);
  c.n_positions = json_get<int>(json, "n_positions", where);
  c.n_embd = json_get<int>(json, "n_embd", where);
  c.n_layer = json_get<int>(json, "n_layer", where);
  c.n_head = json_get<int>(json, "n_head", where);
  c.activation = nn::parse_activation(
      json_get_or<std::string>(json, "activation_function", "gelu_new", where));
  c.bias = json_get_or<bool>(json, "bias", true, where);
  c.dropout = json_get_or<float>(json, "resid_pdrop", 0.0f, where);
  c.layer_norm_epsilon =
      json_get_or<float>(json, "layer_norm_epsilon", 1e-5f, where);
  if (!json_get_or<bool>(json, "tie_word_embeddings", true, where)) {
    throw InputError(where, "tie_word_embeddings: expected true, as in GPT-2.");
  }
  c.validate();
  return c;
}

Json GPTConfig::to_json() const {
  return {
      {"model_type", "gpt2"},
      {"architectures", {"GPT2LMHeadModel"}},
      {"vocab_size", vocab_size},
      {"n_positions", n_positions},
      {"n_ctx", n_positions},
      {"n_embd", n_embd},
      {"n_layer", n_layer},
      {"n_head", n_head},
      {"n_inner", nullptr},
      {"activation_function", nn::to_string(activation)},
      {"bias", bias},
      {"embd_pdrop", shortest(dropout)},
      {"attn_pdrop", shortest(dropout)},
      {"resid_pdrop", shortest(dropout)},
      {"layer_norm_epsilon", shortest(layer_norm_epsilon)},
      {"tie_word_embeddings", true},
      {"bos_token_id", nullptr},
      {"eos_token_id", nullptr},
      {"torch_dtype", "float32"}};
}

GPT::GPT(const GPTConfig& c)
    : config(c),
      wte((c.validate(), c.vocab_size), c.n_embd),
      wpe(c.n_positions, c.n_embd),
      drop(c.dropout),
      ln_f(c.n_embd, c.layer_norm_epsilon, c.bias) {
  for (int i = 0; i < c.n_layer; ++i) {
    h.emplace_back(c); // one by one: copies of a block would share weights
  }
}

namespace {

kernels::Dropping dropping(const nn::Dropout& dropout) {
  return {dropout.key, dropout.p};
}

bool is_plain(const nn::Linear& layer) {
  return !layer.bias && !layer.quantization && !layer.lora;
}

/** True if the block is the one of kernels/cuda_gpt.h. */
bool is_plain(const GPTBlock& b) {
  return b.mlp.activation == nn::Activation::gelu && !b.ln_1.bias &&
      !b.ln_2.bias && is_plain(b.attn.c_attn) && is_plain(b.attn.c_proj) &&
      is_plain(b.mlp.c_fc) && is_plain(b.mlp.c_proj);
}

} // namespace

std::optional<mx::array> GPT::in_one(const mx::array& tokens) const {
  if constexpr (kernels::built) {
    if (checkpoint_blocks || ln_f.bias || wte.quantization ||
        wpe.quantization || !kernels::on_cuda() ||
        !std::all_of(h.begin(), h.end(), [](const GPTBlock& b) {
          return is_plain(b);
        })) {
      return std::nullopt;
    }
    kernels::CudaGPT model{
        wte.weight,
        wpe.weight,
        dropping(drop),
        {},
        ln_f.weight,
        config.n_head,
        ln_f.eps};
    for (const GPTBlock& b : h) {
      model.blocks.push_back(
          {b.ln_1.weight,
           b.attn.c_attn.weight,
           b.attn.c_proj.weight,
           b.ln_2.weight,
           b.mlp.c_fc.weight,
           b.mlp.c_proj.weight,
           dropping(b.attn.attn_dropout),
           dropping(b.attn.resid_dropout),
           dropping(b.mlp.dropout)});
    }
    if (kernels::usable_cuda_gpt(tokens, model)) {
      return kernels::cuda_gpt(tokens, model);
    }
  }
  return std::nullopt;
}

// N(0, 0.02); the layers that write into the residual stream start smaller by
// sqrt(2 * n_layer), the number of such writes (GPT-2 paper, section 2.3).
// [snippet gpt-initialize]
void GPT::initialize(uint64_t seed) {
  const float residual = 0.02f / std::sqrt(2.0f * config.n_layer);
  nn::for_each<mx::array>(*this, [&](const std::string& path, mx::array& a) {
    if (a.ndim() == 2) {
      const bool writes = path.ends_with("c_proj.weight");
      a = nn::normal_init(a, writes ? residual : 0.02f, seed, path);
    }
  });
}
// [/snippet]

namespace {

bool is_turned(const std::string& path) {
  return path.ends_with("c_attn.weight") || path.ends_with("c_proj.weight") ||
      path.ends_with("c_fc.weight");
}

} // namespace

// A packed matrix cannot be turned: such a file is laid out as mlx-lm's, whose
// names begin with "model." and whose matrices are [out, in].
nn::Parameters GPT::to_checkpoint() const {
  nn::Parameters own = nn::parameters(*this), out;
  const bool packed = std::any_of(own.begin(), own.end(), [](const auto& p) {
    return p.first.ends_with(".scales");
  });
  if (!config.bias) {
    GPTConfig full = config;
    full.bias = true;
    own.merge(nn::parameters(GPT(full))); // adds what is absent: zero biases
  }
  for (const auto& [path, array] : own) {
    out.emplace(
        packed ? "model." + path : path,
        is_turned(path) && !packed ? mx::transpose(array) : array);
  }
  return out;
}

nn::Parameters GPT::translate(nn::Parameters arrays, std::string_view where)
    const {
  nn::Parameters out;
  for (const auto& [name, array] : arrays) {
    // Hugging Face writes "transformer.h.0...", OpenAI's file "h.0...", mlx-lm
    // "model.h.0..." and turns the matrices itself.
    const bool from_mlx_lm = name.starts_with("model.");
    const std::string path = from_mlx_lm || name.starts_with("transformer.")
        ? name.substr(name.find('.') + 1)
        : name;
    const bool causal_mask = path.ends_with(".attn.bias") ||
        path.ends_with(".attn.masked_bias");         // constants, not weights
    const bool tied_head = path == "lm_head.weight"; // a second wte
    if (causal_mask || tied_head) {
      continue;
    }
    if (!config.bias && path.ends_with(".bias")) {
      if (mx::any(array).item<bool>()) {
        throw InputError(
            where,
            path +
                " is not zero but config.json says \"bias\": false; set it "
                "to true.");
      }
      continue;
    }
    // In rows: BLAS rounds a turned matrix differently, so that the same
    // weights would not give the same bits.
    out.insert_or_assign(
        path,
        is_turned(path) && array.ndim() == 2 && !from_mlx_lm
            ? mx::contiguous(mx::transpose(array))
            : array);
  }
  return out;
}

} // namespace llm
