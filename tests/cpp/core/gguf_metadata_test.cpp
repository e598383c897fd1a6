// SPDX-License-Identifier: MIT
//
// The key-value pairs of a GGUF file: which are refused, and what the getters
// make of them.

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "gguf_file.h"
#include "llm/core/error.h"
#include "llm/core/gguf.h"
#include "temporary_folder.h"

using namespace llm;
using namespace llm::test;

namespace {

GgufHeader parse(const std::string& bytes) {
  return parse_gguf_header(MemorySource(bytes), "f");
}

/** The message for a file, "" when accepted. */
std::string rejection(const std::string& bytes) {
  try {
    parse(bytes);
    return "";
  } catch (const InputError& e) {
    return e.what();
  }
}

/** A file with one pair and no tensor. */
std::string with_pair(const std::string& pair) {
  GgufFile file;
  file.pairs = {pair};
  return file.bytes();
}

std::string with_alignment(uint32_t alignment) {
  GgufFile file;
  file.pairs = {gguf_pair("general.alignment", 4, alignment)};
  file.tensors = {{}};
  file.data = std::string(8, 'd');
  file.alignment = alignment == 0 ? 1 : alignment;
  return file.bytes();
}

} // namespace

TEST_CASE("gguf: the getters and their messages") {
  const GgufMetadata m = parse(sample_gguf().bytes()).metadata;
  CHECK(gguf_string(m, "general.architecture") == "llama");
  CHECK(gguf_int(m, "llama.block_count") == 30);
  CHECK(gguf_int(m, "u8") == 255);
  CHECK(gguf_int(m, "i8") == -128);
  CHECK(gguf_int(m, "u16") == 65535);
  CHECK(gguf_int(m, "i16") == -32768);
  CHECK(gguf_int(m, "i32") == -5);
  CHECK(gguf_int(m, "i64") == std::numeric_limits<int64_t>::min());
  CHECK(gguf_float(m, "llama.rope.freq_base") == 10000.5);
  CHECK(gguf_float(m, "f64") == 0.1);
  CHECK(gguf_float(m, "u8") == 255);
  CHECK(gguf_bool(m, "yes"));
  CHECK(
      gguf_strings(m, "tokens") ==
      std::vector<std::string>{"a", "", "\xff\x01"});
  CHECK(gguf_floats(m, "scores") == std::vector<double>{1.5, -2});
  CHECK(gguf_ints(m, "types") == std::vector<int64_t>{1, -1});
  CHECK(gguf_bools(m, "flags") == std::vector<bool>{true, false});
  CHECK(gguf_ints(m, "none").empty());
  CHECK(gguf_int_or(m, "absent", 7) == 7);
  CHECK(gguf_int_or(m, "u8", 7) == 255);
  CHECK(gguf_float_or(m, "absent", 0.5) == 0.5);
  CHECK(gguf_bool_or(m, "absent", true));
  CHECK(gguf_string_or(m, "absent", "x") == "x");

  const auto message = [](const auto& action) {
    return message_of<InputError>(action);
  };
  CHECK(
      message([&] { gguf_int(m, "llama.rope.freq_base"); }) ==
      "[f] expected an integer of 64 bits as \"llama.rope.freq_base\" but "
      "received a f32; choose another file.");
  CHECK(
      message([&] { gguf_string(m, "absent"); }) ==
      "[f] expected a string as \"absent\" but received no such key; choose "
      "another file.");
  CHECK(
      message([&] { gguf_int(m, "types"); }) ==
      "[f] expected an integer of 64 bits as \"types\" but received an array "
      "of 2 i32; choose another file.");
  CHECK_THROWS_AS(gguf_int(m, "u64"), InputError); // over 2^63
  CHECK_THROWS_AS(gguf_int(m, "yes"), InputError);
  CHECK_THROWS_AS(gguf_bool(m, "u8"), InputError);
  CHECK_THROWS_AS(gguf_ints(m, "u8"), InputError);
  CHECK_THROWS_AS(gguf_ints(m, "scores"), InputError);
  CHECK_THROWS_AS(gguf_strings(m, "scores"), InputError);
  CHECK_THROWS_AS(gguf_int_or(m, "scores", 1), InputError);
  const GgufMetadata nan =
      parse(with_pair(gguf_pair<float>("x", 6, 0.0f / 0.0f))).metadata;
  CHECK_THROWS_AS(gguf_float(nan, "x"), InputError);
}

TEST_CASE("gguf: keys and values") {
  CHECK(rejection(with_pair(gguf_pair("a", "b"))) == "");
  const uint64_t huge[] = {
      100,
      uint64_t{1} << 31,
      uint64_t{1} << 32,
      uint64_t{1} << 61, // times 8 it is 0
      uint64_t{1} << 62,
      uint64_t{1} << 63,
      UINT64_MAX,
      UINT64_MAX - 7};
  for (const uint64_t n : huge) {
    CAPTURE(n);
    // A key, a string, an array and a string in an array as long as that.
    CHECK(rejection(with_pair(raw(n) + "k" + raw(8) + gguf_text("v"))) != "");
    CHECK(rejection(with_pair(gguf_text("k") + raw(8) + raw(n) + "v")) != "");
    for (const uint32_t type : {0u, 1u, 3u, 4u, 6u, 7u, 8u, 10u, 12u}) {
      CHECK(rejection(with_pair(gguf_array("k", type, n, "v"))) != "");
    }
    CHECK(rejection(with_pair(gguf_array("k", 8, 1, raw(n) + "v"))) != "");
    CHECK(
        rejection(with_pair(
            gguf_array("k", 8, 2, gguf_text("a") + raw(n) + "v"))) != "");
  }
  for (const uint32_t type : {13u, 14u, 255u, 0x80000000u, 0xFFFFFFFFu}) {
    CHECK(rejection(with_pair(gguf_pair<uint64_t>("k", type, 0))) != "");
    CHECK(rejection(with_pair(gguf_text("kk") + raw(type))) != "");
    CHECK(rejection(with_pair(gguf_array("k", type, 1, raw(0.0)))) != "");
  }
  const std::string nested =
      rejection(with_pair(gguf_array("deep", 9, 1, raw(4) + raw(uint64_t{0}))));
  CHECK(nested.find("\"deep\"") != std::string::npos);
  CHECK(nested.find("arrays inside") != std::string::npos);
  CHECK(rejection(with_pair(gguf_array("deep", 9, 0, ""))) != "");
  CHECK(rejection(with_pair(gguf_pair<uint8_t>("k", 7, 2))) != "");
  CHECK(rejection(with_pair(gguf_array("k", 7, 2, "\1\xff"))) != "");
  CHECK(rejection(with_pair(gguf_pair("", "b"))) != "");
  CHECK(rejection(with_pair(gguf_pair("\xff", "b"))) != "");
  CHECK(rejection(with_pair(gguf_pair(std::string(65535, 'k'), "b"))) == "");
  CHECK(rejection(with_pair(gguf_pair(std::string(65536, 'k'), "b"))) != "");
  GgufFile twice;
  twice.pairs = {gguf_pair("a", "b"), gguf_pair<uint8_t>("a", 0, 1)};
  CHECK(
      rejection(twice.bytes()) ==
      "[f] expected each key once but received key \"a\" twice; the file is "
      "damaged: copy or download it again.");
}

TEST_CASE("gguf: alignment") {
  for (const uint32_t good : {1u, 2u, 8u, 16u, 32u, 64u, 4096u}) {
    CAPTURE(good);
    CHECK(rejection(with_alignment(good)) == "");
  }
  for (const uint32_t bad : {0u, 3u, 12u, 13u, 31u, 33u, 0xFFFFFFFFu}) {
    CAPTURE(bad);
    const std::string bytes = bad > 100
        ? with_pair(gguf_pair("general.alignment", 4, bad))
        : with_alignment(bad);
    CHECK(rejection(bytes).find("power of two") != std::string::npos);
  }
  const std::string key = "general.alignment";
  CHECK(rejection(with_pair(gguf_pair<int32_t>(key, 5, 32))) != "");
  CHECK(rejection(with_pair(gguf_pair<uint64_t>(key, 10, 32))) != "");
  CHECK(rejection(with_pair(gguf_pair<float>(key, 6, 32))) != "");
  CHECK(rejection(with_pair(gguf_pair(key, "32"))) != "");
  CHECK(rejection(with_pair(gguf_array(key, 4, 1, raw<uint32_t>(32)))) != "");
  GgufFile far; // padding far behind the end of the file
  far.pairs = {gguf_pair<uint32_t>(key, 4, 1u << 31)};
  far.tensors = {{}};
  far.data = std::string(8, 'd');
  CHECK(rejection(far.bytes()) != "");
}

TEST_CASE("gguf: float16 of every bit pattern") {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const int exponent = static_cast<int>(bits >> 10 & 31);
    const double fraction = bits & 1023;
    const double sign = bits & 0x8000 ? -1 : 1;
    const float got = half_to_float(static_cast<uint16_t>(bits));
    if (exponent == 31 && fraction != 0) {
      REQUIRE(std::isnan(got));
    } else if (exponent == 31) {
      REQUIRE(got == sign * std::numeric_limits<double>::infinity());
    } else {
      const double wanted = exponent == 0
          ? std::ldexp(fraction, -24)
          : std::ldexp(1024 + fraction, exponent - 25);
      REQUIRE(got == sign * wanted);
      REQUIRE(std::signbit(got) == (sign < 0));
    }
  }
}
