// SPDX-License-Identifier: MIT
//
// Parameters of a GET, "?layer=3&top_p=0.9". A number there is one of JSON:
// no "+1", no " 1", no "0x1", no "nan".

#include "llm/core/error.h"
#include "llm/core/utf8.h"
#include "llm/serving/error.h"
#include "llm/serving/request_parts.h"
#include "llm/serving/requests.h"

namespace llm::serving {

namespace {

/** The text as a number; else as a text, which is of the wrong type. */
Json as_json(const std::string& text) {
  try {
    const bool is_plain =
        text.size() <= 64 && text.find_first_of(" \t\r\n") == text.npos;
    Json json = parse_json(is_plain ? text : "", "query", 1);
    if (json.is_number()) {
      return json;
    }
  } catch (const InputError&) {
  }
  return replace_invalid_utf8(text);
}

} // namespace

SamplingConfig take_sampling(std::map<std::string, std::string>& query) {
  SamplingConfig config;
  for (const std::string& name : sampling_names()) {
    const auto it = query.find(name);
    if (it != query.end()) {
      const Json json = as_json(it->second);
      read_sampling(name, {json, name}, config);
      query.erase(it);
    }
  }
  return config;
}

int take_int(
    std::map<std::string, std::string>& query,
    const std::string& name,
    int low,
    int high,
    std::optional<int> fallback) {
  const auto it = query.find(name);
  if (it == query.end()) {
    if (!fallback) {
      refuse("missing_param", name, "in the query", "none", "add it");
    }
    return *fallback;
  }
  const Json json = as_json(it->second);
  const auto value = static_cast<int>(read_whole({json, name}, low, high));
  query.erase(it);
  return value;
}

void expect_nothing_left(const std::map<std::string, std::string>& query) {
  if (!query.empty()) {
    throw ApiError(
        400,
        "unknown_param",
        "expected no other parameter but received " +
            quote(query.begin()->first) + "; remove it.",
        name_shown(query.begin()->first));
  }
}

} // namespace llm::serving
