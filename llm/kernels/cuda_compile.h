// SPDX-License-Identifier: MIT
//
// CUDA text to machine code, by the library that MLX's wheel brings (NVRTC).
// What was compiled is kept in the folder where MLX keeps its own kernels.

#pragma once

#include <string>

namespace llm::kernels {

/** The code of `source` for the default device; its one function is `name`,
 * which must be another one for another text. Throws std::runtime_error with
 * what the compiler says. */
const std::string& cuda_code(
    const std::string& name,
    const std::string& source);

} // namespace llm::kernels
