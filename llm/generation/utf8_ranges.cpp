// SPDX-License-Identifier: MIT

#include "llm/generation/utf8_ranges.h"

#include <algorithm>
#include <string>

#include "llm/core/utf8.h"

namespace llm {

namespace {

using Sequences = std::vector<std::vector<ByteRange>>;

// Splits begin..end until all but the last bytes of both ends agree or the
// bytes that follow run through all of 80-BF. Both have the same length.
void split(char32_t begin, char32_t end, Sequences& out) {
  for (int bits : {6, 12, 18}) {
    const char32_t low = (char32_t{1} << bits) - 1;
    if ((begin & ~low) == (end & ~low)) {
      continue;
    }
    if ((begin & low) != 0) {
      split(begin, begin | low, out);
      split((begin | low) + 1, end, out);
      return;
    }
    if ((end & low) != low) {
      split(begin, (end & ~low) - 1, out);
      split(end & ~low, end, out);
      return;
    }
  }
  std::string first, last;
  append_utf8(first, begin);
  append_utf8(last, end);
  std::vector<ByteRange>& sequence = out.emplace_back();
  for (size_t i = 0; i < first.size(); ++i) {
    sequence.emplace_back(
        static_cast<uint8_t>(first[i]), static_cast<uint8_t>(last[i]));
  }
}

} // namespace

std::vector<std::vector<ByteRange>> utf8_sequences(CharacterRange range) {
  // Where the length changes, and the surrogates in the middle.
  static constexpr CharacterRange parts[] = {
      {0, 0x7F},
      {0x80, 0x7FF},
      {0x800, 0xD7FF},
      {0xE000, 0xFFFF},
      {0x10000, last_character}};
  Sequences out;
  for (const auto& [low, high] : parts) {
    const char32_t begin = std::max(range.first, low);
    const char32_t end = std::min(range.second, high);
    if (begin > end) {
      continue;
    }
    if (high == 0x7F) {
      out.push_back({{static_cast<uint8_t>(begin), static_cast<uint8_t>(end)}});
    } else {
      split(begin, end, out);
    }
  }
  return out;
}

std::vector<CharacterRange> normalized(std::vector<CharacterRange> ranges) {
  std::sort(ranges.begin(), ranges.end());
  std::vector<CharacterRange> out;
  for (const CharacterRange& range : ranges) {
    if (!out.empty() && range.first <= out.back().second + 1) {
      out.back().second = std::max(out.back().second, range.second);
    } else {
      out.push_back(range);
    }
  }
  return out;
}

std::vector<CharacterRange> complement(
    const std::vector<CharacterRange>& ranges) {
  std::vector<CharacterRange> out;
  char32_t next = 0;
  for (const auto& [begin, end] : ranges) {
    if (begin > next) {
      out.emplace_back(next, begin - 1);
    }
    next = end + 1;
  }
  if (next <= last_character) {
    out.emplace_back(next, last_character);
  }
  return out;
}

} // namespace llm
