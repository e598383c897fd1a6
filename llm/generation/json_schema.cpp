// SPDX-License-Identifier: MIT

#include "llm/generation/json_schema.h"

#include <algorithm>
#include <set>

#include "llm/core/error.h"
#include "llm/core/utf8.h"
#include "llm/generation/json_schema_compiler.h"

namespace llm {

namespace {

// A \u escape is no surrogate, so that every string is valid Unicode.
constexpr const char* common_rules = R"(ws ::= " "? | "\n" " "{0,20}
char ::= [^"\\\x00-\x1F\x7F] | "\\" (["\\/bfnrt] | "u" code)
code ::= [0-9a-cefA-CEF] hex{3} | [dD] [0-7] hex{2}
hex ::= [0-9a-fA-F]
string ::= "\"" char* "\""
integer ::= "-"? ("0" | [1-9] [0-9]{0,15})
number ::= integer ("." [0-9]{1,16})? ([eE] [-+]? [0-9]{1,2})?
boolean ::= "true" | "false"
null ::= "null"
)";

std::string json_text(const Json& value) {
  return value.dump();
}

std::string type_of(const Json& value) {
  return value.is_object()      ? "object"
      : value.is_array()        ? "array"
      : value.is_string()       ? "string"
      : value.is_boolean()      ? "boolean"
      : value.is_null()         ? "null"
      : value.is_number_float() ? "number"
                                : "integer";
}

} // namespace

std::string grammar_literal(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
    }
    out += c; // JSON has no raw line breaks
  }
  return out + "\"";
}

std::string SchemaCompiler::compile() {
  const std::string start = value(root_, "#");
  return "root ::= " + start + "\n" + rules_ + common_rules;
}

void SchemaCompiler::fail(const std::string& path, const std::string& reason)
    const {
  throw InputError(where_, path + ": " + reason + "; correct the schema.");
}

std::string SchemaCompiler::add_rule(const std::string& body) {
  const std::string name = "r" + std::to_string(++count_);
  rules_ += name + " ::= " + body + "\n";
  return name;
}

void SchemaCompiler::check_keywords(
    const Json& schema,
    const std::string& path,
    std::set<std::string> known) const {
  static const std::set<std::string> notes = {
      "title",
      "description",
      "default",
      "examples",
      "$schema",
      "$id",
      "$comment",
      "$defs",
      "definitions",
      "deprecated",
      "readOnly",
      "writeOnly",
      "format"};
  for (const auto& [key, unused] : schema.items()) {
    if (!known.contains(key) && !notes.contains(key)) {
      fail(path, "the keyword " + quote(key) + " is not supported here");
    }
  }
}

std::string SchemaCompiler::value(const Json& schema, const std::string& path) {
  if (schema.is_boolean() && schema.get<bool>()) {
    return any(deepest_any);
  }
  if (!schema.is_object()) {
    fail(path, "expected a schema, an object or true");
  }
  if (schema.contains("$ref")) {
    check_keywords(schema, path, {"$ref"});
    return reference(schema["$ref"], path);
  }
  if (schema.contains("enum") || schema.contains("const")) {
    return constants(schema, path);
  }
  if (schema.contains("anyOf")) {
    check_keywords(schema, path, {"anyOf"});
    return one_of(
        schema["anyOf"], path + "/anyOf", [&](const Json& s, const auto& p) {
          return value(s, p);
        });
  }
  if (!schema.contains("type")) {
    if (schema.contains("properties")) {
      return object(schema, path);
    }
    check_keywords(schema, path, {});
    return any(deepest_any);
  }
  const Json& type = schema["type"];
  if (!type.is_array()) {
    return typed(schema, type, path);
  }
  return one_of(type, path + "/type", [&](const Json& t, const auto&) {
    return typed(schema, t, path, true);
  });
}

std::string SchemaCompiler::one_of(
    const Json& list,
    const std::string& path,
    const Each& each) {
  if (!list.is_array() || list.empty()) {
    fail(path, "expected a list with at least one entry");
  }
  std::string out;
  for (size_t i = 0; i < list.size(); ++i) {
    out += (i > 0 ? " | " : "") + each(list[i], path + "/" + std::to_string(i));
  }
  return add_rule(out);
}

std::string SchemaCompiler::typed(
    const Json& schema,
    const Json& type,
    const std::string& path,
    bool shared) {
  const std::string name = type.is_string() ? type.get<std::string>() : "";
  if (shared) {
    check_keywords(
        schema,
        path,
        {"type",
         "properties",
         "required",
         "additionalProperties",
         "items",
         "minItems",
         "maxItems",
         "minLength",
         "maxLength"});
  }
  if (name == "object") {
    return object(schema, path, shared);
  }
  if (name == "array") {
    return array(schema, path, shared);
  }
  if (name == "string") {
    return string(schema, path, shared);
  }
  static const std::set<std::string> plain = {
      "integer", "number", "boolean", "null"};
  if (!plain.contains(name)) {
    fail(
        path,
        "expected a type of object, array, string, integer, number, boolean "
        "or null but received " +
            quote(json_text(type)));
  }
  if (!shared) {
    check_keywords(schema, path, {"type"});
  }
  return name;
}

std::string SchemaCompiler::constants(
    const Json& schema,
    const std::string& path) {
  check_keywords(schema, path, {"type", "enum", "const"});
  Json values = schema.contains("const") ? Json::array({schema["const"]})
                                         : schema["enum"];
  const auto fits = [&](const Json& v) {
    const std::string own = type_of(v);
    const Json type = schema.value("type", Json(own));
    const Json types = type.is_array() ? type : Json::array({type});
    return std::any_of(types.begin(), types.end(), [&](const Json& t) {
      return t == own || (t == "number" && own == "integer");
    });
  };
  std::string out;
  for (const Json& v : values) {
    if (fits(v)) {
      out += (out.empty() ? "" : " | ") + grammar_literal(json_text(v));
    }
  }
  if (!values.is_array() || out.empty()) {
    fail(path, "expected an enum with at least one value of its type");
  }
  return add_rule(out);
}

std::string SchemaCompiler::reference(
    const Json& target,
    const std::string& path) {
  const std::string text = target.is_string() ? target.get<std::string>() : "";
  if (const auto it = references_.find(text); it != references_.end()) {
    return it->second;
  }
  const Json* schema = nullptr;
  try {
    const Json::json_pointer pointer(text.empty() ? "-" : text.substr(1));
    if (text[0] == '#' && root_.contains(pointer)) {
      schema = &root_[pointer];
    }
  } catch (const Json::exception&) { // no pointer: reported below
  }
  if (schema == nullptr) {
    fail(
        path,
        "expected $ref to a place in this file such as #/$defs/name but "
        "received " +
            quote(json_text(target)));
  }
  const std::string name = "ref" + std::to_string(++count_);
  references_[text] = name; // before its content: it may refer to itself
  const std::string content = value(*schema, text);
  rules_ += name + " ::= " + content + "\n";
  return name;
}

std::string json_schema_grammar(const Json& schema, std::string_view where) {
  return SchemaCompiler(schema, where).compile();
}

} // namespace llm
