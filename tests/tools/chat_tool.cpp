// SPDX-License-Identifier: MIT
//
// Chat templates for tests in Python. Every line of standard input is
//   {"template": s, "messages": [...], "add_generation_prompt": b,
//    "bos_token": s, "eos_token": s, "extra": {...}, "now": seconds}
// and every line of standard output {"text": s} or {"error": message}.

#include <iostream>

#include "llm/tokenizers/chat_template.h"

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    llm::Json result;
    try {
      const llm::Json request = llm::parse_json(line, "request");
      llm::ChatOptions options;
      options.add_generation_prompt =
          request.value("add_generation_prompt", false);
      options.bos_token = request.value("bos_token", "");
      options.eos_token = request.value("eos_token", "");
      options.extra = request.value("extra", llm::Json::object());
      options.now = request.value("now", 0);
      result["text"] = llm::render_chat(
          request.at("template").get<std::string>(),
          request.value("messages", llm::Json::array()),
          options);
    } catch (const std::exception& error) {
      result = {{"error", error.what()}};
    }
    std::cout << result.dump() << std::endl;
  }
  return 0;
}
