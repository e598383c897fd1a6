// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "llm/core/error.h"
#include "llm/core/json.h"
#include "temporary_folder.h"

using namespace llm;
using llm::test::message_of;

namespace {

std::string parse_error(std::string_view text) {
  return message_of<InputError>([&] { parse_json(text, "x.json"); });
}

bool begins(const std::string& text, const std::string& start) {
  return text.rfind(start, 0) == 0;
}

} // namespace

TEST_CASE("json: parses every kind of value and keeps the order of keys") {
  const std::string text =
      R"({"z":[1,-2,3.5,true,null],"a":{"é":"\u00e9\ud83d\ude00\n"},"m":{}})";
  const Json json = parse_json(text, "x");
  CHECK(
      json.dump() == R"({"z":[1,-2,3.5,true,null],"a":{"é":"é😀\n"},"m":{}})");
  CHECK(parse_json(" 1 ", "x") == Json(1));
  CHECK(parse_json("\"\"", "x") == Json(""));
  CHECK(parse_json("18446744073709551615", "x").get<uint64_t>() == UINT64_MAX);
}

TEST_CASE("json: agrees with the library's own parser") {
  const std::string text =
      R"([{"a":[[],{}],"b":-0.5e-3},"x",[1,[2,[3,{"c":[null]}]]],false])";
  CHECK(parse_json(text, "x") == Json::parse(text));
}

TEST_CASE("json: duplicate keys are refused where they are") {
  CHECK(
      parse_error("{\"a\":1,\n \"b\":2, \"a\":3}") ==
      "[x.json] 2:9: expected each key once but received \"a\" twice; remove "
      "one of the two.");
  // The place is that of the key also when it holds escaped quotes.
  CHECK(begins(parse_error(R"({"\"":1,"\"":2})"), "[x.json] 1:9: "));
  CHECK(begins(parse_error(R"({"\\":1,"\\":2})"), "[x.json] 1:9: "));
  CHECK(begins(parse_error(R"({"a":1,"\u0061":2})"), "[x.json] 1:8: "));
  CHECK(begins(parse_error(R"([{"k":{"a":1,"a":2}}])"), "[x.json] 1:14: "));
  parse_json(R"([{"a":1},{"a":{"a":2}}])", "x"); // other objects: fine
}

TEST_CASE("json: depth is limited to 64") {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  CHECK_NOTHROW(parse_json(nested(64), "x"));
  CHECK(begins(
      parse_error(nested(65)),
      "[x.json] 1:65: expected at most 64 levels of nesting"));
  CHECK_THROWS_AS(parse_json(std::string(100'000, '['), "x"), InputError);
  std::string objects;
  for (int i = 0; i < 100'000; ++i) {
    objects += "{\"a\":";
  }
  CHECK_THROWS_AS(parse_json(objects, "x"), InputError);
}

TEST_CASE("json: what is no JSON is refused with line and column") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "1:1: "},
      {"   ", "1:4: "},
      {"{\"a\":NaN}", "1:6: "},
      {"[Infinity]", "1:2: "},
      {"[-Infinity]", "1:3: "},
      {"[1e999]", "1:"},
      {"{} x", "1:4: "},
      {"{}{}", "1:3: "},
      {"[1,]", "1:4: "},
      {"{\"a\":1,}", "1:8: "},
      {"{a:1}", "1:2: "},
      {"[01]", "1:3: "},
      {"[+1]", "1:2: "},
      {"[.5]", "1:2: "},
      {"['a']", "1:2: "},
      {"[1] // c", "1:5: "},
      {"\"a\nb\"", "1:3: "},
      {"[1,\n2,\nx]", "3:1: "},
      {"[\"\xff\"]", "1:3: expected UTF-8 text but received invalid start"},
      {"[\"\xed\xa0\x80\"]", "1:3: expected UTF-8 text"},
      {"\xef\xbb\xbf{}", "1:1: expected JSON but received a byte order mark"},
      {R"(["\ud800"])", "1:"},
      {R"(["\udc00"])", "1:"},
      {R"(["\ud800\u0061"])", "1:"},
      {R"(["\x41"])", "1:4: "},
      {std::string("{}\0x", 4), "1:3: expected JSON but received a NUL byte"},
      {std::string("\"\0\"", 3), "1:2: "},
      {"[", "1:2: "},
      {"tru", "1:4: "}};
  for (const auto& [text, start] : cases) {
    CAPTURE(text);
    const std::string message = parse_error(text);
    CAPTURE(message);
    CHECK(begins(message, "[x.json] " + start));
    CHECK(message.find('\n') == std::string::npos);
    CHECK(message.size() < 350);
  }
}

TEST_CASE("json: a large vocabulary is read in linear time") {
  // 100,000 keys: quadratic insertion would need 5 * 10^9 comparisons.
  std::string text = "{";
  for (int i = 0; i < 100'000; ++i) {
    text += (i == 0 ? "\"t" : ",\"t") + std::to_string(i) +
        "\":" + std::to_string(i);
  }
  const Json json = parse_json(text + "}", "x");
  CHECK(json.size() == 100'000);
  CHECK(json["t99999"] == 99'999);
}

TEST_CASE("json: typed access") {
  const Json json = parse_json(
      R"({"b":true,"i":-5,"u":3000000000,"f":0.5,"s":"x","n":null,"big":1e300,
          "three":3.0,"huge":18446744073709551615,"o":{}})",
      "x");
  CHECK(json_get<bool>(json, "b", "w"));
  CHECK(json_get<int>(json, "i", "w") == -5);
  CHECK(json_get<int64_t>(json, "u", "w") == 3'000'000'000);
  CHECK(json_get<uint32_t>(json, "u", "w") == 3'000'000'000u);
  CHECK(json_get<size_t>(json, "huge", "w") == UINT64_MAX);
  CHECK(json_get<double>(json, "f", "w") == 0.5);
  CHECK(json_get<float>(json, "i", "w") == -5.0f);
  CHECK(json_get<std::string>(json, "s", "w") == "x");
  CHECK(json_get_or(json, "i", 7, "w") == -5);
  CHECK(json_get_or(json, "absent", 7, "w") == 7);
  CHECK(json_get_or(json, "n", 7, "w") == 7);
  CHECK(json_get_or(json, "absent", "text", "w") == "text");
  CHECK(json_get_or(json, "s", "text", "w") == "x");
  CHECK(json_get_or(json, "f", 1.0f, "w") == 0.5f);
  CHECK_THROWS_AS(json_get<int>(json, "u", "w"), InputError);
  CHECK_THROWS_AS(json_get<int>(json, "three", "w"), InputError);
  CHECK_THROWS_AS(json_get<int>(json, "b", "w"), InputError);
  CHECK_THROWS_AS(json_get<int>(json, "n", "w"), InputError);
  CHECK_THROWS_AS(json_get<int64_t>(json, "huge", "w"), InputError);
  CHECK_THROWS_AS(json_get<unsigned>(json, "i", "w"), InputError);
  CHECK_THROWS_AS(json_get<bool>(json, "i", "w"), InputError);
  CHECK_THROWS_AS(json_get<float>(json, "big", "w"), InputError);
  CHECK_THROWS_AS(json_get<double>(json, "s", "w"), InputError);
  CHECK_THROWS_AS(json_get<std::string>(json, "i", "w"), InputError);
  CHECK_THROWS_AS(json_get_or(json, "s", 7, "w"), InputError);
}

TEST_CASE("json: messages of typed access") {
  const Json json = parse_json(R"({"n_layer":"six","f":2.5})", "x");
  CHECK(
      message_of<InputError>(
          [&] { json_get<int>(json, "n_layer", "m/config.json"); }) ==
      "[m/config.json] expected an integer from -2147483648 to 2147483647 for "
      "\"n_layer\" but received \"six\"; correct the value.");
  CHECK(
      message_of<InputError>([&] { json_get<uint8_t>(json, "f", "c"); }) ==
      "[c] expected an integer from 0 to 255 for \"f\" but received 2.5; "
      "correct the value.");
  CHECK(
      message_of<InputError>([&] { json_get<double>(json, "lr", "c"); }) ==
      "[c] expected a number for \"lr\" but the key is missing; add it.");
  CHECK(
      message_of<InputError>([&] { json_get<int>(Json::array(), "a", "c"); }) ==
      "[c] expected an object with the key \"a\" but received array; correct "
      "the file.");
}

TEST_CASE("json: files") {
  test::TemporaryFolder folder;
  test::put(folder / "a.json", "{\"a\": 1}\n");
  test::put(folder / "b.json", "{\n\"a\": x}");
  CHECK(json_get<int>(read_json_file(folder / "a.json"), "a", "x") == 1);
  const std::string message =
      message_of<InputError>([&] { read_json_file(folder / "b.json"); });
  CHECK(begins(message, "[" + (folder / "b.json").string() + "] 2:6: "));
  CHECK_THROWS_AS(read_json_file(folder / "none.json"), InputError);
}
