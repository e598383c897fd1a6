// SPDX-License-Identifier: MIT
//
// Folders of models for the tests of the registry.

#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "llm/core/safetensors.h"
#include "llm/serving/registry.h"
#include "tests/cpp/core/temporary_folder.h"

namespace llm::test {

inline constexpr const char* char_tokenizer =
    R"({"version":"1.0","normalizer":{"type":"NFC"},)"
    R"("model":{"type":"WordLevel","vocab":{"a":0}}})";
inline constexpr const char* bpe_tokenizer =
    R"({"model":{"vocab":{"a":0},"type":"BPE"}})";

/** A safetensors file of zeros. */
inline std::string weights(std::map<std::string, TensorInfo> tensors) {
  const uint64_t data = place_tensors(tensors);
  return safetensors_header_bytes(tensors, {}) + std::string(data, '\0');
}

inline std::string small_weights() {
  return weights({{"w", {.dtype = "F32", .shape = {2, 3}}}});
}

/** A folder as save_model_folder() writes it. */
inline void put_model(
    const std::filesystem::path& folder,
    const std::string& config = R"({"model_type":"gpt2","n_layer":2,)"
                                R"("n_head":4,"n_positions":24,)"
                                R"("vocab_size":61})",
    const std::string& bytes = small_weights()) {
  std::filesystem::create_directories(folder);
  put(folder / "config.json", config);
  put(folder / "tokenizer.json", char_tokenizer);
  put(folder / "model.safetensors", bytes);
}

inline void put_adapter(
    const std::filesystem::path& folder,
    const std::string& base) {
  std::filesystem::create_directories(folder);
  put(folder / "adapter_config.json", Json{{"model", base}, {"x", 1}}.dump());
  put(folder / "adapters.safetensors", small_weights());
}

/** Sets when a model's weights were written, in seconds before now. */
inline void set_age(const std::filesystem::path& file, int seconds) {
  std::filesystem::last_write_time(
      file,
      std::filesystem::file_time_type::clock::now() -
          std::chrono::seconds(seconds));
}

inline std::string ids(const std::vector<serving::ModelInfo>& models) {
  std::string text;
  for (const serving::ModelInfo& m : models) {
    text += (text.empty() ? "" : " ") + m.id + (m.is_default ? "*" : "");
  }
  return text;
}

inline serving::ModelInfo find(
    const std::vector<serving::ModelInfo>& models,
    const std::string& id) {
  for (const serving::ModelInfo& model : models) {
    if (model.id == id) {
      return model;
    }
  }
  FAIL(id << " is not in the list: " << ids(models));
  return {};
}

} // namespace llm::test
