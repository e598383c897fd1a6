// SPDX-License-Identifier: MIT

#include "llm/tokenizers/ascii_match.h"

#include <array>
#include <cstdint>

#include "llm/tokenizers/splitter.h"

namespace llm {
namespace {

/// What the patterns tell apart. `wide` is a byte of a character outside of
/// ASCII, `none` the end of the text.
enum class Kind : uint8_t { letter, number, space, sign, wide, none };

constexpr std::array<Kind, 256> kinds = [] {
  std::array<Kind, 256> out{};
  for (int c = 0; c < 256; ++c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    out[c] = c >= 0x80                         ? Kind::wide
        : letter                               ? Kind::letter
        : c >= '0' && c <= '9'                 ? Kind::number
        : c == ' ' || (c >= '\t' && c <= '\r') ? Kind::space
                                               : Kind::sign;
  }
  return out;
}();

Kind kind_at(std::string_view text, size_t at) {
  return at < text.size() ? kinds[static_cast<unsigned char>(text[at])]
                          : Kind::none;
}

/// The end of the run of `kind` at `at`.
size_t end_of(Kind kind, std::string_view text, size_t at) {
  while (kind_at(text, at) == kind) {
    ++at;
  }
  return at;
}

/// The bytes of 's|'t|'re|'ve|'m|'ll|'d at `at`, or 0.
size_t contraction_at(std::string_view text, size_t at) {
  if (text[at] != '\'') {
    return 0;
  }
  for (std::string_view known : {"'s", "'t", "'m", "'d", "'re", "'ve", "'ll"}) {
    if (text.substr(at, known.size()) == known) {
      return known.size();
    }
  }
  return 0;
}

/// \s+(?!\S)|\s+ where spaces end at `end`: without the last one, if something
/// follows it and another is before it.
size_t leave_space(std::string_view text, size_t at, size_t end) {
  return end < text.size() && end - at > 1 ? end - 1 : end;
}

bool match_gpt2(std::string_view text, size_t at, Match& match) {
  if (const size_t n = contraction_at(text, at)) {
    match = {at, at + n};
    return true;
  }
  // " ?" before a word, a number or signs
  const Kind after = kind_at(text, at + 1);
  const bool space =
      text[at] == ' ' && after != Kind::space && after != Kind::none;
  const size_t first = space ? at + 1 : at;
  const Kind kind = kind_at(text, first);
  const size_t end = end_of(kind, text, first);
  if (kind == Kind::wide || kind_at(text, end) == Kind::wide) {
    return false;
  }
  match = {at, kind == Kind::space ? leave_space(text, at, end) : end};
  return true;
}

/// \p{N}, wherever it comes
bool match_number(std::string_view text, size_t at, Match& match) {
  Kind kind = kind_at(text, at);
  while (kind != Kind::number && kind < Kind::wide) {
    kind = kind_at(text, ++at);
  }
  match = {at, at + 1};
  return kind == Kind::number;
}

} // namespace

AsciiMatcher ascii_matcher(std::string_view pattern) {
  if (pattern == gpt2_pattern) {
    return match_gpt2;
  }
  if (pattern == "\\p{N}") {
    return match_number;
  }
  return nullptr;
}

} // namespace llm
