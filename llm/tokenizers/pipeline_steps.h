// SPDX-License-Identifier: MIT
//
// What the two readers of the pipeline share: steps inside of Sequences, and
// Metaspace, which is a pre-tokenizer and a decoder.

#pragma once

#include "llm/core/utf8.h"
#include "llm/tokenizers/pipeline.h"

namespace llm {

/** Throws: `node` is a name that is none of the `supported`. */
[[noreturn]] inline void refuse_step(
    const JsonNode& node,
    const char* supported) {
  node.fail(
      "expected " + std::string(supported) + " but received " +
      quote(node.text()) +
      ", which is not supported; use a tokenizer without it.");
}

/** Calls `step` for the node, or for each one inside of Sequences. */
template <class Step>
void for_each_step(const JsonNode& node, const char* list_key, Step step) {
  if (node["type"].text() != "Sequence") {
    step(node);
    return;
  }
  node.expect_keys({"type", list_key});
  const JsonNode list = node[list_key];
  const size_t n = list.array_size();
  for (size_t i = 0; i < n; ++i) {
    for_each_step(list.at(i), list_key, step);
  }
}

/** The node {"pattern": {"String": s}, "content": s} of Replace. */
ReplaceText read_replace(const JsonNode& node);

MetaspaceStep read_metaspace(const JsonNode& node);

} // namespace llm
