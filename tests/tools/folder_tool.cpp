// SPDX-License-Identifier: MIT
//
// folder_tool IN_DIR OUT_DIR [BITS GROUP_SIZE [KEEP]]
// Loads a model folder and saves it again, with BITS all matrices packed whose
// path does not contain KEEP. Prints the paths that could not be packed.

#include <cstdio>
#include <string>

#include "llm/core/error.h"
#include "llm/core/program.h"
#include "llm/models/load.h"
#include "llm/models/quantize.h"
#include "llm/nn/backend.h"

int main(int argc, char** argv) {
  return llm::run_program("folder_tool", [&] {
    if (argc != 3 && argc != 5 && argc != 6) {
      throw llm::UsageError(
          "folder_tool", "expected IN_DIR OUT_DIR [BITS GROUP_SIZE [KEEP]].");
    }
    llm::start_mlx("cpu");
    const llm::ModelFolder folder = llm::load_model_folder(argv[1]);
    if (argc > 3) {
      const std::string keep = argc > 5 ? argv[5] : "";
      const auto left = llm::quantize_model(
          *folder.model,
          std::stoi(argv[4]),
          std::stoi(argv[3]),
          [&](const std::string& path) {
            return keep.empty() || path.find(keep) == std::string::npos;
          });
      for (const std::string& path : left) {
        std::puts(path.c_str());
      }
    }
    llm::save_model_folder(argv[2], *folder.model, *folder.tokenizer, "");
    return 0;
  });
}
