// SPDX-License-Identifier: MIT
//
// What other people's code computed: files of tests/golden, whose README says
// how they were made.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <mlx/mlx.h>

namespace ex {

inline mlx::core::array golden(
    const std::string& name,
    const std::string& file = "exercises") {
  const std::string path =
      std::string(LLM_GOLDEN_DIR) + "/" + file + ".safetensors";
  return mlx::core::load_safetensors(path).first.at(name);
}

/** Ids [n], int32. */
inline std::vector<int> golden_ids(const std::string& name) {
  mlx::core::array ids = golden(name);
  ids.eval();
  return {ids.data<int32_t>(), ids.data<int32_t>() + ids.size()};
}

} // namespace ex
