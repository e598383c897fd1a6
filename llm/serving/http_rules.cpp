// SPDX-License-Identifier: MIT

#include "llm/serving/http_rules.h"

#include <algorithm>
#include <charconv>
#include <random>

#include "llm/core/utf8.h"

namespace llm::serving {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(
      out.begin(), out.end(), out.begin(), [](char c) { return lower(c); });
  return out;
}

bool is_letter(char c) {
  return lower(c) >= 'a' && lower(c) <= 'z';
}

/** One level of %XX; nothing for a broken one and for NUL. */
std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  if (text.find('\0') != std::string_view::npos) {
    return std::nullopt;
  }
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    unsigned byte = 0;
    const std::string_view digits = text.substr(i + 1, 2);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
    if (digits.size() != 2 || error != std::errc() ||
        end != digits.data() + 2 || byte == 0) {
      return std::nullopt;
    }
    out += static_cast<char>(byte);
    i += 2;
  }
  return out;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(separator, begin), text.size());
    out.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5 &&
      std::all_of(text.begin(), text.end(), is_digit) &&
      (text.size() < 5 || text <= "65535");
}

/** "name:1234" -> "name", in small letters; nothing for a port that is none. */
std::optional<std::string> without_port(std::string_view host) {
  const size_t bracket = host.starts_with('[') ? host.find(']') : 0;
  if (bracket == std::string_view::npos) {
    return std::nullopt;
  }
  const size_t colon = host.find(':', bracket);
  if (colon != std::string_view::npos && !is_port(host.substr(colon + 1))) {
    return std::nullopt;
  }
  return lower(host.substr(0, colon));
}

} // namespace

std::optional<Target> read_target(std::string_view target) {
  Target out;
  bool root = false; // of an absolute form without a path
  if (lower(target.substr(0, 7)) == "http://") {
    target.remove_prefix(7);
    const size_t end = std::min(target.find_first_of("/?"), target.size());
    out.authority = target.substr(0, end);
    target.remove_prefix(end);
    if (out.authority.empty()) {
      return std::nullopt;
    }
    root = !target.starts_with('/');
  }
  if (!root && !target.starts_with('/')) {
    return std::nullopt;
  }
  target = target.substr(0, target.find('#'));
  const size_t mark = std::min(target.find('?'), target.size());
  if (mark < target.size()) {
    out.query = target.substr(mark + 1);
  }
  const std::string_view path = root ? "" : target.substr(1, mark - 1);
  for (const auto segment : split(path, '/')) {
    auto decoded = percent_decode(segment);
    if (!decoded) {
      return std::nullopt;
    }
    out.segments.push_back(std::move(*decoded));
  }
  return out;
}

std::optional<std::map<std::string, std::string>> read_query(
    std::string_view query) {
  std::map<std::string, std::string> out;
  if (query.empty()) {
    return out;
  }
  std::string text(query);
  std::replace(text.begin(), text.end(), '+', ' ');
  for (const auto part : split(text, '&')) {
    const size_t equals = std::min(part.find('='), part.size());
    const auto name = percent_decode(part.substr(0, equals));
    const auto value =
        percent_decode(part.substr(std::min(equals + 1, part.size())));
    if (!name || !value || name->empty() || find_utf8_error(*name) ||
        find_utf8_error(*value) || !out.emplace(*name, *value).second) {
      return std::nullopt;
    }
  }
  return out;
}

bool is_host_allowed(
    std::string_view host,
    const std::vector<std::string>& names) {
  const auto name = without_port(host);
  if (!name) {
    return false;
  }
  return *name == "localhost" || *name == "127.0.0.1" || *name == "[::1]" ||
      std::any_of(names.begin(), names.end(), [&](const std::string& n) {
        return lower(n) == *name;
      });
}

bool is_host_name(std::string_view name) {
  if (name.starts_with('[')) {
    return name.size() > 3 && name.ends_with(']') &&
        name.find(':') != std::string_view::npos &&
        name.find_first_not_of("0123456789abcdefABCDEF:.", 1) ==
        name.size() - 1;
  }
  const auto labels = split(name, '.');
  return std::all_of(labels.begin(), labels.end(), [](std::string_view label) {
    return !label.empty() && label.size() <= 63 &&
        std::all_of(label.begin(), label.end(), [](char c) {
          return is_letter(c) || is_digit(c) || c == '-';
        });
  });
}

bool is_origin(std::string_view origin) {
  const size_t at = origin.find("://");
  if (at == std::string_view::npos || at == 0 || lower(origin) != origin) {
    return false;
  }
  const std::string_view scheme = origin.substr(0, at);
  const auto host = without_port(origin.substr(at + 3));
  return host && is_host_name(*host) &&
      std::all_of(scheme.begin(), scheme.end(), [](char c) {
           return is_letter(c) || is_digit(c) || c == '-' || c == '+';
         });
}

bool is_same_origin(std::string_view origin, std::string_view host) {
  std::string here = "http://" + lower(host);
  // A browser leaves the usual port out, in both headers.
  if (here.ends_with(":80")) {
    here.resize(here.size() - 3);
  }
  return lower(origin) == here;
}

bool is_json_type(std::string_view content_type) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (type.ends_with(' ') || type.ends_with('\t')) {
    type.remove_suffix(1);
  }
  return lower(type) == "application/json";
}

bool equal_secret(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) {
    return false;
  }
  // volatile: the loop may not end at the first difference.
  volatile unsigned char difference = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    difference = static_cast<unsigned char>(
        difference | static_cast<unsigned char>(a[i] ^ b[i]));
  }
  return difference == 0;
}

bool is_slug(std::string_view slug) {
  return !slug.empty() && slug.size() <= 64 &&
      std::all_of(slug.begin(), slug.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-';
      });
}

std::string event_text(
    std::optional<uint64_t> id,
    std::string_view name,
    std::string_view data) {
  std::string out;
  if (id) {
    out += "id: " + std::to_string(*id) + "\n";
  }
  if (!name.empty()) {
    out.append("event: ").append(name).append("\n");
  }
  std::string text(data);
  std::replace(text.begin(), text.end(), '\r', '\n'); // it ends a line, too
  for (const auto line : split(text, '\n')) {
    out.append("data: ").append(line).append("\n");
  }
  return out += "\n";
}

std::string random_secret() {
  std::random_device device; // the system's generator: getrandom, arc4random
  std::string out;
  for (int i = 0; i < 4; ++i) {
    const uint32_t bits = device();
    for (int shift = 28; shift >= 0; shift -= 4) {
      out += "0123456789abcdef"[bits >> shift & 15];
    }
  }
  return out;
}

} // namespace llm::serving
