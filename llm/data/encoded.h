// SPDX-License-Identifier: MIT
//
// Examples as token ids, with a mark on each token that the loss counts. The
// prompt is given, not predicted (prompt masking): of a conversation only the
// assistant's turns count, of a text all tokens but the first.
// The span of an answer is found as mlx-lm finds it, from the lengths of the
// conversation before and after it. Too long examples lose their end.

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "llm/data/instructions.h"
#include "llm/tokenizers/tokenizer.h"

namespace llm {

/** Writes a conversation as the model expects it; the second argument asks for
 * the beginning of an answer at the end. */
using ChatFormat =
    std::function<std::string(const Json& messages, bool generation_prompt)>;

/** "<|im_start|>user\n...<|im_end|>\n" (OpenAI's ChatML), which SmolLM2 and
 * Qwen use: what models without a template of their own get. */
std::string chatml(const Json& messages, bool generation_prompt);

/** The contents alone, with an empty line between: for models that never saw a
 * conversation. */
std::string plain_text(const Json& messages, bool generation_prompt);

/** What encoding needs besides the examples. */
struct EncodeRules {
  const Tokenizer& tokenizer;
  ChatFormat format = chatml;
  int max_length = 2048;   ///< tokens of an example, at most
  bool mask_prompt = true; ///< false: the prompt's tokens count too
};

struct Encoded {
  std::vector<int32_t> ids;
  std::vector<uint8_t> counts; ///< [ids.size()], 1: predicting it counts
  int64_t length = 0;          ///< tokens before it was cut
  std::string kind;

  int64_t counted() const;
  bool truncated() const {
    return length > static_cast<int64_t>(ids.size());
  }
};

/** One conversation or text; of a pair the prompt with the chosen answer. */
Encoded encode_example(const Example& example, const EncodeRules& rules);

/** A pair: the prompt with either answer. */
struct EncodedPair {
  Encoded chosen, rejected;
};
EncodedPair encode_pair(const Example& example, const EncodeRules& rules);

/** All examples in their order, without those of which nothing is left to
 * learn. InputError when none is left, or with the first that is a pair. */
std::vector<Encoded> encode_examples(
    const std::vector<Example>& examples,
    const EncodeRules& rules);

/** The same for pairs. InputError with the first example that is no pair. */
std::vector<EncodedPair> encode_pairs(
    const std::vector<Example>& examples,
    const EncodeRules& rules);

} // namespace llm
