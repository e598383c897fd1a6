// SPDX-License-Identifier: MIT

#include "llm/training/compare_report.h"

#include <cstdio>

#include "llm/core/error.h"
#include "llm/training/text_metrics.h"

namespace llm {

namespace {

Json model_json(const Comparison& c, const ComparedModel& m) {
  double exact = 0;
  for (size_t i = 0; i < m.answers.size(); ++i) {
    exact += exact_match(m.answers[i], c.examples[i].answer()) ? 1 : 0;
  }
  Json out = {
      {"name", m.name},
      {"exact_match", exact / static_cast<double>(m.answers.size())}};
  out.update(text_metrics(m.answers));
  out.update(m.loss);
  return out;
}

/** A text as a Markdown quote, whatever it holds. */
std::string quoted(const std::string& text) {
  std::string out = "> ";
  for (const char c : text) {
    out += c == '<' ? "&lt;" : c == '\n' ? "  \n> " : std::string(1, c);
  }
  return out + "\n\n";
}

std::string number(const Json& value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value.get<double>());
  return text;
}

std::string table(const Json& a, const Json& b) {
  std::string out = "| | A | B |\n| --- | ---: | ---: |\n";
  for (const auto& [name, value] : a.items()) {
    if (value.is_number() && b.contains(name)) {
      out += "| " + name + " | " + number(value) + " | " + number(b[name]) +
          " |\n";
    }
  }
  if (a.contains("kinds") && b.contains("kinds")) {
    for (const auto& [kind, value] : a["kinds"].items()) {
      out += "| loss of " + kind + " | " + number(value["loss"]) + " | " +
          number(b["kinds"][kind]["loss"]) + " |\n";
    }
  }
  return out + "\n";
}

} // namespace

Comparison compare(
    const std::vector<Example>& examples,
    const ComparedModel& a,
    const ComparedModel& b) {
  if (examples.empty() || a.answers.size() != examples.size() ||
      b.answers.size() != examples.size()) {
    throw UsageError(
        "compare", "expected an answer of both models for each example.");
  }
  Comparison out{examples, a, b};
  for (size_t i = 0; i < examples.size(); ++i) {
    out.changed += exact_match(a.answers[i], b.answers[i]) ? 0 : 1;
  }
  return out;
}

Json summary_json(const Comparison& c) {
  return {
      {"prompts", c.examples.size()},
      {"changed", c.changed},
      {"a", model_json(c, c.a)},
      {"b", model_json(c, c.b)}};
}

Json to_json(const Comparison& c) {
  Json out = summary_json(c);
  out["answers"] = Json::array();
  for (size_t i = 0; i < c.examples.size(); ++i) {
    out["answers"].push_back(
        {{"prompt", c.examples[i].prompt()},
         {"kind", c.examples[i].kind},
         {"expected", c.examples[i].answer()},
         {"a", c.a.answers[i]},
         {"b", c.b.answers[i]}});
  }
  return out;
}

std::string to_markdown(const Comparison& c) {
  const Json summary = summary_json(c);
  std::string out = "# Two models side by side\n\n- A: " + c.a.name +
      "\n- B: " + c.b.name + "\n- " + std::to_string(c.changed) + " of " +
      std::to_string(c.examples.size()) + " answers differ\n\n" +
      table(summary["a"], summary["b"]);
  for (size_t i = 0; i < c.examples.size(); ++i) {
    const Example& e = c.examples[i];
    out += "## " + std::to_string(i + 1) +
        (e.kind.empty() ? "" : " (" + e.kind + ")") + "\n\n" +
        quoted(e.prompt()) + "A:\n\n" + quoted(c.a.answers[i]) + "B:\n\n" +
        quoted(c.b.answers[i]);
    if (!e.answer().empty()) {
      out += "Expected:\n\n" + quoted(e.answer());
    }
  }
  return out;
}

} // namespace llm
