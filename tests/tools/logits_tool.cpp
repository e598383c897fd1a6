// SPDX-License-Identifier: MIT
//
// logits_tool MODEL_DIR TOKENS.json OUT.safetensors [ADAPTER_DIR [BITS]]
// Writes the logits of a model folder for [[...], ...] token ids, float32; with
// an adapter on it, over weights packed into BITS in groups of 32.

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
    const llm::ModelFolder folder = llm::load_model_folder(argv[1]);
    if (argc > 5) {
      llm::quantize_model(*folder.model, 32, std::atoi(argv[5]));
    }
    if (argc > 4) {
      llm::load_adapters(*folder.model, argv[4]);
    }
    std::vector<int32_t> ids;
    const llm::Json rows = llm::read_json_file(argv[2]);
    for (const llm::Json& row : rows) {
      for (const llm::Json& id : row) {
        ids.push_back(id.get<int32_t>());
      }
    }
    const int B = static_cast<int>(rows.size());
    const int L = static_cast<int>(ids.size()) / B;
    const mx::array tokens(ids.begin(), {B, L});
    llm::write_file_atomically(
        argv[3],
        llm::safetensors_bytes({{"logits", folder.model->logits(tokens)}}));
    return 0;
  });
}
