// SPDX-License-Identifier: MIT
//
// For tests/python/test_utf8_oracle.py. Standard input: records of a 4-byte
// little-endian length and that many bytes. Standard output, a line for each:
//   the error as "offset length reason", or "valid"; TAB
//   the text with errors replaced, in hexadecimal; TAB
//   the same from a stream that received the bytes one at a time

#include <cstdint>
#include <iostream>
#include <string>
#include <string_view>

#include "llm/core/error.h"
#include "llm/core/program.h"
#include "llm/core/utf8.h"

namespace {

std::string hex(std::string_view bytes) {
  std::string out;
  for (unsigned char byte : bytes) {
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

std::string streamed(std::string_view text) {
  llm::Utf8Stream stream;
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    out += stream.push(text.substr(i, 1));
  }
  return out + stream.finish();
}

int run() {
  unsigned char length[4];
  while (std::cin.read(reinterpret_cast<char*>(length), 4)) {
    const uint32_t size = length[0] | length[1] << 8 | length[2] << 16 |
        static_cast<uint32_t>(length[3]) << 24;
    std::string text(size, '\0');
    if (!std::cin.read(text.data(), size)) {
      throw llm::InputError("utf8_tool", "expected a whole record.");
    }
    const auto error = llm::find_utf8_error(text);
    if (error) {
      std::cout << error->offset << ' ' << error->length << ' '
                << error->reason;
    } else {
      std::cout << "valid";
    }
    std::cout << '\t' << hex(llm::replace_invalid_utf8(text)) << '\t'
              << hex(streamed(text)) << '\n';
  }
  return 0;
}

} // namespace

int main() {
  return llm::run_program("utf8_tool", run);
}
