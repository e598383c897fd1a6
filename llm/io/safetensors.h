// SPDX-License-Identifier: MIT
//
// Arrays in safetensors files. llm/core checks the header first, so MLX never
// sees a damaged file, and every value is read before the function returns: a
// lazy load would report a short file only in the middle of training.

#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include <mlx/array.h>

#include "llm/core/byte_source.h"
#include "llm/core/safetensors.h"

namespace llm {

using Arrays = std::map<std::string, mlx::core::array>;

struct SafetensorsContent {
  Arrays arrays;
  std::map<std::string, std::string> metadata;
};

/** Reads a whole file. InputError when it is damaged or has a type that MLX
 * lacks (F64, F8), naming the tensor; IoError when it cannot be read. */
SafetensorsContent load_safetensors(const std::filesystem::path& path);

/** The same from bytes in memory; `where` names them in errors. */
SafetensorsContent parse_safetensors(
    std::string_view bytes,
    std::string_view where);

/** The arrays of a file whose header was read, one after the other straight
 * into their memory; errors as load_safetensors. */
Arrays read_safetensors_arrays(
    const ByteSource& source,
    const SafetensorsHeader& header);

/**
 * The weights of a model folder: model.safetensors or, if there is none, the
 * parts that model.safetensors.index.json names. Every part must hold exactly
 * the tensors that the index says; InputError names the first ten that are
 * missing or unexpected.
 */
Arrays load_checkpoint_arrays(const std::filesystem::path& folder);

/** The bytes of a file with these arrays: the same arrays give the same bytes.
 * Evaluates them. */
std::string safetensors_bytes(
    const Arrays& arrays,
    const std::map<std::string, std::string>& metadata = {{"format", "pt"}});

} // namespace llm
