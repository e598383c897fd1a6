// SPDX-License-Identifier: MIT
//
// SHA-256 (FIPS 180-4), for manifests and downloads: finds damage and proves
// that a file is the one that was meant. About 200-300 MB/s; no secrets here,
// so no care against timing.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace llm {

/** A hash of bytes that arrive in pieces. */
class Sha256 {
 public:
  Sha256();
  /** Adds bytes; UsageError after hex(). */
  void update(std::string_view bytes);
  /** Ends the message; 64 hexadecimal digits, the same at every call. */
  std::string hex();

 private:
  void compress(const unsigned char* block);

  std::array<uint32_t, 8> state_;
  std::array<unsigned char, 64> block_{}; // the bytes that wait for a block
  size_t waiting_ = 0;
  uint64_t length_ = 0; // bytes of the whole message
  std::string result_;
};

/** The hash of `bytes`, 64 hexadecimal digits. */
std::string sha256_hex(std::string_view bytes);

/** The hash of a file, read in pieces; errors as read_file (files.h). */
std::string sha256_file(const std::filesystem::path& path);

} // namespace llm
