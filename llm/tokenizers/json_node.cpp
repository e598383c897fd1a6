// SPDX-License-Identifier: MIT

#include "llm/tokenizers/json_node.h"

#include <algorithm>

#include "llm/core/error.h"
#include "llm/core/utf8.h"

namespace llm {
namespace {

const Json null_value;

/// The value for a message, short.
std::string shown(const Json& value) {
  if (value.is_string()) {
    return quote(value.get_ref<const std::string&>());
  }
  if (value.is_structured()) {
    return value.is_array() ? "a list" : "an object";
  }
  return value.dump();
}

} // namespace

JsonNode::JsonNode(const Json& value, std::string where)
    : value_(&value), where_(std::move(where)) {}

JsonNode::JsonNode(
    const Json& value,
    const std::string& where,
    std::string path)
    : value_(&value), where_(where), path_(std::move(path)) {}

void JsonNode::fail(std::string_view message) const {
  const std::string path = path_.empty() ? "the file" : path_;
  throw InputError(where_, path + ": " + std::string(message));
}

void JsonNode::fail_type(std::string_view expected) const {
  fail(
      "expected " + std::string(expected) + " but received " + shown(*value_) +
      "; correct the file.");
}

JsonNode JsonNode::operator[](const char* key) const {
  const auto& members = object();
  const auto member =
      std::find_if(members.begin(), members.end(), [&](const auto& m) {
        return m.first == key;
      });
  const std::string path = path_.empty() ? key : path_ + "." + key;
  return {member == members.end() ? null_value : member->second, where_, path};
}

JsonNode JsonNode::at(size_t index) const {
  const std::string path = path_ + "[" + std::to_string(index) + "]";
  if (index >= array_size()) {
    fail("expected more than " + std::to_string(index) + " entries.");
  }
  return {(*value_)[index], where_, path};
}

JsonNode JsonNode::child(const std::string& key, const Json& value) const {
  return {value, where_, path_ + "[" + quote(key) + "]"};
}

const Json::object_t& JsonNode::object() const {
  if (!value_->is_object()) {
    fail_type("an object");
  }
  return value_->get_ref<const Json::object_t&>();
}

size_t JsonNode::array_size() const {
  if (!value_->is_array()) {
    fail_type("a list");
  }
  return value_->size();
}

const std::string& JsonNode::text() const {
  if (!value_->is_string()) {
    fail_type("a string");
  }
  return value_->get_ref<const std::string&>();
}

bool JsonNode::flag() const {
  if (!value_->is_boolean()) {
    fail_type("true or false");
  }
  return value_->get<bool>();
}

int64_t JsonNode::integer(int64_t min, int64_t max) const {
  const bool fits = value_->is_number_integer() &&
      !(value_->is_number_unsigned() &&
        value_->get<uint64_t>() > static_cast<uint64_t>(INT64_MAX));
  if (!fits || value_->get<int64_t>() < min || value_->get<int64_t>() > max) {
    fail_type(
        "an integer from " + std::to_string(min) + " to " +
        std::to_string(max));
  }
  return value_->get<int64_t>();
}

void JsonNode::expect_null() const {
  if (!is_null()) {
    fail(
        "expected null but received " + shown(*value_) +
        ", which is not supported; use a tokenizer without it.");
  }
}

void JsonNode::expect(bool expected) const {
  if (flag() != expected) {
    fail(
        "expected " + std::string(expected ? "true" : "false") +
        " but received " + shown(*value_) +
        ", which is not supported; use a tokenizer without it.");
  }
}

void JsonNode::expect(const char* expected) const {
  if (text() != expected) {
    fail(
        "expected " + quote(expected) + " but received " + shown(*value_) +
        ", which is not supported; use a tokenizer without it.");
  }
}

void JsonNode::expect_keys(std::initializer_list<const char*> keys) const {
  for (const auto& [key, value] : object()) {
    const bool known =
        std::any_of(keys.begin(), keys.end(), [&k = key](const char* known) {
          return k == known;
        });
    if (!known) {
      fail("the key " + quote(key) + " is not supported; remove it.");
    }
  }
}

} // namespace llm
