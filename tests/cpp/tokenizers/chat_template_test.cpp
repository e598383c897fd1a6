// SPDX-License-Identifier: MIT
//
// What a template may not do, and what its errors say. That the text is right
// is compared with jinja2 in tests/python/test_chat_templates.py.

#include "llm/tokenizers/chat_template.h"

#include <doctest/doctest.h>

#include "llm/core/error.h"

using llm::Json;

namespace {

const Json messages = {{{"role", "user"}, {"content", "Hi"}}};

std::string error_of(const std::string& text) {
  try {
    llm::render_chat(text, messages);
  } catch (const llm::InputError& error) {
    return error.what();
  }
  return "rendered";
}

std::string repeat(const std::string& text, int n) {
  std::string out;
  for (int i = 0; i < n; ++i) {
    out += text;
  }
  return out;
}

} // namespace

TEST_CASE("chat template: a conversation and its options") {
  const std::string text =
      "{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m.content }}"
      "{{ eos_token }}{% endfor %}{% if add_generation_prompt %}<a>{% endif %}"
      "{{ mood }}";
  llm::ChatOptions options;
  options.bos_token = "[";
  options.eos_token = "]";
  options.extra = {{"mood", 7}};
  CHECK(llm::render_chat(text, messages, options) == "[<user>Hi]<a>7");
  options.add_generation_prompt = false;
  options.extra = Json::object();
  CHECK(llm::render_chat(text, messages, options) == "[<user>Hi]");
  CHECK(llm::render_chat("", messages) == "");
  CHECK_THROWS_AS(llm::render_chat("", Json::object()), llm::UsageError);
}

TEST_CASE("chat template: errors name the line and the reason") {
  CHECK(
      error_of("a\n{% if true %}\n{{ 1 + 'a' }}{% endif %}") ==
      "[chat template] line 3: \"+\" does not work between int and str.");
  CHECK(
      error_of("\n\n{{ raise_exception('No system role.') }}") ==
      "[chat template] line 3: the template refuses the conversation: No "
      "system role. Change the messages.");
  CHECK(
      error_of("{% import 'os' as os %}") ==
      "[chat template] line 1: {% import %} is not supported; supported are "
      "if, for, set, macro, break, continue and generation.");
  CHECK(error_of("{{ x.y }}").find("'x' is undefined") != std::string::npos);
  CHECK(error_of("\xff").find("line 1: expected UTF-8") != std::string::npos);
}

TEST_CASE("chat template: no template runs without end") {
  const std::string loop = "{% for a in range(100000) %}";
  const std::string end = "{% endfor %}";
  CHECK(
      error_of(repeat(loop, 3) + repeat(end, 3)).find("too many steps") !=
      std::string::npos);
  // Texts and lists that double.
  const std::string doubling = "{% set n = namespace(x='ab', l=[1]) %}" + loop;
  CHECK(error_of(doubling + "{% set n.x = n.x + n.x %}" + end) != "rendered");
  CHECK(error_of(doubling + "{% set n.x = n.x * 9 %}" + end) != "rendered");
  CHECK(error_of(doubling + "{% set n.l = n.l + n.l %}" + end) != "rendered");
  CHECK(
      error_of(doubling + "{% set n.x = n.x|replace('a', 'aa') %}" + end) !=
      "rendered");
  CHECK(
      error_of(doubling + "{% set n.l = [n.l, n.l] %}" + end)
          .find("nested deeper than 100") != std::string::npos);
  CHECK(error_of("{{ 'a' * 10 ** 9 }}") != "rendered");
  CHECK(error_of("{{ [0] * 10 ** 9 * 9 }}") != "rendered");
  CHECK(error_of("{{ 10 ** 30 }}").find("64 bits") != std::string::npos);
  CHECK(
      error_of(
          "{% set t = 'x' * 1000000 %}{% for a in range(99) %}{{ t }}" + end)
          .find("writes more than") != std::string::npos);
  CHECK(
      error_of("{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}")
          .find("macros call each other") != std::string::npos);
}

TEST_CASE("chat template: no nesting overflows the stack") {
  const int deep = 100'000;
  for (const char* open : {"(", "[", "{'a':", "-", "not ", "f(", "a["}) {
    const std::string text = "{{ " + repeat(open, deep) + "1 }}";
    CHECK(error_of(text) != "rendered");
  }
  CHECK(error_of("{{ a" + repeat(".b", deep) + " }}") != "rendered");
  CHECK(error_of("{{ 1" + repeat("|int", deep) + " }}") != "rendered");
  CHECK(error_of("{{ 1" + repeat(" if 1 else 1", deep) + " }}") != "rendered");
  CHECK(error_of(repeat("{% if 1 %}", deep)) != "rendered");
  CHECK(error_of(repeat("{% for a in b %}", deep)) != "rendered");
  CHECK(error_of("{% if 0 %}" + repeat("{% elif 0 %}", deep)) != "rendered");
  CHECK(error_of(std::string((1 << 20) + 1, ' ')) != "rendered");
  // Operators in a row are a tree that leans left.
  CHECK(error_of("{{ 1" + repeat(" + 1", deep) + " }}") != "rendered");
}
