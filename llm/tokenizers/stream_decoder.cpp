// SPDX-License-Identifier: MIT

#include "llm/tokenizers/stream_decoder.h"

#include <utility>

namespace llm {

StreamDecoder::StreamDecoder(const Tokenizer& tokenizer, bool continues)
    : tokenizer_(tokenizer), first_(!continues) {}

std::string StreamDecoder::push(int32_t id) {
  const bool first = std::exchange(first_, false);
  return stream_.push(
      first ? tokenizer_.decode_first(id) : tokenizer_.decode_bytes(id));
}

std::string StreamDecoder::finish() {
  return stream_.finish();
}

} // namespace llm
