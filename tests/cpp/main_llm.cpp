// SPDX-License-Identifier: MIT
// The tests run as programs do: right MLX, default device, no fusing on a CPU.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include "llm/core/program.h"
#include "llm/nn/backend.h"

int main(int argc, char** argv) {
  return llm::run_program("test_llm", [&] {
    llm::start_mlx();
    return doctest::Context(argc, argv).run();
  });
}
