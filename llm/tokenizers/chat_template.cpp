// SPDX-License-Identifier: MIT

#include "llm/tokenizers/chat_template.h"

#include <array>

#include "llm/core/error.h"
#include "llm/tokenizers/jinja_interpreter.h"

namespace llm {
namespace {

using jinja::Arguments;
using jinja::Value;

/// datetime.now().strftime(format)
std::string format_time(const std::string& format, std::time_t now) {
  std::tm local{};
  localtime_r(&now, &local);
  std::array<char, 256> text{};
  if (format.empty() || format.size() > 100) {
    return "";
  }
  return {
      text.data(),
      std::strftime(text.data(), text.size(), format.c_str(), &local)};
}

[[noreturn]] void refuse(const Arguments& arguments) {
  const Value* message = arguments.get(0, "message");
  throw std::invalid_argument(
      "the template refuses the conversation: " +
      (message ? message->str() : "") + " Change the messages.");
}

} // namespace

std::string render_chat(
    std::string_view template_text,
    const Json& messages,
    const ChatOptions& options) {
  if (!messages.is_array() || !options.extra.is_object()) {
    throw UsageError(
        "chat template", "expected a list of messages and an object.");
  }
  const auto statements = jinja::parse(template_text);
  jinja::Interpreter interpreter;
  const std::time_t now = options.now != 0 ? options.now : std::time(nullptr);
  interpreter.define("messages", Value::from_json(messages));
  interpreter.define("add_generation_prompt", options.add_generation_prompt);
  interpreter.define("bos_token", Value(options.bos_token));
  interpreter.define("eos_token", Value(options.eos_token));
  interpreter.define("tools", jinja::None{});
  interpreter.define("documents", jinja::None{});
  interpreter.define(
      "raise_exception",
      Value::function([](const Arguments& a) -> Value { refuse(a); }));
  interpreter.define(
      "strftime_now", Value::function([now](const Arguments& a) -> Value {
        return format_time(jinja::text_of(a.get(0, "format")), now);
      }));
  for (const auto& [name, value] : options.extra.items()) {
    interpreter.define(name, Value::from_json(value));
  }
  return interpreter.run(statements);
}

} // namespace llm
