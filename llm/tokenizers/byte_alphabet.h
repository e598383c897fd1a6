// SPDX-License-Identifier: MIT
//
// GPT-2's way to write any byte as a visible character, so that tokens can be
// JSON strings: printable Latin-1 bytes stand for themselves, the other 68 are
// U+0100, U+0101, ... in order (a space is U+0120, a newline U+010A).

#pragma once

#include <array>
#include <string>
#include <string_view>

namespace llm {

/** The character (as UTF-8) that stands for each byte. */
const std::array<std::string, 256>& byte_alphabet();

/** The bytes in the order of their characters' code points. */
const std::array<unsigned char, 256>& bytes_in_alphabet_order();

/** Bytes as a token: `text` with each byte as its character. */
std::string token_of_bytes(std::string_view bytes);

/**
 * The bytes of a token (valid UTF-8). A token with a character outside of the
 * alphabet, such as a special token with a space in it, stands for itself.
 */
std::string bytes_of_token(std::string_view token);

} // namespace llm
