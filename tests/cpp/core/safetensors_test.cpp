// SPDX-License-Identifier: MIT
//
// The rules of the header reader; tests/python/test_safetensors_oracle.py
// compares accept/reject with the reference implementation.

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "llm/core/error.h"
#include "llm/core/random.h"
#include "llm/core/safetensors.h"
#include "temporary_folder.h"

using namespace llm;
using llm::test::message_of;

namespace {

std::string length_of(uint64_t n) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) {
    bytes += static_cast<char>(n >> (8 * i) & 0xFF);
  }
  return bytes;
}

/** The message for a header text over `data` bytes, "" when accepted. */
std::string rejection(const std::string& text, uint64_t data) {
  const std::string bytes = length_of(text.size()) + text;
  try {
    parse_safetensors_header(bytes, bytes.size() + data, "f");
    return "";
  } catch (const InputError& e) {
    return e.what();
  }
}

/** A header with one tensor "t" over 16 bytes. */
std::string one(
    const std::string& dtype,
    const std::string& shape,
    const std::string& offsets) {
  return "{\"t\":{\"dtype\":" + dtype + ",\"shape\":" + shape +
      ",\"data_offsets\":" + offsets + "}}";
}

std::map<std::string, TensorInfo> sample_tensors() {
  return {
      {"wte", {"F32", {5, 3}, 0, 0}},
      {"bytes", {"U8", {7}, 0, 0}},
      {"half", {"F16", {3}, 0, 0}},
      {"none", {"F32", {0, 4}, 0, 0}},
      {"scalar", {"I64", {}, 0, 0}}};
}

/** A whole small file, data included. */
std::string sample_file() {
  auto tensors = sample_tensors();
  const uint64_t size = place_tensors(tensors);
  return safetensors_header_bytes(tensors, {{"format", "pt"}}) +
      std::string(size, 'd');
}

} // namespace

TEST_CASE("safetensors: what is written is read") {
  const std::string file = sample_file();
  const auto header = parse_safetensors_header(file, file.size(), "f");
  CHECK(header.tensors.size() == 5);
  CHECK(header.metadata.at("format") == "pt");
  CHECK(header.data_offset % 8 == 0);
  const TensorInfo& wte = header.tensors.at("wte");
  CHECK(wte.dtype == "F32");
  CHECK(wte.shape == std::vector<int64_t>{5, 3});
  CHECK(wte.end - wte.begin == 60);
  for (const auto& [name, info] : header.tensors) {
    CHECK(info.begin % (safetensors_dtype_bits(info.dtype) / 8) == 0);
  }
  CHECK(file == sample_file()); // deterministic
}

TEST_CASE("safetensors: the bytes of the reference's own test") {
  // test_serialization_forced_alignement and test_empty of the Rust package.
  std::map<std::string, TensorInfo> tensors = {
      {"attn0", {"F32", {1, 1, 2, 3}, 0, 24}}};
  CHECK(
      safetensors_header_bytes(tensors, {}) ==
      length_of(72) +
          "{\"attn0\":{\"dtype\":\"F32\",\"shape\":[1,1,2,3],"
          "\"data_offsets\":[0,24]}}       ");
  CHECK(safetensors_header_bytes({}, {}) == length_of(8) + "{}      ");
  CHECK(
      safetensors_header_bytes({}, {{"framework", "pt"}}) ==
      length_of(40) + "{\"__metadata__\":{\"framework\":\"pt\"}}     ");
}

TEST_CASE("safetensors: truncation at every byte is rejected") {
  const std::string file = sample_file();
  test::TemporaryFolder folder;
  for (size_t size = 0; size < file.size(); ++size) {
    const std::string cut = file.substr(0, size);
    CAPTURE(size);
    CHECK_THROWS_AS(parse_safetensors_header(cut, size, "f"), InputError);
    test::put(folder / "cut", cut);
    CHECK_THROWS_AS(read_safetensors_header(folder / "cut"), InputError);
    // The start of a longer file is enough, once it holds the header.
    if (size >= 8 + 8) {
      const uint64_t data =
          parse_safetensors_header(file, file.size(), "f").data_offset;
      if (size < data) {
        CHECK_THROWS_AS(
            parse_safetensors_header(cut, file.size(), "f"), InputError);
      } else {
        CHECK_NOTHROW(parse_safetensors_header(cut, file.size(), "f"));
      }
    }
  }
  CHECK_THROWS_AS(
      parse_safetensors_header(file + "x", file.size() + 1, "f"), InputError);
}

TEST_CASE("safetensors: lengths") {
  const uint64_t mb100 = 100'000'000;
  for (uint64_t n :
       {uint64_t{0},
        uint64_t{1},
        uint64_t{7},
        uint64_t{9},
        mb100,
        mb100 + 1,
        uint64_t{1} << 31,
        uint64_t{1} << 32,
        uint64_t{1} << 63,
        (uint64_t{1} << 63) - 1,
        UINT64_MAX,
        UINT64_MAX - 7}) {
    CAPTURE(n);
    CHECK_THROWS_AS(
        parse_safetensors_header(length_of(n) + "{}      ", 16, "f"),
        InputError);
    CHECK_THROWS_AS(
        parse_safetensors_header(length_of(n) + "{}      ", UINT64_MAX, "f"),
        InputError);
  }
  CHECK_NOTHROW(parse_safetensors_header(length_of(2) + "{}", 10, "f"));
}

TEST_CASE("safetensors: malformed headers") {
  CHECK(rejection(one("\"F32\"", "[2,2]", "[0,16]"), 16) == "");
  CHECK(rejection(one("\"F4\"", "[32]", "[0,16]"), 16) == "");
  CHECK(rejection("{\"__metadata__\":null}", 0) == ""); // as MLX writes none
  const std::vector<std::string> bad = {
      "",
      " {}",
      "[]",
      "{",
      "{}x",
      "nul",
      "{\"t\":1}",
      "{\"t\":{}}",
      one("\"f32\"", "[2,2]", "[0,16]"), // unknown dtype
      one("\"F31\"", "[2,2]", "[0,16]"),
      one("5", "[2,2]", "[0,16]"),
      one("\"F32\"", "[2,3]", "[0,16]"), // bytes do not fit
      one("\"F16\"", "[2,2]", "[0,16]"),
      one("\"F32\"", "[-1,-4]", "[0,16]"), // negative
      one("\"F32\"", "[-0,4]", "[0,16]"),
      one("\"F32\"", "[2.0,2]", "[0,16]"),
      one("\"F32\"", "[\"2\",2]", "[0,16]"),
      one("\"F32\"", "[4e0]", "[0,16]"),
      one("\"F32\"", "[2,2,null]", "[0,16]"),
      one("\"F32\"", "4", "[0,16]"),
      one("\"F32\"", "[1,1,1,1,1,1,1,1,4]", "[0,16]"),       // rank 9
      one("\"F32\"", "[2147483648]", "[0,16]"),              // > int32
      one("\"F32\"", "[65536,65536,65536,65536]", "[0,16]"), // wraps to 0
      one("\"F32\"", "[65536,65536,65536,65536,0]", "[0,16]"),
      one("\"F32\"", "[18446744073709551616]", "[0,16]"),
      one("\"F4\"", "[31]", "[0,16]"),   // half a byte
      one("\"F32\"", "[2,2]", "[16,0]"), // reversed
      one("\"F32\"", "[2,2]", "[0,17]"),
      one("\"F32\"", "[3]", "[4,16]"), // hole before
      one("\"F32\"", "[3]", "[0,12]"), // hole behind
      one("\"F32\"", "[2,2]", "[0]"),
      one("\"F32\"", "[2,2]", "[0,16,16]"),
      one("\"F32\"", "[2,2]", "[0,-16]"),
      one("\"F32\"", "[2,2]", "[0,16.0]"),
      one("\"F32\"", "[2,2]", "[18446744073709551600,18446744073709551616]"),
      "{\"__metadata__\":5}",
      "{\"__metadata__\":{\"a\":5}}",
      "{\"__metadata__\":{\"a\":null}}",
      "{\"__metadata__\":{},\"__metadata__\":{}}"};
  for (const std::string& text : bad) {
    CAPTURE(text);
    CHECK(rejection(text, 16) != "");
  }
}

TEST_CASE("safetensors: two tensors must share the data without overlap") {
  const auto two = [](const std::string& a, const std::string& b) {
    const std::string tensor = "{\"dtype\":\"U8\",\"shape\":[8],";
    return "{\"a\":" + tensor + "\"data_offsets\":" + a + "},\"b\":" + tensor +
        "\"data_offsets\":" + b + "}}";
  };
  CHECK(rejection(two("[0,8]", "[8,16]"), 16) == "");
  CHECK(rejection(two("[8,16]", "[0,8]"), 16) == ""); // any order
  const std::string overlap = rejection(two("[0,8]", "[4,12]"), 16);
  CHECK(overlap.find("\"a\"") != std::string::npos); // names both
  CHECK(overlap.find("\"b\"") != std::string::npos);
  CHECK(rejection(two("[0,8]", "[0,8]"), 16) != "");
  CHECK(rejection(two("[0,8]", "[9,17]"), 17) != ""); // gap
  CHECK(rejection(two("[0,8]", "[8,16]"), 17) != ""); // rest
  CHECK(rejection(two("[0,8]", "[8,16]"), 15) != "");
  std::string twice = two("[0,8]", "[8,16]");
  twice[twice.find("\"b\"") + 1] = 'a';
  CHECK(rejection(twice, 16).find("twice") != std::string::npos);
}

TEST_CASE("safetensors: messages name the file and the tensor") {
  CHECK(
      rejection(one("\"F32\"", "[2,3]", "[0,16]"), 16) ==
      "[f] expected 24 bytes for tensor \"t\", F32 [2,3], but received 16; the "
      "file is damaged: copy or save it again.");
  CHECK(
      rejection(one("\"Q4\"", "[2,3]", "[0,16]"), 16) ==
      "[f] expected an element type such as F32, F16 or BF16 but received "
      "\"Q4\" in tensor \"t\"; convert the file.");
}

TEST_CASE("safetensors: a flipped bit in the header is refused or harmless") {
  const std::string file = sample_file();
  const auto header = parse_safetensors_header(file, file.size(), "f");
  int accepted = 0;
  for (size_t i = 0; i < header.data_offset; ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bytes = file;
      bytes[i] = static_cast<char>(bytes[i] ^ (1 << bit));
      try {
        const auto other = parse_safetensors_header(bytes, bytes.size(), "f");
        ++accepted; // a letter of a name, or F32 for I32: never a new range
        uint64_t covered = 0;
        for (const auto& [name, info] : other.tensors) {
          covered += info.end - info.begin;
        }
        REQUIRE(covered == file.size() - other.data_offset);
      } catch (const InputError&) {
      }
    }
  }
  CHECK(accepted < 400);
}

TEST_CASE("safetensors: the writer refuses what the reader would") {
  CHECK_THROWS_AS(
      safetensors_header_bytes({{"t", {"F32", {2}, 0, 4}}}, {}), UsageError);
  CHECK_THROWS_AS(
      safetensors_header_bytes({{"t", {"Q4", {2}, 0, 8}}}, {}), UsageError);
  CHECK_THROWS_AS(
      safetensors_header_bytes({{"t", {"F32", {-2}, 0, 8}}}, {}), UsageError);
  CHECK_THROWS_AS(
      safetensors_header_bytes({{"t", {"F32", {2}, 4, 12}}}, {}), UsageError);
  CHECK_THROWS_AS(
      safetensors_header_bytes({{"\xff", {"F32", {2}, 0, 8}}}, {}), UsageError);
  CHECK_THROWS_AS(
      safetensors_header_bytes({{"__metadata__", {"F32", {2}, 0, 8}}}, {}),
      UsageError);
}

TEST_CASE("safetensors: files") {
  test::TemporaryFolder folder;
  test::put(folder / "a", sample_file());
  CHECK(read_safetensors_header(folder / "a").tensors.size() == 5);
  CHECK_THROWS_AS(read_safetensors_header(folder / "none"), InputError);
  CHECK_THROWS_AS(read_safetensors_header(folder.path()), InputError);
  test::put(folder / "empty", "");
  CHECK_THROWS_AS(read_safetensors_header(folder / "empty"), InputError);
}
