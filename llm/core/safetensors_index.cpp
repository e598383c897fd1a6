// SPDX-License-Identifier: MIT

#include "llm/core/safetensors_index.h"

#include <algorithm>
#include <vector>

#include "llm/core/error.h"
#include "llm/core/files.h"
#include "llm/core/json.h"
#include "llm/core/utf8.h"

namespace llm {

namespace {

constexpr uint64_t max_index_bytes = uint64_t{1} << 28;
constexpr size_t max_values = 1'000'000;

bool is_plain_name(std::string_view name) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
        (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  };
  return name.ends_with(".safetensors") && name.size() <= 255 &&
      name[0] != '.' && std::all_of(name.begin(), name.end(), is_plain);
}

/** " missing \"a\", \"b\" and 5 more;", or "" for no names. */
std::string listed(
    std::string_view what,
    const std::vector<std::string_view>& names) {
  if (names.empty()) {
    return "";
  }
  std::string text = " " + std::string(what) + " ";
  const size_t shown = std::min<size_t>(names.size(), 10);
  for (size_t i = 0; i < shown; ++i) {
    text += (i == 0 ? "" : ", ") + quote(names[i]);
  }
  if (shown < names.size()) {
    text += " and " + std::to_string(names.size() - shown) + " more";
  }
  return text + ";";
}

} // namespace

SafetensorsIndex read_safetensors_index(const std::filesystem::path& path) {
  const std::string where = path.string();
  const Json json =
      parse_json(read_file(path, max_index_bytes), where, max_values);
  const Json* map = nullptr;
  if (json.is_object() && json.contains("weight_map")) {
    map = &json["weight_map"];
  }
  if (map == nullptr || !map->is_object() || map->empty()) {
    throw InputError(
        where,
        "expected an object with tensors as \"weight_map\" but found none; "
        "copy the model again.");
  }
  SafetensorsIndex index;
  for (const auto& [name, file] : map->items()) {
    if (!file.is_string() || !is_plain_name(file.get<std::string>())) {
      throw InputError(
          where,
          "expected the name of a .safetensors file in the same folder for "
          "tensor " +
              quote(name) + " but received " + quote(file.dump()) +
              "; take the model from a source that you trust.");
    }
    index[file.get<std::string>()].insert(name);
  }
  return index;
}

void check_safetensors_part(
    const SafetensorsHeader& part,
    const std::set<std::string>& names,
    std::string_view where) {
  std::vector<std::string_view> missing;
  std::vector<std::string_view> unexpected;
  for (const std::string& name : names) {
    if (!part.tensors.contains(name)) {
      missing.push_back(name);
    }
  }
  for (const auto& [name, info] : part.tensors) {
    if (!names.contains(name)) {
      unexpected.push_back(name);
    }
  }
  if (missing.empty() && unexpected.empty()) {
    return;
  }
  throw InputError(
      where,
      "the file does not fit the index:" + listed("missing", missing) +
          listed("unexpected", unexpected) + " copy both from the same model.");
}

} // namespace llm
