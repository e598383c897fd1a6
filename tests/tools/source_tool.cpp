// SPDX-License-Identifier: MIT
//
// source_tool [--offline] NAME
// Prints the path of the model that NAME means; fetches it if it is not there.

#include <iostream>

#include "llm/core/error.h"
#include "llm/core/program.h"
#include "llm/io/model_source.h"

int main(int argc, char** argv) {
  return llm::run_program("source_tool", [&] {
    const bool offline = argc == 3 && std::string(argv[1]) == "--offline";
    if (argc != (offline ? 3 : 2)) {
      throw llm::UsageError("source_tool", "expected [--offline] NAME.");
    }
    std::cout << llm::resolve_model(argv[argc - 1], offline).string() << '\n';
    return 0;
  });
}
