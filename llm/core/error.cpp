// SPDX-License-Identifier: MIT

#include "llm/core/error.h"

namespace llm {

namespace {

std::string bracketed(std::string_view where, std::string_view message) {
  std::string text = "[";
  text.append(where).append("] ").append(message);
  return text;
}

} // namespace

Error::Error(ExitCode code, std::string_view where, std::string_view message)
    : std::runtime_error(bracketed(where, message)), code_(code) {}

} // namespace llm
