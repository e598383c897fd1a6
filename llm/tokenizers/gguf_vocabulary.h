// SPDX-License-Identifier: MIT
//
// The vocabulary of a GGUF file as a tokenizer. GGUF names two kinds: "gpt2",
// byte-level BPE with merges, whose words are cut as `pre` says, and "llama",
// SentencePiece's BPE, which has a score for each token instead of merges.
// The result is an ordinary BpeTokenizer: it can be saved as tokenizer.json.

#pragma once

#include <memory>

#include "llm/tokenizers/tokenizer.h"
#include "llm/tokenizers/tokenizer_info.h"

namespace llm {

/** The values of tokenizer.* in a GGUF file, unchecked. */
struct GgufVocabulary {
  std::string model; ///< tokenizer.ggml.model: "gpt2" or "llama"
  std::string pre;   ///< tokenizer.ggml.pre: "smollm", "llama-bpe", "qwen2"...
  std::vector<std::string> tokens;
  std::vector<float> scores;       ///< "llama" only
  std::vector<int32_t> types;      ///< 1 normal, 2 unknown, 3 control, 4 user
                                   ///< defined, 5 unused, 6 byte; or empty
  std::vector<std::string> merges; ///< "gpt2" only: "a b", earliest first
  std::optional<int32_t> bos;
  std::optional<int32_t> eos;
  std::optional<int32_t> unk;
  std::optional<bool> add_bos; ///< absent: true for "llama", Llama 3, Tekken
  std::optional<bool> add_eos; ///< absent: false
  std::optional<bool> add_space_prefix; ///< absent: true for "llama"
  std::string chat_template;
};

/**
 * Throws InputError, which names the key, for a model or `pre` that is not
 * supported (with the list of those that are) and for values that do not fit
 * together. `where` names the file.
 */
std::unique_ptr<Tokenizer> read_gguf_tokenizer(
    const GgufVocabulary& vocabulary,
    const std::string& where);

/**
 * What the programs need beside the ids. GGUF has one end token; the control
 * tokens that are known to end a turn ("<|eot_id|>", ...) count as well.
 */
TokenizerInfo read_gguf_tokenizer_info(const GgufVocabulary& vocabulary);

} // namespace llm
