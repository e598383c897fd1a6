// SPDX-License-Identifier: MIT

#include "llm/core/gguf_cursor.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "llm/core/checked.h"
#include "llm/core/error.h"
#include "llm/core/utf8.h"

namespace llm {

namespace {

constexpr size_t buffer_bytes = size_t{1} << 16;
constexpr uint64_t max_key_bytes = 65'535;

/** Strings of an array: measured first, so that they are stored once. */
void take_strings(GgufCursor& in, GgufValue& value, const std::string& what) {
  in.need(checked_mul<uint64_t>(value.count, 8), what);
  const uint64_t start = in.place();
  uint64_t total = 0;
  for (uint64_t i = 0; i < value.count; ++i) {
    const uint64_t bytes = in.length(what);
    in.seek(in.place() + bytes);
    total += bytes; // at most the file's size
  }
  value.bytes.reserve(total);
  value.ends.reserve(value.count);
  in.seek(start);
  for (uint64_t i = 0; i < value.count; ++i) {
    const uint64_t begin = value.bytes.size();
    const uint64_t bytes = in.length(what);
    value.bytes.resize(begin + bytes);
    in.take(value.bytes.data() + begin, bytes, what);
    value.ends.push_back(value.bytes.size());
  }
}

void check_bools(
    const GgufCursor& in,
    const GgufValue& value,
    const std::string& what) {
  for (const char byte : value.bytes) {
    if (byte != 0 && byte != 1) {
      in.fail(
          "expected 0 or 1 for the bool of " + what + " but received " +
          std::to_string(static_cast<unsigned char>(byte)));
    }
  }
}

GgufValueType take_type(GgufCursor& in, const std::string& what) {
  const auto number = in.number<uint32_t>("the type of " + what);
  if (number > static_cast<uint32_t>(GgufValueType::f64)) {
    in.fail(
        "expected a value type from 0 to 12 for " + what + " but received " +
        std::to_string(number));
  }
  return static_cast<GgufValueType>(number);
}

GgufValue take_value(GgufCursor& in, const std::string& what) {
  GgufValue value;
  value.type = take_type(in, what);
  if (value.type == GgufValueType::array) {
    value.is_array = true;
    value.type = take_type(in, what);
    value.count = in.number<uint64_t>("the length of " + what);
    if (value.type == GgufValueType::array) {
      throw InputError(
          in.where(),
          "expected numbers or strings in the array of " + what +
              " but received arrays inside it; convert the model again.");
    }
  }
  if (value.type != GgufValueType::string) {
    const auto bytes =
        checked_mul<uint64_t>(value.count, gguf_value_size(value.type));
    in.need(bytes, what);
    value.bytes = in.text(*bytes, what);
  } else if (value.is_array) {
    take_strings(in, value, what);
  } else {
    value.bytes = in.text(in.length(what), what);
  }
  if (value.type == GgufValueType::boolean) {
    check_bools(in, value, what);
  }
  return value;
}

} // namespace

GgufCursor::GgufCursor(const ByteSource& source, std::string_view where)
    : source_(source), where_(where), size_(source.size()) {
  buffer_.resize(static_cast<size_t>(std::min<uint64_t>(size_, buffer_bytes)));
}

void GgufCursor::fail(const std::string& message) const {
  throw InputError(
      where_, message + "; the file is damaged: copy or download it again.");
}

void GgufCursor::need(std::optional<uint64_t> bytes, const std::string& what)
    const {
  if (!bytes || *bytes > size_ - place_) {
    fail(
        "expected " + what + " within the file of " + std::to_string(size_) +
        " bytes but it would end behind it");
  }
}

void GgufCursor::take(char* out, uint64_t bytes, const std::string& what) {
  need(bytes, what);
  if (bytes > buffer_.size()) {
    source_.read(place_, out, bytes);
  } else if (bytes > 0) {
    if (place_ < begin_ || place_ + bytes > end_) {
      begin_ = end_ = place_;
      const uint64_t more = std::min<uint64_t>(buffer_.size(), size_ - place_);
      source_.read(place_, buffer_.data(), more);
      end_ += more;
    }
    std::memcpy(out, buffer_.data() + (place_ - begin_), bytes);
  }
  place_ += bytes;
}

uint64_t GgufCursor::length(const std::string& what) {
  const auto bytes = number<uint64_t>(what);
  need(bytes, what);
  return bytes;
}

std::string GgufCursor::text(uint64_t bytes, const std::string& what) {
  need(bytes, what);
  std::string out(bytes, '\0');
  take(out.data(), bytes, what);
  return out;
}

std::string
GgufCursor::name(uint64_t max, const std::string& kind, uint64_t number) {
  const std::string which = kind + " " + std::to_string(number);
  const uint64_t bytes = length("the name of " + which);
  if (bytes == 0 || bytes > max) {
    fail(
        "expected a name of 1 to " + std::to_string(max) + " bytes for " +
        which + " but received " + std::to_string(bytes));
  }
  std::string out = text(bytes, "the name of " + which);
  if (find_utf8_error(out)) {
    fail(
        "expected UTF-8 as the name of " + which + " but received " +
        quote(out));
  }
  return out;
}

GgufMetadata take_gguf_metadata(GgufCursor& in, uint64_t count) {
  GgufMetadata metadata;
  metadata.where = in.where();
  for (uint64_t i = 0; i < count; ++i) {
    std::string key = in.name(max_key_bytes, "key", i);
    const std::string what = "key " + quote(key);
    GgufValue value = take_value(in, what);
    if (!metadata.values.emplace(std::move(key), std::move(value)).second) {
      in.fail("expected each key once but received " + what + " twice");
    }
  }
  return metadata;
}

} // namespace llm
