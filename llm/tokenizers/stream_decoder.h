// SPDX-License-Identifier: MIT
//
// Decodes token by token, as a model writes them. A token may end in the middle
// of a character; its bytes wait until the character is whole or can no longer
// become one. What comes out, joined, is decode() of all the ids.

#pragma once

#include "llm/core/utf8.h"
#include "llm/tokenizers/tokenizer.h"

namespace llm {

class StreamDecoder {
 public:
  /**
   * `tokenizer` must outlive the decoder. `continues`: the tokens follow other
   * text (a prompt), so the first one keeps its space; see decode_first.
   */
  explicit StreamDecoder(const Tokenizer& tokenizer, bool continues = false);

  /** The characters that `id` completes; may be empty, is always UTF-8. */
  std::string push(int32_t id);

  /** What is left at the end: U+FFFD for an unfinished character, or "". */
  std::string finish();

 private:
  const Tokenizer& tokenizer_;
  bool first_;
  Utf8Stream stream_;
};

} // namespace llm
