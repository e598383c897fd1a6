// SPDX-License-Identifier: MIT

#include "llm/tokenizers/stream_decoder.h"

namespace llm {

StreamDecoder::StreamDecoder(const Tokenizer& tokenizer)
    : tokenizer_(tokenizer) {}

std::string StreamDecoder::push(int32_t id) {
  return stream_.push(tokenizer_.decode_bytes(id));
}

std::string StreamDecoder::finish() {
  return stream_.finish();
}

} // namespace llm
