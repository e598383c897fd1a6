// SPDX-License-Identifier: MIT
//
// Turns a schema into the rules of a grammar, one for each place that needs
// one; strings are pieces of a rule: the name of another rule or a literal.
// Internal to json_schema.

#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "llm/core/json.h"

namespace llm {

inline constexpr int deepest_any = 8; // levels of a value of any kind

/** A text as a literal of the grammar. */
std::string grammar_literal(std::string_view text);

class SchemaCompiler {
 public:
  SchemaCompiler(const Json& root, std::string_view where)
      : root_(root), where_(where) {}

  /** The whole grammar. */
  std::string compile();

 private:
  /// (entry of a list, its path) -> what matches it
  using Each = std::function<std::string(const Json&, const std::string&)>;

  [[noreturn]] void fail(const std::string& path, const std::string& reason)
      const;
  std::string add_rule(const std::string& body);

  // Only keywords that are understood, beside those that only describe.
  void check_keywords(
      const Json& schema,
      const std::string& path,
      std::set<std::string> known) const;

  // What matches the schema: the name of a rule or a literal.
  std::string value(const Json& schema, const std::string& path);
  std::string
  one_of(const Json& list, const std::string& path, const Each& each);

  // `shared`: the keywords of other types may stand beside.
  std::string typed(
      const Json& schema,
      const Json& type,
      const std::string& path,
      bool shared = false);
  std::string constants(const Json& schema, const std::string& path);
  std::string reference(const Json& target, const std::string& path);
  int bound(
      const Json& schema,
      const char* key,
      int fallback,
      const std::string& path) const;

  // {least,most} of two keywords; most is empty when there is no bound.
  std::pair<int, std::optional<int>> bounds(
      const Json& schema,
      const char* min,
      const char* max,
      const std::string& path) const;
  static std::string braces(int least, std::optional<int> most);
  std::string string(const Json& schema, const std::string& path, bool shared);
  std::string array(const Json& schema, const std::string& path, bool shared);
  std::string
  object(const Json& schema, const std::string& path, bool shared = false);
  std::string map_of(const std::string& item);

  // From the last property to the first: `rest` is what may follow when one
  // was written before (a comma is needed), `first` when none was.
  std::string
  listed(const Json& properties, const Json& required, const std::string& path);

  // Any JSON value with at most `depth` arrays and objects inside each other.
  std::string any(int depth);

  const Json& root_;
  std::string where_;
  std::string rules_;
  int count_ = 0;
  std::map<std::string, std::string> references_;
  std::set<int> any_;
};

} // namespace llm
