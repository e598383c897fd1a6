// SPDX-License-Identifier: MIT
//
// A value inside a JSON file together with the path that leads to it, so that
// every error names the place: "[tokenizer.json] model.merges[12]: ...".

#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "llm/core/json.h"

namespace llm {

class JsonNode {
 public:
  /** `where` names the file; `value` must outlive the node. */
  JsonNode(const Json& value, std::string where);

  /** Throws InputError "[where] path: message". */
  [[noreturn]] void fail(std::string_view message) const;

  /** The member `key`; null when the object does not have it. */
  JsonNode operator[](const char* key) const;
  JsonNode at(size_t index) const;
  /** The member `key` when `value` is at hand (no search). */
  JsonNode child(const std::string& key, const Json& value) const;

  bool is_null() const {
    return value_->is_null();
  }
  const Json& value() const {
    return *value_;
  }

  // Each throws when the value has another type (or is out of range).
  const Json::object_t& object() const;
  size_t array_size() const;
  const std::string& text() const;
  bool flag() const;
  int64_t integer(int64_t min, int64_t max) const;

  /** Throws unless the value is null (or absent). */
  void expect_null() const;
  /** Throws unless the value is `expected`. */
  void expect(bool expected) const;
  void expect(const char* expected) const;
  /** Throws when the object has a key that is not in `keys`. */
  void expect_keys(std::initializer_list<const char*> keys) const;

 private:
  JsonNode(const Json& value, const std::string& where, std::string path);
  [[noreturn]] void fail_type(std::string_view expected) const;

  const Json* value_;
  std::string where_;
  std::string path_;
};

} // namespace llm
