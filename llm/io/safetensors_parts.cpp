// SPDX-License-Identifier: MIT
//
// The weights of a model folder, in one file or in several.

#include <utility>

#include "llm/core/byte_source.h"
#include "llm/core/error.h"
#include "llm/core/safetensors_index.h"
#include "llm/io/safetensors.h"

namespace llm {

namespace fs = std::filesystem;

Arrays load_checkpoint_arrays(const fs::path& folder) {
  const fs::path whole = folder / "model.safetensors";
  const fs::path index = folder / "model.safetensors.index.json";
  std::error_code ignored;
  if (fs::exists(whole, ignored)) {
    return load_safetensors(whole).arrays;
  }
  if (!fs::exists(index, ignored)) {
    throw InputError(
        "model",
        folder.string() +
            " has neither model.safetensors nor model.safetensors.index.json; "
            "choose another folder.");
  }
  Arrays arrays;
  for (const auto& [name, tensors] : read_safetensors_index(index)) {
    const fs::path path = folder / name;
    const FileSource file(path);
    const auto header = read_safetensors_header(file, path.string());
    check_safetensors_part(header, tensors, path.string());
    // No name twice: each is in the part that the index says, and only there.
    arrays.merge(read_safetensors_arrays(file, header));
    file.check_size();
  }
  return arrays;
}

} // namespace llm
