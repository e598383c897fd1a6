// SPDX-License-Identifier: MIT

#include "llm/models/language_model.h"

#include <iomanip>
#include <sstream>

#include <mlx/ops.h>
#include <mlx/utils.h>

#include "llm/core/error.h"
#include "llm/models/gpt.h"
#include "llm/models/llama.h"

namespace llm {

namespace {

/** UsageError unless tokens [B, L] end within the context. */
void check_tokens(const mx::array& tokens, int before, int context) {
  const int end = before + tokens.shape(-1);
  if (tokens.ndim() != 2 || end > context) {
    std::ostringstream received;
    received << tokens.shape();
    throw UsageError(
        "LanguageModel",
        "expected tokens of shape [B, L] that end within " +
            std::to_string(context) + " positions but received " +
            received.str() + " ending at " + std::to_string(end) + ".");
  }
}

/** x [B, L, C] -> [N, C]. */
mx::array rows_at(const mx::array& x, const mx::array& places) {
  return mx::take(mx::reshape(x, {-1, x.shape(-1)}), places, 0);
}

} // namespace

mx::array LanguageModel::logits(const mx::array& tokens, KVCache* cache) const {
  check_tokens(tokens, cache ? cache->length() : 0, context_length());
  return forward(tokens, cache);
}

mx::array LanguageModel::logits_at(
    const mx::array& tokens,
    const mx::array& places) const {
  check_tokens(tokens, 0, context_length());
  return forward_at(tokens, places);
}

mx::array LanguageModel::forward_at(
    const mx::array& tokens,
    const mx::array& places) const {
  return rows_at(forward(tokens, nullptr), places);
}

namespace {

/** Makes a LanguageModel of any struct with the members gpt.h shows. */
template <class Model>
class Adapter : public LanguageModel {
 public:
  explicit Adapter(const typename Model::Config& config) : model_(config) {}

  std::string model_type() const override {
    return config()["model_type"].template get<std::string>();
  }
  int vocab_size() const override {
    return model_.config.vocab_size;
  }
  int context_length() const override {
    return model_.context_length();
  }
  std::vector<int> layer_windows() const override {
    return model_.layer_windows();
  }
  Json config() const override {
    return model_.config.to_json();
  }
  void initialize(uint64_t seed) override {
    model_.initialize(seed);
  }
  nn::Parameters parameters() const override {
    return nn::parameters(model_);
  }
  void assign(const nn::Parameters& values) override {
    nn::assign(model_, values);
  }
  void update(const nn::Parameters& values, std::string_view where) override {
    nn::update(model_, values, where);
  }
  nn::Parameters to_checkpoint() const override {
    return model_.to_checkpoint();
  }
  nn::Parameters translate(nn::Parameters arrays, std::string_view where)
      const override {
    return model_.translate(std::move(arrays), where);
  }
  void for_each_linear(
      const std::function<void(const std::string&, nn::Linear&)>& f) override {
    nn::for_each<nn::Linear>(model_, f);
  }
  void for_each_embedding(
      const std::function<void(const std::string&, nn::Embedding&)>& f)
      override {
    nn::for_each<nn::Embedding>(model_, f);
  }
  void set_dropout_key(const std::optional<mx::array>& key) override {
    nn::set_dropout_key(model_, key);
  }
  void set_activation_checkpointing(bool on) override {
    model_.checkpoint_blocks = on;
  }

 protected:
  mx::array forward(const mx::array& tokens, KVCache* cache) const override {
    return model_(tokens, cache);
  }
  mx::array forward_at(const mx::array& tokens, const mx::array& places)
      const override {
    return model_.head(rows_at(model_.hidden(tokens, nullptr), places));
  }

 private:
  Model model_;
};

template <class Model>
std::unique_ptr<LanguageModel> make(const Json& config) {
  return std::make_unique<Adapter<Model>>(Model::Config::from_json(config));
}

using Maker = std::unique_ptr<LanguageModel> (*)(const Json&);

/** The registry: a new architecture is one file and one line here. */
const std::map<std::string, Maker>& registry() {
  static const std::map<std::string, Maker> makers = {
      {"gpt2", make<GPT>},
      {"llama", make<Llama>},
      {"qwen3", make<Llama>},
  };
  return makers;
}

} // namespace

std::unique_ptr<LanguageModel> make_model(const Json& config) {
  const auto type = json_get<std::string>(config, "model_type", "config.json");
  const auto it = registry().find(type);
  if (it == registry().end()) {
    std::string known;
    for (const auto& [name, maker] : registry()) {
      known += (known.empty() ? "" : ", ") + name;
    }
    throw InputError(
        "config.json",
        "model_type: expected one of " + known + " but received \"" + type +
            "\".");
  }
  return it->second(config);
}

std::string describe(const LanguageModel& model) {
  const nn::Parameters all = model.parameters();
  size_t width = 9;
  for (const auto& [path, array] : all) {
    width = std::max(width, path.size());
  }
  std::ostringstream out;
  auto row = [&](const std::string& a, const std::string& b, const auto& c) {
    out << std::left << std::setw(static_cast<int>(width) + 2) << a
        << std::setw(16) << b << std::right << std::setw(12) << c << "\n";
  };
  row("parameter", "shape", "count");
  for (const auto& [path, array] : all) {
    std::ostringstream shape;
    shape << array.shape();
    row(path, shape.str(), array.size());
  }
  const int64_t total = nn::count(all);
  row("total", "", total);
  out << model.model_type() << ": " << model.layer_count() << " layers, "
      << model.vocab_size() << " tokens in the vocabulary, context "
      << model.context_length() << ", " << std::fixed << std::setprecision(1)
      << static_cast<double>(total) * 4 / (1 << 20) << " MiB as float32\n";
  return out.str();
}

} // namespace llm
