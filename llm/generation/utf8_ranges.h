// SPDX-License-Identifier: MIT
//
// A range of characters as sequences of byte ranges: U+0080 to U+07FF is
// [C2-DF][80-BF]. Surrogates are no characters and are left out.
// Method: https://swtch.com/~rsc/regexp/regexp3.html, "utf8_ranges".

#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace llm {

using ByteRange = std::pair<uint8_t, uint8_t>; // both ends belong to it
using CharacterRange = std::pair<char32_t, char32_t>;

inline constexpr char32_t last_character = 0x10FFFF;

/** The sequences whose union is the UTF-8 of the range, at most 4 bytes each.
 */
std::vector<std::vector<ByteRange>> utf8_sequences(CharacterRange range);

/** Sorted, without overlaps, within U+0000 to U+10FFFF. */
std::vector<CharacterRange> normalized(std::vector<CharacterRange> ranges);

/** All characters that are in none of the normalized ranges. */
std::vector<CharacterRange> complement(
    const std::vector<CharacterRange>& ranges);

} // namespace llm
