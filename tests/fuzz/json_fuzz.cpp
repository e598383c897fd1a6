// SPDX-License-Identifier: MIT
//
// JSON: what is accepted is accepted by the plain parser too with the same
// value, and makes the round trip; what is refused has a one-line message.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "llm/core/error.h"
#include "llm/core/json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const llm::Json json = llm::parse_json(text, "fuzz");
    const llm::Json plain = llm::Json::parse(text);
    if (json != plain || llm::parse_json(json.dump(), "again") != json) {
      std::abort();
    }
  } catch (const llm::InputError& e) {
    const std::string_view message = e.what();
    if (message.find('\n') != std::string_view::npos || message.size() > 1500) {
      std::abort();
    }
  }
  return 0;
}
