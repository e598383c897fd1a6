// SPDX-License-Identifier: MIT
//
// What the C++ side of an installation really uses: prints one JSON object.
// `./tutorial doctor` shows it to people.

#include <iostream>

#include <mlx/mlx.h>

#include "llm/core/json.h"
#include "llm/core/program.h"
#include "llm/nn/backend.h"

int main() {
  return llm::run_program("doctor", [] {
    llm::start_mlx();
    const llm::Json facts = {
        {"mlx_built", llm::mlx_built_for()},
        {"mlx_found", llm::mlx_found()},
        {"device", llm::device_name()},
        {"device_text", llm::device_text()},
        {"metal", mlx::core::metal::is_available()},
        {"cuda", mlx::core::cu::is_available()},
        {"blas", llm::blas_name()},
        {"kernels", llm::kernels_name()},
        {"sgemm_gflops", llm::measure_sgemm_gflops()}};
    std::cout << facts.dump() << "\n";
    return 0;
  });
}
