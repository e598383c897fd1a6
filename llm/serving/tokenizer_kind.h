// SPDX-License-Identifier: MIT

#pragma once

#include <filesystem>
#include <string>

namespace llm::serving {

/** "char" or "bpe", as Tokenizer::kind() will say, from the beginning of a
 * tokenizer.json: its megabytes of vocabulary are not parsed. InputError when
 * it has neither kind. */
std::string tokenizer_kind(const std::filesystem::path& file);

} // namespace llm::serving
