// SPDX-License-Identifier: MIT

#include "llm/data/chat_format.h"

#include "llm/core/error.h"
#include "llm/tokenizers/chat_template.h"

namespace llm {

ChatFormat chat_format(
    const std::string& name,
    const Tokenizer& tokenizer,
    const TokenizerInfo& info) {
  if (name != "auto" && name != "chatml" && name != "plain") {
    throw UsageError(
        "options",
        "expected --chat-format auto, chatml or plain but received " + name +
            ".");
  }
  if (name == "auto" && !info.chat_template.empty()) {
    return [info](const Json& messages, bool generation_prompt) {
      return render_chat(
          info.chat_template,
          messages,
          {.add_generation_prompt = generation_prompt,
           .bos_token = info.bos_token,
           .eos_token = info.eos_token});
    };
  }
  const bool has_chatml = tokenizer.token_id("<|im_start|>").has_value();
  if (name == "chatml" || (name == "auto" && has_chatml)) {
    return chatml;
  }
  const auto eos = tokenizer.eos_id();
  const std::string end = eos ? tokenizer.token(*eos) : "";
  return [end](const Json& messages, bool generation_prompt) {
    return plain_text(messages, generation_prompt) +
        (generation_prompt ? "" : end);
  };
}

std::vector<int32_t> ends_of_answer(
    const Tokenizer& tokenizer,
    TokenizerInfo info) {
  if (const auto end = tokenizer.token_id("<|im_end|>")) {
    info.add_eos(*end);
  }
  return info.eos;
}

} // namespace llm
