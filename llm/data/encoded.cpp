// SPDX-License-Identifier: MIT

#include "llm/data/encoded.h"

#include <algorithm>

#include "llm/core/error.h"

namespace llm {

std::string chatml(const Json& messages, bool generation_prompt) {
  std::string text;
  for (const Json& m : messages) {
    text += "<|im_start|>" + m["role"].get<std::string>() + "\n" +
        m["content"].get<std::string>() + "<|im_end|>\n";
  }
  return text + (generation_prompt ? "<|im_start|>assistant\n" : "");
}

std::string plain_text(const Json& messages, bool generation_prompt) {
  std::string text;
  for (const Json& m : messages) {
    text += (text.empty() ? "" : "\n\n") + m["content"].get<std::string>();
  }
  return text + (generation_prompt ? "\n\n" : "");
}

int64_t Encoded::counted() const {
  return std::count(counts.begin(), counts.end(), 1);
}

namespace {

void cut(Encoded& e, int max_length) {
  e.length = static_cast<int64_t>(e.ids.size());
  if (e.length > max_length) {
    e.ids.resize(max_length);
  }
  e.counts.resize(e.ids.size());
  if (!e.counts.empty()) {
    e.counts[0] = 0; // nothing predicts the first token
  }
}

Encoded encode_text(const std::string& text, const EncodeRules& rules) {
  Encoded out;
  out.ids = rules.tokenizer.encode(text, {.add_special = true});
  const auto eos = rules.tokenizer.eos_id();
  if (eos && (out.ids.empty() || out.ids.back() != *eos)) {
    out.ids.push_back(*eos);
  }
  out.counts.assign(out.ids.size(), 1);
  return out;
}

Encoded encode_messages(const Json& messages, const EncodeRules& rules) {
  const auto encode = [&](const Json& some, bool generation_prompt) {
    return rules.tokenizer.encode(
        rules.format(some, generation_prompt), {.special = true});
  };
  Encoded out;
  out.ids = encode(messages, false);
  if (!rules.mask_prompt) {
    out.counts.assign(out.ids.size(), 1);
    return out;
  }
  out.counts.assign(out.ids.size(), 0);
  // [snippet answer-counts]
  for (size_t i = 0; i < messages.size(); ++i) {
    if (messages[i]["role"] != "assistant") {
      continue;
    }
    const Json before(messages.begin(), messages.begin() + i);
    const size_t begin = encode(before, true).size();
    const bool last = i + 1 == messages.size();
    const size_t end = last
        ? out.ids.size()
        : encode(Json(messages.begin(), messages.begin() + i + 1), false)
              .size();
    for (size_t t = begin; t < std::min(end, out.ids.size()); ++t) {
      out.counts[t] = 1;
    }
  }
  // [/snippet]
  return out;
}

Json with_answer(const Example& pair, const std::string& answer) {
  Json all = pair.messages;
  all.push_back({{"role", "assistant"}, {"content", answer}});
  return all;
}

[[noreturn]] void nothing_left(size_t examples, const EncodeRules& rules) {
  throw InputError(
      "data",
      "expected examples with an answer inside --max-length " +
          std::to_string(rules.max_length) + " tokens but received none in " +
          std::to_string(examples) + "; raise it or shorten the prompts.");
}

} // namespace

Encoded encode_example(const Example& example, const EncodeRules& rules) {
  Encoded out = example.messages.is_null()
      ? encode_text(example.text, rules)
      : encode_messages(
            example.is_pair() ? with_answer(example, example.chosen)
                              : example.messages,
            rules);
  out.kind = example.kind;
  cut(out, rules.max_length);
  return out;
}

EncodedPair encode_pair(const Example& example, const EncodeRules& rules) {
  EncodedPair out{
      encode_messages(with_answer(example, example.chosen), rules),
      encode_messages(with_answer(example, example.rejected), rules)};
  for (Encoded* e : {&out.chosen, &out.rejected}) {
    e->kind = example.kind;
    cut(*e, rules.max_length);
  }
  return out;
}

std::vector<Encoded> encode_examples(
    const std::vector<Example>& examples,
    const EncodeRules& rules) {
  std::vector<Encoded> out;
  for (const Example& example : examples) {
    if (example.is_pair()) {
      throw InputError(
          "data",
          "expected examples to imitate but received preference pairs; train "
          "on them with --objective dpo.");
    }
    Encoded e = encode_example(example, rules);
    if (e.counted() > 0) {
      out.push_back(std::move(e));
    }
  }
  if (out.empty()) {
    nothing_left(examples.size(), rules);
  }
  return out;
}

std::vector<EncodedPair> encode_pairs(
    const std::vector<Example>& examples,
    const EncodeRules& rules) {
  std::vector<EncodedPair> out;
  for (const Example& example : examples) {
    if (!example.is_pair()) {
      throw InputError(
          "data",
          "expected preference pairs (prompt, chosen, rejected) but received "
          "other examples; train on those with --objective sft.");
    }
    EncodedPair pair = encode_pair(example, rules);
    if (pair.chosen.counted() > 0 && pair.rejected.counted() > 0) {
      out.push_back(std::move(pair));
    }
  }
  if (out.empty()) {
    nothing_left(examples.size(), rules);
  }
  return out;
}

} // namespace llm
