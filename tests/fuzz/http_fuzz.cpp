// SPDX-License-Identifier: MIT
//
// What comes before a request is understood: a target and a query mean the same
// after they are written again, a host that passes is one of three by a simpler
// rule, and no text breaks out of an event.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "llm/serving/http_rules.h"
#include "llm/serving/static_files.h"

using namespace llm::serving;

namespace {

void expect(bool holds) {
  if (!holds) {
    std::abort();
  }
}

std::string encode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

void check_target(std::string_view text) {
  const auto target = read_target(text);
  if (!target) {
    return;
  }
  std::string again;
  for (const std::string& segment : target->segments) {
    expect(segment.find('\0') == std::string::npos);
    again += "/" + encode(segment);
  }
  const auto second = read_target(again);
  expect(second && second->segments == target->segments);
}

void check_query(std::string_view text) {
  const auto query = read_query(text);
  if (!query) {
    return;
  }
  std::string again;
  for (const auto& [name, value] : *query) {
    again += (again.empty() ? "" : "&") + encode(name) + "=" + encode(value);
  }
  expect(read_query(again) == query);
}

void check_host(std::string_view text) {
  if (!is_host_allowed(text, {})) {
    return;
  }
  std::string name(text.substr(
      0, text.find(']') == text.npos ? text.find(':') : text.find(']') + 1));
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  expect(name == "localhost" || name == "127.0.0.1" || name == "[::1]");
  const std::string_view port = text.substr(name.size());
  expect(
      port.empty() ||
      (port[0] == ':' && port.size() > 1 &&
       port.find_first_not_of("0123456789", 1) == port.npos));
}

void check_event(std::string_view data) {
  std::string text = event_text(1, "x", data);
  expect(text.ends_with("\n\n") && text.find('\r') == text.npos);
  text.pop_back();
  size_t begin = 0, count = 0;
  for (size_t end = text.find('\n'); end != text.npos;
       begin = end + 1, end = text.find('\n', begin), ++count) {
    const auto line = std::string_view(text).substr(begin, end - begin);
    expect(line.starts_with(
        count == 0       ? "id: 1"
            : count == 1 ? "event: x"
                         : "data: "));
  }
  expect(count >= 3);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_target(text);
  check_query(text);
  check_host(text);
  check_event(text);
  is_origin(text);
  is_json_type(text);
  page_outline(text);
  return 0;
}
