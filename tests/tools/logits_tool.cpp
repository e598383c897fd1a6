// SPDX-License-Identifier: MIT
//
// logits_tool MODEL_DIR TOKENS.json OUT.safetensors
// Writes the logits of a model folder for [[...], ...] token ids, float32.

#include "llm/core/error.h"
#include "llm/core/files.h"
#include "llm/core/program.h"
#include "llm/io/safetensors.h"
#include "llm/models/load.h"
#include "llm/nn/backend.h"

int main(int argc, char** argv) {
  return llm::run_program("logits_tool", [&] {
    if (argc != 4) {
      throw llm::UsageError(
          "logits_tool", "expected MODEL_DIR TOKENS.json OUT.safetensors.");
    }
    llm::start_mlx("cpu");
    const llm::ModelFolder folder = llm::load_model_folder(argv[1]);
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
