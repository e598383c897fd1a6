// SPDX-License-Identifier: MIT
//
// libFuzzer target: a chat template of random text. Whatever it is, only
// llm::Error may come out, soon, and rendering twice gives the same.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "llm/core/error.h"
#include "llm/tokenizers/chat_template.h"

namespace {

const llm::Json& messages() {
  static const llm::Json list = {
      {{"role", "system"}, {"content", "é <x>\n"}},
      {{"role", "user"}, {"content", " Hi "}},
      {{"role", "assistant"}, {"content", {{"a", {1, 2.5, nullptr}}}}}};
  return list;
}

std::string render(const std::string& text) {
  llm::ChatOptions options;
  options.bos_token = "<s>";
  options.now = 1'700'000'000;
  return llm::render_chat(text, messages(), options);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  // Most random text is no statement: the second form is one expression.
  for (const std::string& text :
       {input,
        "{% for m in messages %}{{ " + input + " }}{% endfor %}",
        "{% " + input + " %}x{% endif %}"}) {
    try {
      if (render(text) != render(text)) {
        std::abort();
      }
    } catch (const llm::Error&) {
      // The documented way to refuse.
    }
  }
  return 0;
}
