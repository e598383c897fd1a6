// SPDX-License-Identifier: MIT
//
// Asking a model: a prompt in its chat format, and the answer as text.

#pragma once

#include <functional>
#include <string>
#include <vector>

#include "code/finetune/model.h"
#include "llm/core/interrupt.h"
#include "llm/generation/generate.h"

namespace llm {

/** The token ids of a question. */
inline std::vector<int32_t>
question_ids(const TunedModel& m, const TuneOptions& o, const Json& messages) {
  if (o.raw) {
    return m.tokenizer->encode(messages.back()["content"].get<std::string>());
  }
  Json all = messages;
  if (!o.system.empty()) {
    all.insert(all.begin(), Json{{"role", "system"}, {"content", o.system}});
  }
  return m.tokenizer->encode(m.format(all, true), {.special = true});
}

inline Json user_message(const std::string& prompt) {
  return Json::array({Json{{"role", "user"}, {"content", prompt}}});
}

/** The conversation of an example before its answer. */
inline Json question_of(const Example& e) {
  if (e.messages.is_null()) {
    return user_message(e.text);
  }
  Json question = e.messages;
  if (!e.is_pair()) {
    question.erase(question.size() - 1);
  }
  return question;
}

inline Generation answer(
    const TunedModel& m,
    const TuneOptions& o,
    const Json& question,
    const std::function<bool(const GeneratedToken&)>& on_token = {}) {
  GenerateOptions g = o.generate;
  g.eos = ends_of_answer(*m.tokenizer, m.info);
  return generate(
      *m.model, *m.tokenizer, question_ids(m, o, question), g, on_token);
}

} // namespace llm
