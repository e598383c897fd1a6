// SPDX-License-Identifier: MIT
//
// Hand-picked cases; tests/python/test_utf8_oracle.py compares with CPython.

#include <doctest/doctest.h>

#include <string>

#include "llm/core/error.h"
#include "llm/core/random.h"
#include "llm/core/utf8.h"
#include "temporary_folder.h"

using namespace llm;

namespace {

/** "offset+length reason" of the first error, or "". */
std::string error_of(std::string_view text) {
  const auto error = find_utf8_error(text);
  return error ? std::to_string(error->offset) + "+" +
          std::to_string(error->length) + " " + error->reason
               : "";
}

} // namespace

TEST_CASE("utf8: valid texts and the limits of each length") {
  for (const char* text :
       {"",
        "abc",
        "\x7f",
        "\xc2\x80",
        "\xdf\xbf",
        "\xe0\xa0\x80",
        "\xed\x9f\xbf",
        "\xee\x80\x80",
        "\xef\xbf\xbf",
        "\xf0\x90\x80\x80",
        "\xf4\x8f\xbf\xbf"}) {
    CHECK(error_of(text) == "");
    CHECK(encode_utf8(decode_utf8(text)) == text);
    CHECK(replace_invalid_utf8(text) == text);
  }
  CHECK(
      decode_utf8("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80") ==
      U"a\u00e9\u20ac\U0001f600");
}

TEST_CASE("utf8: errors have Python's place, length and reason") {
  CHECK(error_of("ab\xff") == "2+1 invalid start byte");
  CHECK(error_of("\x80") == "0+1 invalid start byte");
  CHECK(error_of("\xc0\xaf") == "0+1 invalid start byte"); // overlong
  CHECK(error_of("\xf5\x80\x80\x80") == "0+1 invalid start byte");
  CHECK(error_of("\xe0\x80\x80") == "0+1 invalid continuation byte");
  CHECK(error_of("\xed\xa0\x80") == "0+1 invalid continuation byte");
  CHECK(error_of("\xf4\x90\x80\x80") == "0+1 invalid continuation byte");
  CHECK(error_of("\xe2\x82z") == "0+2 invalid continuation byte");
  CHECK(error_of("\xf0\x9f\x98z") == "0+3 invalid continuation byte");
  CHECK(error_of("x\xc3") == "1+1 unexpected end of data");
  CHECK(error_of("x\xe2\x82") == "1+2 unexpected end of data");
  CHECK(error_of("x\xf0\x9f\x98") == "1+3 unexpected end of data");
  CHECK(
      test::message_of<InputError>([] { decode_utf8("a\n\xc3\xa9\xff"); }) ==
      "[utf8] expected UTF-8 text but received invalid start byte at 2:2; save "
      "the text as UTF-8.");
}

TEST_CASE("utf8: every code point but surrogates makes the round trip") {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c == 0xD800) {
      c = 0xE000;
    }
    std::string text;
    append_utf8(text, c);
    const std::u32string back = decode_utf8(text);
    REQUIRE(back.size() == 1);
    REQUIRE(back[0] == c);
  }
  std::string out;
  CHECK_THROWS_AS(append_utf8(out, 0xD800), UsageError);
  CHECK_THROWS_AS(append_utf8(out, 0xDFFF), UsageError);
  CHECK_THROWS_AS(append_utf8(out, 0x110000), UsageError);
  CHECK(out.empty());
}

TEST_CASE("utf8: a stream cut anywhere equals the whole") {
  Random random(random_key(3, "utf8"));
  const std::string pool = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xff\xed\x80";
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (uint64_t i = random.below(12); i > 0; --i) {
      text += pool[random.below(pool.size())];
    }
    Utf8Stream stream;
    std::string out;
    for (size_t at = 0; at < text.size();) {
      const size_t take = 1 + random.below(4);
      out += stream.push(std::string_view(text).substr(at, take));
      REQUIRE(!find_utf8_error(out));
      REQUIRE(stream.pending().size() <= 3);
      at += take;
    }
    out += stream.finish();
    REQUIRE(out == replace_invalid_utf8(text));
    REQUIRE(stream.finish() == "");
  }
}

TEST_CASE("utf8: a stream holds back half a character") {
  Utf8Stream stream;
  CHECK(stream.push("x\xf0\x9f") == "x");
  CHECK(stream.push("\x98") == "");
  CHECK(stream.pending() == "\xf0\x9f\x98");
  CHECK(stream.push("\x80y") == "\xf0\x9f\x98\x80y");
  CHECK(stream.push("\xe2\x82") == "");
  CHECK(stream.finish() == "\xef\xbf\xbd");
  CHECK(stream.push("ok") == "ok");
}

TEST_CASE("utf8: positions count lines and characters from 1") {
  const std::string text = "ab\n\xc3\xa9\xe2\x82\xacx\n";
  const auto at = [&](size_t offset) {
    const TextPosition p = text_position(text, offset);
    return std::to_string(p.line) + ":" + std::to_string(p.column);
  };
  CHECK(at(0) == "1:1");
  CHECK(at(2) == "1:3");
  CHECK(at(3) == "2:1");
  CHECK(at(5) == "2:2");
  CHECK(at(8) == "2:3");
  CHECK(at(10) == "3:1");
  CHECK(at(1000) == "3:1");
}

TEST_CASE("utf8: messages hold printable characters only") {
  CHECK(quote("plain \xc3\xa9") == "\"plain \xc3\xa9\"");
  CHECK(quote("a\"b\\c\n\t\r") == "\"a\\\"b\\\\c\\n\\t\\r\"");
  CHECK(quote("\x1b[31m\x7f") == "\"\\x1b[31m\\x7f\"");
  CHECK(quote(std::string_view("\0", 1)) == "\"\\x00\"");
  CHECK(quote("\xff\xe2\x82") == "\"\\xff\\xe2\\x82\"");
  CHECK(quote("\xe2\x80\xae\xc2\x85") == "\"\\u{202e}\\u{85}\"");
  CHECK(quote("abcdef", 3) == "\"abc\"...");
  CHECK(quote("abc", 3) == "\"abc\"");
  CHECK(quote("\xc3\xa9\xc3\xa9\xc3\xa9", 2) == "\"\xc3\xa9\xc3\xa9\"...");
  CHECK(escape_text("C:\\x \"y\"\n") == "C:\\x \"y\"\\n");
}
