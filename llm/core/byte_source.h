// SPDX-License-Identifier: MIT
//
// Bytes that can be read at any place. A reader of a large format checks the
// header first and then fetches each part into its final buffer; from memory
// (tests, fuzzers) it does the same. A file is opened once, so that all parts
// come from the file whose header was checked.

#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string_view>

namespace llm {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual uint64_t size() const = 0;
  /** Fills `buffer` with the bytes from `offset` on; InputError when the source
   * ends before, IoError when the system cannot read. */
  virtual void read(uint64_t offset, char* buffer, size_t size) const = 0;
};

/** Bytes in memory, not owned. */
class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::string_view bytes) : bytes_(bytes) {}
  uint64_t size() const override {
    return bytes_.size();
  }
  void read(uint64_t offset, char* buffer, size_t size) const override;

 private:
  std::string_view bytes_;
};

/**
 * A regular file, opened once and without waiting, so a FIFO or device cannot
 * hang it; closed when it goes away. InputError when it is missing or no
 * regular file, IoError when the system refuses.
 */
class FileSource final : public ByteSource {
 public:
  explicit FileSource(const std::filesystem::path& path);
  ~FileSource() override;
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;

  /** The size when it was opened. */
  uint64_t size() const override {
    return size_;
  }
  void read(uint64_t offset, char* buffer, size_t size) const override;
  /** InputError when the file is longer or shorter than it was. */
  void check_size() const;

 private:
  size_t read_some(uint64_t offset, char* buffer, size_t size) const;
  [[noreturn]] void fail_changed() const;

  std::filesystem::path path_;
  int file_ = -1;
  uint64_t size_ = 0;
};

} // namespace llm
