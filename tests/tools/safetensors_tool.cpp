// SPDX-License-Identifier: MIT
//
// For tests/python/test_safetensors_oracle.py. Standard input: records of a
// 4-byte little-endian length and that many bytes, each a whole safetensors
// file. Standard output, a line for each: "ok" or the reason of the rejection.

#include <cstdint>
#include <iostream>
#include <string>

#include "llm/core/error.h"
#include "llm/core/program.h"
#include "llm/core/safetensors.h"
#include "llm/core/utf8.h"

namespace {

int run() {
  unsigned char length[4];
  while (std::cin.read(reinterpret_cast<char*>(length), 4)) {
    const uint32_t size = length[0] | length[1] << 8 | length[2] << 16 |
        static_cast<uint32_t>(length[3]) << 24;
    std::string file(size, '\0');
    if (!std::cin.read(file.data(), size)) {
      throw llm::InputError("safetensors_tool", "expected a whole record.");
    }
    try {
      llm::parse_safetensors_header(file, file.size(), "file");
      std::cout << "ok\n";
    } catch (const llm::InputError& e) {
      std::cout << llm::escape_text(e.what()) << '\n';
    }
  }
  return 0;
}

} // namespace

int main() {
  return llm::run_program("safetensors_tool", run);
}
