// SPDX-License-Identifier: MIT
//
// One text while it is generated: its tokens, what is shown of them, where it
// is in the grammar, and why it ends. Internal to generation.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "llm/generation/generate.h"
#include "llm/generation/stop_filter.h"
#include "llm/tokenizers/stream_decoder.h"

namespace llm {

/** Throws UsageError for options out of range. */
void check(const GenerateOptions& options);

class GenerationRow {
 public:
  /** The references must outlive it. Checks the prompt. */
  GenerationRow(
      const LanguageModel& model,
      const Tokenizer& tokenizer,
      const std::vector<int32_t>& prompt,
      const GenerateOptions& options,
      uint64_t seed);

  /** Prompt and output. */
  const std::vector<int32_t>& text() const {
    return text_;
  }
  size_t prompt_length() const {
    return out_.prompt_tokens;
  }
  int vocabulary() const {
    return vocabulary_;
  }
  uint64_t seed() const {
    return seed_;
  }
  bool finished() const {
    return !out_.finish_reason.empty();
  }
  /** Where the output is in the grammar. */
  TokenGrammar::State state() const {
    return state_;
  }

  /** Takes the next token and fills in its text. */
  void add(GeneratedToken& token);
  /** Ends the text before it is finished. */
  void interrupt();

  Generation& result() {
    return out_;
  }
  const Generation& result() const {
    return out_;
  }

 private:
  std::string show(int32_t id);

  const GenerateOptions& options_;
  int vocabulary_;
  int context_;
  uint64_t seed_;
  StreamDecoder decoder_;
  StopFilter filter_;
  TokenGrammar::State state_ = 0;
  std::vector<int32_t> text_;
  Generation out_;
};

} // namespace llm
