// SPDX-License-Identifier: MIT
//
// model.safetensors.index.json: which part of a model holds which tensor, when
// its weights are in several files:
//   {"weight_map": {"model.norm.weight": "model-00002-of-00002.safetensors"}}

#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "llm/core/safetensors.h"

namespace llm {

/** File name -> the tensors in it. */
using SafetensorsIndex = std::map<std::string, std::set<std::string>>;

/**
 * Reads an index. InputError when it is damaged, names no tensor, or names a
 * file that is no plain name of letters, digits, ".", "_" and "-" ending with
 * ".safetensors": a part lies in the folder of the index, nowhere else.
 */
SafetensorsIndex read_safetensors_index(const std::filesystem::path& path);

/** InputError when the part `where` does not hold exactly these tensors: the
 * first ten that are missing and the first ten that are unexpected. */
void check_safetensors_part(
    const SafetensorsHeader& part,
    const std::set<std::string>& names,
    std::string_view where);

} // namespace llm
