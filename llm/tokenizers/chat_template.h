// SPDX-License-Identifier: MIT
//
// From a conversation to the text that a chat model was trained on. The recipe
// is a Jinja template that comes with the model; it is run as Hugging Face's
// transformers runs it, by an interpreter for the part of Jinja that the
// templates of Llama, Mistral, Qwen, SmolLM, Gemma and their kin use.
// A template is a program by strangers: it gets no files, only the values here,
// and a limited number of steps and bytes.

#pragma once

#include <ctime>
#include <string>
#include <string_view>

#include "llm/core/json.h"

namespace llm {

struct ChatOptions {
  bool add_generation_prompt = true; ///< begin the assistant's answer
  std::string bos_token;             ///< "" when the model has none
  std::string eos_token;
  Json extra = Json::object(); ///< more variables, e.g. enable_thinking, tools
  std::time_t now = 0;         ///< what strftime_now writes; 0: the present
};

/**
 * `messages`: a list of {"role": "system"|"user"|"assistant", "content": s}.
 * The result holds the special tokens as text: encode it with special = true
 * and add_special = false. Throws InputError, with the template's line, for a
 * template that is wrong, needs what is not supported, refuses the conversation
 * (raise_exception) or exceeds the limits.
 */
std::string render_chat(
    std::string_view template_text,
    const Json& messages,
    const ChatOptions& options = {});

} // namespace llm
