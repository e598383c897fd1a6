// SPDX-License-Identifier: MIT
//
// Strings, arrays and objects of a schema, and values of any kind.

#include <algorithm>
#include <vector>

#include "llm/core/error.h"
#include "llm/core/utf8.h"
#include "llm/generation/json_schema_compiler.h"
#include "llm/generation/output_grammar_builder.h"

namespace llm {

int SchemaCompiler::bound(
    const Json& schema,
    const char* key,
    int fallback,
    const std::string& path) const {
  const int n = json_get_or<int>(schema, key, fallback, where_ + " " + path);
  if (n < 0 || n > most_repetitions) {
    fail(
        path,
        std::string("expected ") + key + " from 0 to " +
            std::to_string(most_repetitions) + " but received " +
            std::to_string(n));
  }
  return n;
}

std::pair<int, std::optional<int>> SchemaCompiler::bounds(
    const Json& schema,
    const char* min,
    const char* max,
    const std::string& path) const {
  const int least = bound(schema, min, 0, path);
  std::optional<int> most;
  if (schema.contains(max)) {
    most = bound(schema, max, 0, path);
    if (*most < least) {
      fail(path, std::string("expected ") + min + " of at most " + max);
    }
  }
  return {least, most};
}

std::string SchemaCompiler::braces(int least, std::optional<int> most) {
  return "{" + std::to_string(least) + "," +
      (most ? std::to_string(*most) : "") + "}";
}

std::string SchemaCompiler::string(
    const Json& schema,
    const std::string& path,
    bool shared) {
  if (!shared) {
    check_keywords(schema, path, {"type", "minLength", "maxLength"});
  }
  const auto [least, most] = bounds(schema, "minLength", "maxLength", path);
  return least == 0 && !most
      ? "string"
      : add_rule("\"\\\"\" char" + braces(least, most) + " \"\\\"\"");
}

std::string SchemaCompiler::array(
    const Json& schema,
    const std::string& path,
    bool shared) {
  if (!shared) {
    check_keywords(schema, path, {"type", "items", "minItems", "maxItems"});
  }
  const auto [least, most] = bounds(schema, "minItems", "maxItems", path);
  if (most == 0) {
    return add_rule("\"[\" ws \"]\"");
  }
  const std::string item = schema.contains("items")
      ? value(schema["items"], path + "/items")
      : any(deepest_any - 1);
  const std::optional<int> more =
      most ? std::optional(*most - 1) : std::nullopt;
  const std::string some = item + " (ws \",\" ws " + item + ")" +
      braces(std::max(0, least - 1), more);
  return add_rule(
      "\"[\" ws " + (least > 0 ? some : "(" + some + ")?") + " ws \"]\"");
}

std::string SchemaCompiler::object(
    const Json& schema,
    const std::string& path,
    bool shared) {
  if (!shared) {
    check_keywords(
        schema,
        path,
        {"type", "properties", "required", "additionalProperties"});
  }
  const Json more = schema.value("additionalProperties", Json(true));
  Json properties = schema.value("properties", Json::object());
  const Json required = schema.value("required", Json::array());
  if (!properties.is_object() || !required.is_array()) {
    fail(path, "expected properties to be an object and required a list");
  }
  for (const Json& name : required) {
    if (!name.is_string()) {
      fail(path + "/required", "expected names");
    }
    if (!properties.contains(name.get<std::string>())) {
      if (more == false) {
        fail(
            path + "/required",
            "the property " + quote(name.get<std::string>()) +
                " is required but not allowed");
      }
      properties[name.get<std::string>()] = more;
    }
  }
  if (properties.empty()) {
    return more == false
        ? add_rule("\"{\" ws \"}\"")
        : map_of(
              more == true ? any(deepest_any - 1)
                           : value(more, path + "/additionalProperties"));
  }
  return listed(properties, required, path);
}

std::string SchemaCompiler::map_of(const std::string& item) {
  const std::string pair = "string ws \":\" ws " + item;
  return add_rule(
      "\"{\" ws (" + pair + " (ws \",\" ws " + pair + ")*)? ws \"}\"");
}

std::string SchemaCompiler::listed(
    const Json& properties,
    const Json& required,
    const std::string& path) {
  std::string first = "\"\"", rest = "\"\"";
  std::vector<std::pair<std::string, const Json*>> all;
  for (const auto& [name, schema] : properties.items()) {
    all.emplace_back(name, &schema);
  }
  for (size_t i = all.size(); i-- > 0;) {
    const auto& [name, schema] = all[i];
    const std::string pair = add_rule(
        grammar_literal(Json(name).dump()) + " ws \":\" ws " +
        value(*schema, path + "/properties/" + name));
    const bool needed =
        std::find(required.begin(), required.end(), name) != required.end();
    const std::string with = pair + " " + rest;
    const std::string comma = "ws \",\" ws " + with;
    first = add_rule(needed ? with : with + " | " + first);
    rest = add_rule(needed ? comma : comma + " | " + rest);
  }
  return add_rule("\"{\" ws " + first + " ws \"}\"");
}

std::string SchemaCompiler::any(int depth) {
  std::string name = "any" + std::to_string(depth);
  if (any_.insert(depth).second) {
    std::string body = "string | number | boolean | null";
    if (depth > 0) {
      const std::string item = any(depth - 1);
      body += " | " + map_of(item) + " | \"[\" ws (" + item + " (ws \",\" ws " +
          item + ")*)? ws \"]\"";
    }
    rules_ += name + " ::= " + body + "\n";
  }
  return name;
}

} // namespace llm
