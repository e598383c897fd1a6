// SPDX-License-Identifier: MIT
//
// Post-processors and decoders out of tokenizer.json.

#include "llm/tokenizers/pipeline_steps.h"

namespace llm {
namespace {

/// The ids of one special token that a template names.
void append_template_ids(
    const JsonNode& node,
    const JsonNode& known,
    size_t n_tokens,
    std::vector<int32_t>& out) {
  const JsonNode token = known[node["id"].text().c_str()];
  if (token.is_null()) {
    node["id"].fail(
        quote(node["id"].text()) + " is not in special_tokens; add it.");
  }
  const JsonNode ids = token["ids"];
  const size_t n = ids.array_size();
  for (size_t i = 0; i < n; ++i) {
    const auto last = static_cast<int64_t>(n_tokens) - 1;
    out.push_back(static_cast<int32_t>(ids.at(i).integer(0, last)));
  }
}

void read_template(const JsonNode& node, size_t n_tokens, PostProcessor& out) {
  node.expect_keys({"type", "single", "pair", "special_tokens"});
  const JsonNode single = node["single"];
  const size_t n = single.array_size();
  bool seen = false; // the text itself
  std::vector<int32_t> before;
  std::vector<int32_t> after;
  for (size_t i = 0; i < n; ++i) {
    const JsonNode item = single.at(i);
    item.expect_keys({"Sequence", "SpecialToken"});
    if (!item["SpecialToken"].is_null()) {
      append_template_ids(
          item["SpecialToken"],
          node["special_tokens"],
          n_tokens,
          seen ? after : before);
      continue;
    }
    item["Sequence"]["id"].expect("A");
    if (seen) {
      item.fail("expected the text once; correct the file.");
    }
    seen = true;
  }
  if (!seen) {
    single.fail("expected a Sequence, the text itself; correct the file.");
  }
  out.before.insert(out.before.begin(), before.begin(), before.end());
  out.after.insert(out.after.end(), after.begin(), after.end());
}

} // namespace

PostProcessor read_post_processor(const JsonNode& node, size_t n_tokens) {
  PostProcessor out;
  if (node.is_null()) {
    return out;
  }
  for_each_step(node, "processors", [&](const JsonNode& step) {
    const std::string& type = step["type"].text();
    if (type == "TemplateProcessing") {
      read_template(step, n_tokens, out);
    } else if (type != "ByteLevel") { // that one only changes offsets
      refuse_step(step["type"], "ByteLevel, TemplateProcessing or Sequence");
    }
  });
  return out;
}

TokenDecoder read_decoder(const JsonNode& node) {
  TokenDecoder out;
  bool fused = false;
  for_each_step(node, "decoders", [&](const JsonNode& step) {
    const std::string& type = step["type"].text();
    if (out.byte_level || !out.drop.empty()) {
      step.fail("expected no step after ByteLevel or Metaspace.");
    }
    if (type == "ByteLevel") {
      out.byte_level = true;
    } else if (type == "ByteFallback") {
      out.byte_fallback = true;
    } else if (type == "Fuse") {
      fused = true;
    } else if (type == "Replace" && !fused && !out.byte_fallback) {
      out.replaces.push_back(read_replace(step));
    } else if (type == "Strip") {
      step.expect_keys({"type", "content", "start", "stop"});
      step["content"].expect(" ");
      if (!fused) {
        step.fail("expected Strip behind Fuse; use such a tokenizer.");
      }
      out.strip_space = out.strip_space | (step["start"].integer(0, 1) == 1);
      step["stop"].integer(0, 0);
    } else if (type == "Metaspace") {
      const MetaspaceStep meta = read_metaspace(step);
      out.replaces.push_back({meta.sign, " "});
      if (meta.prefix != MetaspaceStep::Prefix::never) {
        out.drop = meta.sign;
      }
    } else {
      refuse_step(
          step["type"],
          "ByteLevel, or Replace, ByteFallback, Fuse and Strip in this order, "
          "or Metaspace");
    }
  });
  return out;
}

} // namespace llm
