// SPDX-License-Identifier: MIT

#include "llm/tokenizers/byte_alphabet.h"

#include <algorithm>
#include <unordered_map>

#include "llm/core/utf8.h"

namespace llm {
namespace {

/// The code point for each byte.
std::array<char32_t, 256> code_points() {
  std::array<char32_t, 256> points{};
  char32_t next = 0x100;
  for (char32_t b = 0; b < 256; ++b) {
    const bool visible = (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b != 0xad);
    points[b] = visible ? b : next++;
  }
  return points;
}

std::unordered_map<char32_t, char> bytes_of_code_points() {
  std::unordered_map<char32_t, char> bytes;
  const auto points = code_points();
  for (size_t b = 0; b < 256; ++b) {
    bytes[points[b]] = static_cast<char>(b);
  }
  return bytes;
}

} // namespace

const std::array<std::string, 256>& byte_alphabet() {
  static const auto alphabet = [] {
    std::array<std::string, 256> out;
    const auto points = code_points();
    for (size_t b = 0; b < 256; ++b) {
      append_utf8(out[b], points[b]);
    }
    return out;
  }();
  return alphabet;
}

const std::array<unsigned char, 256>& bytes_in_alphabet_order() {
  static const auto order = [] {
    std::array<unsigned char, 256> bytes{};
    for (size_t b = 0; b < 256; ++b) {
      bytes[b] = static_cast<unsigned char>(b);
    }
    const auto points = code_points();
    std::sort(bytes.begin(), bytes.end(), [&](auto a, auto b) {
      return points[a] < points[b];
    });
    return bytes;
  }();
  return order;
}

std::string token_of_bytes(std::string_view bytes) {
  std::string token;
  for (char byte : bytes) {
    token += byte_alphabet()[static_cast<unsigned char>(byte)];
  }
  return token;
}

std::string bytes_of_token(std::string_view token) {
  static const auto bytes = bytes_of_code_points();
  std::string out;
  for (char32_t character : decode_utf8(token)) {
    const auto byte = bytes.find(character);
    if (byte == bytes.end()) {
      return std::string(token);
    }
    out += byte->second;
  }
  return out;
}

} // namespace llm
