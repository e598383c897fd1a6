// SPDX-License-Identifier: MIT
//
// GGUF files for tests, written without any of the code that is tested. Every
// field can be given a wrong value.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace llm::test {

/** The bytes of a number, little endian. */
template <class T>
std::string raw(T value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof value);
}

inline std::string gguf_text(const std::string& text) {
  return raw<uint64_t>(text.size()) + text;
}

struct GgufFileTensor {
  std::string name = "t";
  std::vector<uint64_t> dims = {2}; // as in the file: the row's length first
  uint32_t type = 0;                // F32
  uint64_t offset = 0;
  std::string head = {}; // instead of all before the offset

  std::string info() const {
    std::string out = gguf_text(name) + raw<uint32_t>(dims.size());
    for (const uint64_t dim : dims) {
      out += raw(dim);
    }
    return (head.empty() ? out + raw(type) : head) + raw(offset);
  }
};

struct GgufFile {
  std::string magic = "GGUF";
  uint32_t version = 3;
  std::vector<std::string> pairs; // each gguf_text(key) + raw(type) + value
  std::vector<GgufFileTensor> tensors;
  std::string data;
  uint64_t alignment = 32;
  uint64_t extra_tensors = 0; // the counts lie by so many
  uint64_t extra_pairs = 0;

  std::string header() const {
    std::string out = magic + raw(version) +
        raw<uint64_t>(tensors.size() + extra_tensors) +
        raw<uint64_t>(pairs.size() + extra_pairs);
    for (const std::string& pair : pairs) {
      out += pair;
    }
    for (const GgufFileTensor& tensor : tensors) {
      out += tensor.info();
    }
    return out;
  }
  std::string bytes() const {
    std::string out = header();
    if (!data.empty()) {
      out.resize((out.size() + alignment - 1) / alignment * alignment, '\0');
    }
    return out + data;
  }
};

/** A pair of a key and one value. */
template <class T>
std::string gguf_pair(const std::string& key, uint32_t type, T value) {
  return gguf_text(key) + raw(type) + raw(value);
}

inline std::string gguf_pair(const std::string& key, const std::string& text) {
  return gguf_text(key) + raw<uint32_t>(8) + gguf_text(text);
}

/** A pair of a key and an array; `bytes` are its elements. */
inline std::string gguf_array(
    const std::string& key,
    uint32_t type,
    uint64_t count,
    const std::string& bytes) {
  return gguf_text(key) + raw<uint32_t>(9) + raw(type) + raw(count) + bytes;
}

/** A good file with every kind of value and three tensors. */
inline GgufFile sample_gguf() {
  GgufFile file;
  file.pairs = {
      gguf_pair("general.architecture", "llama"),
      gguf_pair<uint32_t>("llama.block_count", 4, 30),
      gguf_pair<uint8_t>("u8", 0, 255),
      gguf_pair<int8_t>("i8", 1, -128),
      gguf_pair<uint16_t>("u16", 2, 65535),
      gguf_pair<int16_t>("i16", 3, -32768),
      gguf_pair<int32_t>("i32", 5, -5),
      gguf_pair<float>("llama.rope.freq_base", 6, 10000.5f),
      gguf_pair<uint8_t>("yes", 7, 1),
      gguf_pair<uint64_t>("u64", 10, UINT64_MAX),
      gguf_pair<int64_t>("i64", 11, INT64_MIN),
      gguf_pair<double>("f64", 12, 0.1),
      gguf_array(
          "tokens",
          8,
          3,
          gguf_text("a") + gguf_text("") + gguf_text("\xff\x01")),
      gguf_array("scores", 6, 2, raw(1.5f) + raw(-2.0f)),
      gguf_array("types", 5, 2, raw<int32_t>(1) + raw<int32_t>(-1)),
      gguf_array("flags", 7, 2, std::string("\1\0", 2)),
      gguf_array("none", 4, 0, "")};
  file.tensors = {
      {"wte", {32, 3}, 2, 0},  // Q4_0 [3, 32]: 54 bytes
      {"bias", {5}, 1, 64},    // F16 [5]: 10 bytes
      {"norm", {2, 1}, 0, 96}, // F32 [1, 2]: 8 bytes
  };
  file.data = std::string(104, '\1');
  return file;
}

} // namespace llm::test
