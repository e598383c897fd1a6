// SPDX-License-Identifier: MIT
//
// Adapters on a model: which layers get one, their initial values, and folding
// them into the weights. A target is a name or a pattern with `*`, compared
// with the path of a linear layer inside its block ("self_attn.q_proj") and
// with the last part of it ("q_proj").
//   LoRA    y = W x + scale B A x           Hu et al., arXiv 2106.09685
//   rsLoRA  scale = alpha / sqrt(rank)      Kalajdzievski, arXiv 2312.03732
//   DoRA    rows rescaled to a learned m    Liu et al., arXiv 2402.09353
//   QLoRA   any of them on packed weights   Dettmers et al., arXiv 2305.14314

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "llm/models/language_model.h"

namespace llm {

struct AdapterConfig {
  bool dora = false;
  int rank = 8;
  float scale = 20; ///< alpha / rank; of rsLoRA alpha / sqrt(rank)
  float dropout = 0;
  std::vector<std::string> targets = {"q_proj", "v_proj"}; ///< empty: all
  int layers = 16; ///< only so many of the last blocks; below 1: all

  /** Throws UsageError for a value out of range. */
  void validate() const;
};

/** A linear layer inside a block, by the names of its path. */
struct LayerPath {
  int block = -1;   ///< -1: it is in no block, as the head
  std::string name; ///< inside the block: "self_attn.q_proj"
};
LayerPath layer_path(const std::string& path);

/** True when `pattern`, in which each `*` stands for any characters, matches
 * all of `text`. */
bool matches(std::string_view pattern, std::string_view text);

/** The paths of the linear layers that would get an adapter. UsageError when a
 * target fits no layer, with the names there are. */
std::vector<std::string> target_paths(
    LanguageModel& model,
    const AdapterConfig& config);

/**
 * Puts an adapter on each of target_paths(), with the initial values of mlx-lm:
 * lora_a uniform in +-1 / sqrt(in) by (seed, path), lora_b zero, and for DoRA m
 * the lengths of the rows, so that the model computes what it computed before.
 * UsageError when the model has adapters already.
 */
void add_adapters(
    LanguageModel& model,
    const AdapterConfig& config,
    uint64_t seed);

/** The arrays of all adapters, by path: what is trained and saved. */
nn::Parameters adapter_parameters(const LanguageModel& model);

/** True for the path of such an array. */
bool is_adapter_path(const std::string& path);

/** Takes all adapters off: the model is the base model again. */
void remove_adapters(LanguageModel& model);

/** Folds all adapters into the weights; a packed matrix is packed again in its
 * own format. */
void fuse_adapters(LanguageModel& model);

} // namespace llm
