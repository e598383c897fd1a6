// SPDX-License-Identifier: MIT
//
// Normalizers and pre-tokenizers out of tokenizer.json. A step that is not here
// is refused by its key path: skipping it would give other ids in silence.

#include "llm/core/error.h"
#include "llm/tokenizers/normal_form.h"
#include "llm/tokenizers/pipeline_steps.h"

namespace llm {
namespace {

bool flag_or(const JsonNode& node, bool fallback) {
  return node.is_null() ? fallback : node.flag();
}

std::string not_empty(const JsonNode& node) {
  if (node.text().empty()) {
    node.fail("expected one or more characters; correct the file.");
  }
  return node.text();
}

Splitter compile(const JsonNode& node, const std::string& pattern) {
  try {
    return Splitter(pattern);
  } catch (const InputError& error) {
    node.fail(error.what());
  }
}

SplitBehavior read_behavior(const JsonNode& node) {
  const std::string& name = node.text();
  if (name == "Isolated") {
    return SplitBehavior::isolated;
  }
  if (name == "Removed") {
    return SplitBehavior::removed;
  }
  if (name == "MergedWithPrevious") {
    return SplitBehavior::merged_with_previous;
  }
  if (name == "MergedWithNext") {
    return SplitBehavior::merged_with_next;
  }
  if (name == "Contiguous") {
    return SplitBehavior::contiguous;
  }
  refuse_step(
      node,
      "Isolated, Removed, MergedWithPrevious, MergedWithNext or Contiguous");
}

SplitStep read_split(const JsonNode& node) {
  node.expect_keys({"type", "pattern", "behavior", "invert"});
  const JsonNode pattern = node["pattern"];
  pattern.expect_keys({"Regex", "String"});
  const bool literal = !pattern["String"].is_null();
  const JsonNode text = pattern[literal ? "String" : "Regex"];
  return {
      compile(text, literal ? escape_pattern(not_empty(text)) : text.text()),
      read_behavior(node["behavior"]),
      flag_or(node["invert"], false)};
}

void read_byte_level(const JsonNode& node, PreTokenizer& out) {
  node.expect_keys({"type", "add_prefix_space", "trim_offsets", "use_regex"});
  out.byte_level = true;
  if (node["add_prefix_space"].flag()) {
    out.steps.push_back(PrefixSpace{});
  }
  if (flag_or(node["use_regex"], true)) {
    out.steps.push_back(SplitStep{Splitter(gpt2_pattern)});
  }
}

} // namespace

ReplaceText read_replace(const JsonNode& node) {
  node.expect_keys({"type", "pattern", "content"});
  node["pattern"].expect_keys({"String"});
  return {not_empty(node["pattern"]["String"]), node["content"].text()};
}

MetaspaceStep read_metaspace(const JsonNode& node) {
  node.expect_keys(
      {"type",
       "replacement",
       "str_rep",
       "add_prefix_space",
       "prepend_scheme",
       "split"});
  MetaspaceStep step;
  const JsonNode sign = node["replacement"];
  if (decode_utf8(sign.text()).size() != 1) {
    sign.fail("expected one character; correct the file.");
  }
  step.sign = sign.text();
  using Prefix = MetaspaceStep::Prefix;
  const JsonNode scheme = node["prepend_scheme"];
  if (scheme.is_null() || scheme.text() == "always") {
    step.prefix = Prefix::always;
  } else if (scheme.text() == "first" || scheme.text() == "never") {
    step.prefix = scheme.text() == "first" ? Prefix::first : Prefix::never;
  } else {
    refuse_step(scheme, "always, first or never");
  }
  const JsonNode space = node["add_prefix_space"]; // older files have this
  if (!space.is_null() && !space.flag()) {
    if (!scheme.is_null() && step.prefix != Prefix::never) {
      space.fail("expected true beside prepend_scheme; correct the file.");
    }
    step.prefix = Prefix::never;
  }
  if (flag_or(node["split"], true)) {
    step.split = SplitStep{
        compile(sign, escape_pattern(step.sign)),
        SplitBehavior::merged_with_next};
  }
  return step;
}

std::vector<Normalizer> read_normalizers(const JsonNode& node) {
  std::vector<Normalizer> steps;
  if (node.is_null()) {
    return steps;
  }
  for_each_step(node, "normalizers", [&](const JsonNode& step) {
    const std::string& type = step["type"].text();
    if (type == "Prepend") {
      step.expect_keys({"type", "prepend"});
      steps.push_back(Prepend{step["prepend"].text()});
    } else if (type == "Replace") {
      steps.push_back(read_replace(step));
    } else if (
        type == "NFC" || type == "NFD" || type == "NFKC" || type == "NFKD") {
      step.expect_keys({"type"});
      steps.push_back(NormalForm{type});
    } else {
      refuse_step(
          step["type"], "NFC, NFD, NFKC, NFKD, Prepend, Replace or Sequence");
    }
  });
  return steps;
}

PreTokenizer read_pre_tokenizer(const JsonNode& node) {
  PreTokenizer out;
  if (node.is_null()) {
    return out;
  }
  for_each_step(node, "pretokenizers", [&](const JsonNode& step) {
    const std::string& type = step["type"].text();
    if (out.byte_level) {
      step.fail("expected no step after ByteLevel; use such a tokenizer.");
    }
    if (type == "ByteLevel") {
      read_byte_level(step, out);
    } else if (type == "Split") {
      out.steps.push_back(read_split(step));
    } else if (type == "Digits") {
      step.expect_keys({"type", "individual_digits"});
      const bool single = flag_or(step["individual_digits"], false);
      out.steps.push_back(SplitStep{Splitter(single ? "\\p{N}" : "\\p{N}+")});
    } else if (type == "Metaspace") {
      out.steps.push_back(read_metaspace(step));
    } else {
      refuse_step(
          step["type"], "ByteLevel, Digits, Metaspace, Split or Sequence");
    }
  });
  return out;
}

} // namespace llm
