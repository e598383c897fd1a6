// SPDX-License-Identifier: MIT

#include "llm/tokenizers/tokenizer.h"

#include "llm/core/error.h"
#include "llm/core/utf8.h"

namespace llm {

std::string Tokenizer::decode(const std::vector<int32_t>& ids) const {
  std::string bytes;
  for (size_t i = 0; i < ids.size(); ++i) {
    bytes += i == 0 ? decode_first(ids[i]) : decode_bytes(ids[i]);
  }
  return replace_invalid_utf8(bytes);
}

void Tokenizer::check_id(int32_t id) const {
  if (id < 0 || id >= vocab_size()) {
    throw InputError(
        kind() + " tokenizer",
        "expected a token id from 0 to " + std::to_string(vocab_size() - 1) +
            " but received " + std::to_string(id) +
            "; use the tokenizer that belongs to the model.");
  }
}

void Tokenizer::check_text(std::string_view text) const {
  if (const auto error = find_utf8_error(text)) {
    const auto place = text_position(text, error->offset);
    throw InputError(
        kind() + " tokenizer",
        "expected UTF-8 text but received an invalid byte at " +
            std::to_string(place.line) + ":" + std::to_string(place.column) +
            " (" + error->reason + "); convert the text to UTF-8.");
  }
}

} // namespace llm
