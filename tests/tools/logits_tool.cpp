// SPDX-License-Identifier: MIT
//
// logits_tool MODEL TOKENS.json OUT.safetensors [ADAPTER_DIR [BITS]]
// Writes the logits of a model (a folder or a GGUF file) for [[...], ...] token
// ids, float32; with an adapter on it, over weights packed into BITS in groups
// of 32.

#include <algorithm>

#include <mlx/ops.h>

#include "llm/core/error.h"
#include "llm/core/files.h"
#include "llm/core/program.h"
#include "llm/io/safetensors.h"
#include "llm/models/load.h"
#include "llm/models/quantize.h"
#include "llm/nn/backend.h"
#include "llm/training/adapter_files.h"

int main(int argc, char** argv) {
  return llm::run_program("logits_tool", [&] {
    if (argc < 4 || argc > 6) {
      throw llm::UsageError(
          "logits_tool",
          "expected MODEL_DIR TOKENS.json OUT.safetensors [ADAPTER_DIR "
          "[BITS]].");
    }
    llm::start_mlx("cpu");
    const llm::ModelFolder folder = llm::load_model(argv[1]);
    if (argc > 5) {
      llm::quantize_model(*folder.model, 32, std::atoi(argv[5]));
    }
    if (argc > 4) {
      llm::load_adapters(*folder.model, argv[4]);
    }
    llm::Arrays out; // "logits" of all, or "logits.<row>" of each
    std::vector<mx::array> tokens;
    for (const llm::Json& row : llm::read_json_file(argv[2])) {
      const auto ids = row.get<std::vector<int32_t>>();
      tokens.emplace_back(
          ids.data(), mx::Shape{1, static_cast<int>(ids.size())}, mx::int32);
    }
    const bool equal =
        std::all_of(tokens.begin(), tokens.end(), [&](const mx::array& row) {
          return row.shape() == tokens[0].shape();
        });
    if (equal) {
      out.emplace("logits", folder.model->logits(mx::concatenate(tokens, 0)));
    }
    for (size_t i = 0; !equal && i < tokens.size(); ++i) {
      out.emplace(
          "logits." + std::to_string(i), folder.model->logits(tokens[i]));
    }
    llm::write_file_atomically(argv[3], llm::safetensors_bytes(out));
    return 0;
  });
}
