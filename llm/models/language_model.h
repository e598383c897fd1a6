// SPDX-License-Identifier: MIT
//
// One face for every model, for what is chosen at run time: programs, trainer,
// generation. Layers and model files stay plain structs.

#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "llm/core/json.h"
#include "llm/models/kv_cache.h"
#include "llm/nn/embedding.h"
#include "llm/nn/linear.h"

namespace llm {

class LanguageModel {
 public:
  virtual ~LanguageModel() = default;

  /** tokens [B, L] (int32) -> logits [B, L, vocab_size]. With a cache the
   * tokens are those that follow what the cache holds.
   * Throws UsageError beyond context_length(). */
  mx::array logits(const mx::array& tokens, KVCache* cache = nullptr) const;

  /** The same at some places alone, without a cache: `places` [N] (int32)
   * counts the B L places row by row -> [N, vocab_size]. With a large
   * vocabulary the head is a good part of a model's work. */
  mx::array logits_at(const mx::array& tokens, const mx::array& places) const;

  /** What the residual stream x [..., C] says as it is: final norm and head ->
   * [..., vocab_size] (the "logit lens"). */
  virtual mx::array unembed(const mx::array& x) const = 0;

  /** An empty cache that fits this model. */
  KVCache make_cache(const CacheOptions& options = {}) const {
    return KVCache(layer_windows(), options);
  }

  int layer_count() const {
    return static_cast<int>(layer_windows().size());
  }

  virtual std::string model_type() const = 0; ///< as in config.json
  virtual int vocab_size() const = 0;
  virtual int context_length() const = 0;
  /** How many positions each layer's attention looks back; 0: all. */
  virtual std::vector<int> layer_windows() const = 0;
  virtual Json config() const = 0; ///< the content of config.json

  /** Fills the weights from (seed, name). */
  virtual void initialize(uint64_t seed) = 0;

  virtual nn::Parameters parameters() const = 0;
  /** Puts arrays (also tracers) in the place of those with the same path. */
  virtual void assign(const nn::Parameters& values) = 0;
  /** Replaces all parameters; throws InputError listing what does not fit. */
  virtual void update(
      const nn::Parameters& values,
      std::string_view where = "update") = 0;

  /** The arrays as the checkpoint format holds them, and back: a file's arrays
   * by our names and in our layout. InputError when they contradict config. */
  virtual nn::Parameters to_checkpoint() const = 0;
  virtual nn::Parameters translate(
      nn::Parameters arrays,
      std::string_view where) const = 0;

  /** The layers that adapters and quantization attach to, with their paths. */
  virtual void for_each_linear(
      const std::function<void(const std::string&, nn::Linear&)>& f) = 0;
  virtual void for_each_embedding(
      const std::function<void(const std::string&, nn::Embedding&)>& f) = 0;

  /** The layers that are packed into a few bits, by path. */
  virtual std::map<std::string, nn::Quantization> quantization() const {
    return {};
  }

  /** A key switches dropout on (training), none switches it off. */
  virtual void set_dropout_key(const std::optional<mx::array>& key) = 0;
  /** To write on a GPU: makes one matrix of those that read the same, if there
   * are any (nn/joined.h). */
  virtual void join() {}
  /** Recompute each block in the backward pass to save memory. */
  virtual void set_activation_checkpointing(bool on) = 0;

 protected:
  virtual mx::array forward(const mx::array& tokens, KVCache* cache) const = 0;
  /** All logits, then some of them; a model that can does less. */
  virtual mx::array forward_at(const mx::array& tokens, const mx::array& places)
      const;
};

/** The sizes that people ask for. */
struct ModelSizes {
  int layers, heads, kv_heads;
  int width; ///< of the residual stream
};
ModelSizes sizes(const LanguageModel& model);

/** A new model of shape config["model_type"], with zeros for weights.
 * Throws InputError for a model_type that is not known, listing those that are,
 * or a config that does not make sense. */
std::unique_ptr<LanguageModel> make_model(const Json& config);

/** The weights of the model; packed ones count as what they stand for. */
int64_t parameter_count(const LanguageModel& model);

/** A table of layers, shapes and parameter counts, for people. */
std::string describe(const LanguageModel& model);

} // namespace llm
