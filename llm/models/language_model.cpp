// SPDX-License-Identifier: MIT

#include "llm/models/language_model.h"

#include <iomanip>
#include <sstream>

#include <mlx/memory.h>
#include <mlx/ops.h>
#include <mlx/utils.h>

#include "llm/core/error.h"
#include "llm/models/gemma3.h"
#include "llm/models/gpt.h"
#include "llm/models/llama.h"
#include "llm/models/quantize.h"

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
  const auto rows = cache ? cache->positions().rows : std::nullopt;
  if (rows && static_cast<int>(rows->size()) != tokens.shape(0)) {
    throw UsageError(
        "LanguageModel",
        "expected a row of tokens for each of " + std::to_string(rows->size()) +
            " caches but received " + std::to_string(tokens.shape(0)) + ".");
  }
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
  /** `kept`: keys of config.json that say nothing of the shape. */
  Adapter(const typename Model::Config& config, Json kept)
      : model_(config), kept_(std::move(kept)) {}

  std::string model_type() const override {
    return model_.config.to_json()["model_type"].template get<std::string>();
  }
  mx::array unembed(const mx::array& x) const override {
    return model_.head(model_.final_norm(x));
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
    Json out = model_.config.to_json();
    out.update(kept_);
    if (const Json packed = quantization_to_json(quantization());
        !packed.is_null()) {
      out["quantization"] = packed;
      out["quantization_config"] = packed; // mlx-lm writes both
    }
    return out;
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
  std::map<std::string, nn::Quantization> quantization() const override {
    std::map<std::string, nn::Quantization> out;
    const auto collect = [&](const std::string& path, const auto& layer) {
      if (layer.quantization) {
        out.emplace(path, *layer.quantization);
      }
    };
    nn::for_each<nn::Linear>(model_, collect);
    nn::for_each<nn::Embedding>(model_, collect);
    return out;
  }
  void set_dropout_key(const std::optional<mx::array>& key) override {
    nn::set_dropout_key(model_, key);
  }
  void join() override {
    if constexpr (requires { model_.model.layers[0].self_attn.joined; }) {
      for (auto& block : model_.model.layers) {
        auto& a = block.self_attn;
        auto& m = block.mlp;
        a.joined.join({&a.q_proj, &a.k_proj, &a.v_proj});
        m.joined.join({&m.gate_proj, &m.up_proj});
        mx::clear_cache(); // of what they were made from
      }
    }
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
  Json kept_;
};

template <class Model>
std::unique_ptr<LanguageModel> make(const Json& config) {
  Json kept = Json::object(); // where a text begins and ends
  for (const char* key : {"bos_token_id", "eos_token_id", "pad_token_id"}) {
    if (config.contains(key)) {
      kept[key] = config[key];
    }
  }
  return std::make_unique<Adapter<Model>>(
      Model::Config::from_json(config), std::move(kept));
}

using Maker = std::unique_ptr<LanguageModel> (*)(const Json&);

/** The registry: a new architecture is one file and one line here. */
const std::map<std::string, Maker>& registry() {
  static const std::map<std::string, Maker> makers = {
      {"gpt2", make<GPT>},
      {"gemma3", make<Gemma3>},
      {"gemma3_text", make<Gemma3>},
      {"llama", make<Llama>},
      {"mistral", make<Llama>},
      {"qwen2", make<Llama>},
      {"qwen3", make<Llama>},
  };
  return makers;
}

} // namespace

ModelSizes sizes(const LanguageModel& model) {
  const Json config = model.config();
  const auto get = [&](const char* name, const char* of_gpt2) {
    return json_get<int>(
        config, config.contains(name) ? name : of_gpt2, "config.json");
  };
  const int heads = get("num_attention_heads", "n_head");
  return {
      .layers = model.layer_count(),
      .heads = heads,
      .kv_heads =
          json_get_or<int>(config, "num_key_value_heads", heads, "config.json"),
      .width = get("hidden_size", "n_embd")};
}

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

namespace {

/** One line of describe(): packed matrices as what they stand for. */
struct Row {
  std::string path, shape;
  int64_t count;
};

std::vector<Row> rows(const LanguageModel& model) {
  const auto packed = model.quantization();
  std::vector<Row> out;
  for (const auto& [path, array] : model.parameters()) {
    const size_t dot = path.rfind('.');
    const std::string name = path.substr(dot + 1);
    const auto q = packed.find(path.substr(0, dot));
    if (q != packed.end() && (name == "scales" || name == "biases")) {
      continue; // they belong to the weight
    }
    mx::Shape shape = array.shape();
    std::string bits;
    if (q != packed.end() && name == "weight") {
      shape.back() = nn::unpacked_width(array, q->second);
      bits = " " + std::to_string(q->second.bits) + " bit";
    }
    std::ostringstream text;
    text << shape << bits;
    int64_t count = 1;
    for (int size : shape) {
      count *= size;
    }
    out.push_back({path, text.str(), count});
  }
  return out;
}

} // namespace

int64_t parameter_count(const LanguageModel& model) {
  int64_t total = 0;
  for (const Row& row : rows(model)) {
    total += row.count;
  }
  return total;
}

std::string describe(const LanguageModel& model) {
  const std::vector<Row> all = rows(model);
  size_t width = 9;
  for (const Row& row : all) {
    width = std::max(width, row.path.size());
  }
  const int64_t total = parameter_count(model);
  double bytes = 0;
  for (const auto& [path, array] : model.parameters()) {
    bytes += static_cast<double>(array.nbytes());
  }
  std::ostringstream out;
  const auto line = [&](const std::string& a, const std::string& b, auto c) {
    out << std::left << std::setw(static_cast<int>(width) + 2) << a
        << std::setw(16) << b << std::right << std::setw(12) << c << "\n";
  };
  line("parameter", "shape", "count");
  for (const Row& row : all) {
    line(row.path, row.shape, row.count);
  }
  line("total", "", total);
  out << model.model_type() << ": " << model.layer_count() << " layers, "
      << model.vocab_size() << " tokens in the vocabulary, context "
      << model.context_length() << ", " << std::fixed << std::setprecision(1)
      << bytes / (1 << 20) << " MiB (" << 8 * bytes / static_cast<double>(total)
      << " bits per parameter)\n";
  return out.str();
}

} // namespace llm
