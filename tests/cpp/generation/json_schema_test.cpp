// SPDX-License-Identifier: MIT
//
// Schemas as grammars: texts that must and must not fit, random texts that must
// be JSON, and what is said of schemas that are not supported. (Python checks
// outputs against random schemas: tests/python/test_generate_json.py.)

#include "llm/generation/json_schema.h"

#include <doctest/doctest.h>

#include "llm/core/error.h"
#include "llm/core/random.h"
#include "llm/generation/grammar_states.h"

using llm::GrammarStates;
using llm::Json;

namespace {

GrammarStates states_of(const char* schema) {
  return GrammarStates(
      llm::parse_output_grammar(llm::json_schema_grammar(Json::parse(schema))));
}

void check_fits(
    const char* schema,
    std::initializer_list<const char*> good,
    std::initializer_list<const char*> bad) {
  CAPTURE(schema);
  GrammarStates states = states_of(schema);
  const auto fits = [&](std::string_view text) {
    auto state = states.start();
    for (unsigned char byte : text) {
      state = states.next(state, byte);
    }
    return states.may_end(state);
  };
  for (const char* text : good) {
    CAPTURE(text);
    CHECK(fits(text));
  }
  for (const char* text : bad) {
    CAPTURE(text);
    CHECK_FALSE(fits(text));
  }
}

void check_refused(const char* schema, const char* reason) {
  CAPTURE(schema);
  CHECK_THROWS_WITH_AS(
      llm::json_schema_grammar(Json::parse(schema), "s.json"),
      doctest::Contains(reason),
      llm::InputError);
}

} // namespace

TEST_CASE("json schema: scalars") {
  check_fits(
      R"({"type": "integer"})",
      {"0", "-7", "123"},
      {"", "01", "1.5", "+1", "\"1\""});
  check_fits(
      R"({"type": "number"})",
      {"0", "-1.25", "3e-7", "0.5E+10"},
      {".5", "1.", "1e", "NaN"});
  check_fits(R"({"type": ["boolean", "null"]})", {"true", "null"}, {"0"});
  check_fits(
      R"({"type": "string", "minLength": 2, "maxLength": 3})",
      {R"("ab")", R"("a世🙂")", R"("\n\u00e9")"},
      {R"("a")", R"("abcd")", R"("a)", "\"a\nb\"", R"("\ud800x")", "ab"});
  check_fits(
      R"({"enum": ["a\"b", 1, null, {"x": [2]}]})",
      {R"("a\"b")", "1", "null", R"({"x":[2]})"},
      {"2", "\"a"});
  check_fits(R"({"const": "é"})", {"\"é\""}, {"\"e\""});
  check_fits(R"({"type": "string", "enum": ["a", 1]})", {"\"a\""}, {"1"});
}

TEST_CASE("json schema: arrays and objects") {
  check_fits(
      R"({"type": "array", "items": {"type": "integer"},
          "minItems": 1, "maxItems": 3})",
      {"[1]", "[1, 2]", "[ 1,2,3 ]", "[\n  1,\n  2\n]"},
      {"[]", "[1,2,3,4]", "[1,]", "[,1]"});
  check_fits(R"({"type": "array", "maxItems": 0})", {"[]", "[ ]"}, {"[1]"});
  const char* const person = R"({
    "type": "object", "additionalProperties": false, "required": ["b"],
    "properties": {"a": {"type": "null"}, "b": {"type": "integer"},
                   "c": {"type": "boolean"}}})";
  check_fits(
      person,
      {R"({"b": 1})",
       R"({"a":null,"b":1})",
       R"({"b":1, "c":true})",
       R"({"a": null, "b": 2, "c": false})",
       "{\n    \"b\": 1\n}"},
      {"{}",
       R"({"a":null})",
       R"({"b":1,})",
       R"({,"b":1})",
       R"({"b":1,"d":2})",
       R"({"b":1,"a":null})",
       R"({"b":1 "c":true})"});
  check_fits(R"({"type": "object", "properties": {"a": {}}})", {"{}"}, {"{,}"});
  check_fits(
      R"({"type": "object", "additionalProperties": {"type": "integer"}})",
      {"{}", R"({"x": 1, "y": 2})"},
      {R"({"x": "1"})"});
  check_fits(
      R"({"anyOf": [{"type": "integer"}, {"type": "array"}]})",
      {"1", R"([[], {"a": [null]}])"},
      {R"("1")"});
  check_fits("true", {"1", R"({"a":{"b":[1,"x"]}})"}, {"", "{", "[1"});
  check_fits(
      R"({"$ref": "#/$defs/node", "$defs": {"node": {"type": "object",
          "required": ["next"], "properties": {"next": {"anyOf":
          [{"type": "null"}, {"$ref": "#/$defs/node"}]}}}}})",
      {R"({"next": null})", R"({"next":{"next":{"next":null}}})"},
      {R"({"next":{}})"});
}

TEST_CASE("json schema: whatever is written is JSON") {
  GrammarStates states = states_of("{}");
  llm::Random random(5);
  int whole = 0;
  for (int i = 0; i < 300; ++i) {
    auto state = states.start();
    std::string text;
    while (text.size() < 400 && states.may_go_on(state) &&
           !(states.may_end(state) && random.below(3) == 0)) {
      const auto byte = static_cast<uint8_t>(
          random.below(3) == 0 ? "\"[]{},:1\\"[random.below(9)]
                               : random.below(256));
      const auto after = states.next(state, byte);
      if (after != GrammarStates::dead) {
        state = after;
        text += static_cast<char>(byte);
      }
    }
    if (states.may_end(state)) {
      ++whole;
      CAPTURE(text);
      CHECK(Json::accept(text));
    }
  }
  CHECK(whole > 150);
}

TEST_CASE("json schema: says what it does not support, and where") {
  check_refused("3", "[s.json] #: expected a schema, an object or true");
  check_refused(
      R"({"type": "integer", "minimum": 3})",
      "#: the keyword \"minimum\" is not supported here");
  check_refused(
      R"({"type": "object", "properties": {"a": {"type": "text"}}})",
      "#/properties/a: expected a type of object, array");
  check_refused(
      R"({"type": "array", "items": {"allOf": []}})",
      "#/items: the keyword \"allOf\"");
  check_refused(
      R"({"type": "array", "minItems": 3, "maxItems": 2})",
      "#: expected minItems of at most maxItems");
  check_refused(
      R"({"type": "string", "maxLength": -1})",
      "#: expected maxLength from 0 to 65535 but received -1");
  check_refused(R"({"enum": []})", "#: expected an enum with at least one");
  check_refused(R"({"$ref": "other.json#/x"})", "#: expected $ref to a place");
  check_refused(R"({"$ref": "#/$defs/none"})", "#/$defs/none");
  check_refused(R"({"anyOf": 3})", "#/anyOf: expected a list");
  check_refused(
      R"({"type": "object", "required": ["x"], "additionalProperties": false})",
      "#/required: the property \"x\" is required but not allowed");
  CHECK_THROWS_AS( // an object that must contain itself
      states_of(R"({"type": "object", "required": ["a"],
                    "properties": {"a": {"$ref": "#"}}})"),
      llm::InputError);
}
