// SPDX-License-Identifier: MIT

#include "llm/io/hub_id.h"

#include <algorithm>

namespace llm {
namespace {

constexpr size_t longest = 96; // the Hub's own limit for an id

bool is_plain_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
      (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

bool names_gguf(const std::string& name) {
  return name.ends_with(".gguf");
}

// "owner/name" as the Hub allows it: no "--", which we write for the slash.
bool is_repository(const std::string& text) {
  const size_t slash = text.find('/');
  return slash != std::string::npos && is_plain_name(text.substr(0, slash)) &&
      is_plain_name(text.substr(slash + 1)) &&
      text.find("--") == std::string::npos &&
      text.find("..") == std::string::npos;
}

} // namespace

bool is_plain_name(const std::string& name) {
  return !name.empty() && name.size() <= longest && name.front() != '.' &&
      name.front() != '-' && name.back() != '.' &&
      std::all_of(name.begin(), name.end(), is_plain_character);
}

std::optional<HubId> parse_hub_id(const std::string& text) {
  HubId id{text, "", ""};
  // Cuts what follows `mark`; false if that is not plain.
  const auto cut = [&id](char mark, std::string& part) {
    const size_t at = id.repository.find(mark);
    if (at == std::string::npos) {
      return true;
    }
    part = id.repository.substr(at + 1);
    id.repository.resize(at);
    return is_plain_name(part);
  };
  if (!cut(':', id.file) || !cut('@', id.revision) ||
      !is_repository(id.repository)) {
    return std::nullopt;
  }
  // "models/a.gguf" is a file that is missing, not a model of the Hub.
  if (names_gguf(id.repository) || (!id.file.empty() && !names_gguf(id.file))) {
    return std::nullopt;
  }
  return id;
}

} // namespace llm
