// SPDX-License-Identifier: MIT
//
// The parts of the GGUF header reader (gguf.cpp): a cursor that goes from front
// to back and checks every length against what is left, so that nothing larger
// than the file is ever allocated, and the reader of the key-value pairs.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "llm/core/byte_source.h"
#include "llm/core/gguf_metadata.h"

namespace llm {

class GgufCursor {
 public:
  /** `where` names the file in messages; both must outlive the cursor. */
  GgufCursor(const ByteSource& source, std::string_view where);

  std::string_view where() const {
    return where_;
  }
  uint64_t size() const {
    return size_;
  }
  uint64_t place() const {
    return place_;
  }
  /** `place` must be one that was reached before, or checked by need(). */
  void seek(uint64_t place) {
    place_ = place;
  }

  /** InputError "expected ...": the file is damaged. */
  [[noreturn]] void fail(const std::string& message) const;

  /** Throws unless `bytes`, a number that fits, are left; `what` names them. */
  void need(std::optional<uint64_t> bytes, const std::string& what) const;

  void take(char* out, uint64_t bytes, const std::string& what);

  template <class T>
  T number(const std::string& what) {
    T value;
    take(reinterpret_cast<char*>(&value), sizeof value, what);
    return value;
  }

  /** The length of a string, all of which is there. */
  uint64_t length(const std::string& what);

  std::string text(uint64_t bytes, const std::string& what);

  /** The name of key or tensor `number`: 1 to `max` bytes of UTF-8. */
  std::string name(uint64_t max, const std::string& kind, uint64_t number);

 private:
  const ByteSource& source_;
  std::string_view where_;
  uint64_t size_;
  uint64_t place_ = 0;
  std::string buffer_; // the bytes from begin_ to end_
  uint64_t begin_ = 0;
  uint64_t end_ = 0;
};

/** Takes `count` key-value pairs. */
GgufMetadata take_gguf_metadata(GgufCursor& in, uint64_t count);

} // namespace llm
