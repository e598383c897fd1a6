// SPDX-License-Identifier: MIT

#include "llm/data/json_rows.h"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <optional>

#include "llm/core/error.h"

namespace llm {

RowErrors::RowErrors(int most) : most_(most) {
  if (most < 1) {
    throw UsageError(
        "data",
        "expected --max-errors of at least 1 but received " +
            std::to_string(most) + ".");
  }
}

void RowErrors::add(
    const DataFile& file,
    const TextPosition& at,
    const std::string& reason) {
  lines_.push_back(
      file.name + ":" + std::to_string(at.line) + ":" +
      std::to_string(at.column) + ": " + reason);
  if (static_cast<int>(lines_.size()) >= most_) {
    throw_all();
  }
}

void RowErrors::throw_all() const {
  if (lines_.empty()) {
    return;
  }
  std::string text;
  for (const std::string& line : lines_) {
    text += (text.empty() ? "" : " | ") + line;
  }
  throw InputError("data", text);
}

namespace {

/** Steps through JSON that is known to be right: it only finds ends. */
class Scanner {
 public:
  Scanner(std::string_view text, size_t at) : text_(text), at_(at) {}

  size_t at() const {
    return at_;
  }
  void skip_space() {
    at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size());
  }
  /** The first byte after spaces, 0 at the end. */
  char peek() {
    skip_space();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  void take() {
    ++at_;
  }
  void skip_string() {
    for (++at_; text_[at_] != '"'; ++at_) {
      at_ += text_[at_] == '\\' ? 1 : 0;
    }
    ++at_;
  }
  void skip_value() {
    int depth = 0;
    do {
      const char c = peek();
      if (c == '"') {
        skip_string();
        continue;
      }
      depth += c == '{' || c == '[' ? 1 : c == '}' || c == ']' ? -1 : 0;
      const bool word =
          c != '{' && c != '[' && c != '}' && c != ']' && c != ',' && c != ':';
      at_ = word
          ? std::min(text_.find_first_of(",:]} \t\r\n", at_), text_.size())
          : at_ + 1;
    } while (depth > 0);
  }
  /** Calls f(key, scanner at the value) for each field of an object. */
  void each_field(const std::function<void(const std::string&, size_t)>& f) {
    take(); // {
    while (peek() == '"') {
      const size_t begin = at_;
      skip_string();
      const Json key = Json::parse(text_.substr(begin, at_ - begin));
      peek();
      take(); // :
      skip_space();
      f(key.get<std::string>(), at_);
      skip_value();
      if (peek() == ',') {
        take();
      }
    }
  }

 private:
  std::string_view text_;
  size_t at_;
};

std::string name_of_type(const Json& value) {
  return value.is_array() ? "an array" : "a " + std::string(value.type_name());
}

void add_array(
    const DataFile& file,
    Json& array,
    size_t begin,
    const std::string& split,
    std::vector<JsonRow>& rows,
    RowErrors& errors) {
  Scanner scanner(file.text, begin + 1);
  for (Json& value : array) {
    scanner.skip_space();
    const size_t from = scanner.at();
    scanner.skip_value();
    if (value.is_object()) {
      rows.push_back({std::move(value), from, scanner.at(), split});
    } else {
      errors.add(
          file,
          text_position(file.text, from),
          "expected an object but received " + name_of_type(value) +
              "; write {\"prompt\": ..., \"completion\": ...}.");
    }
    if (scanner.peek() == ',') {
      scanner.take();
    }
  }
}

/** The reason of parse_json's error, without "[where] line:column: ". */
std::string reason_of(const std::string& what) {
  const size_t bracket = what.find("] ");
  return what.substr(what.find(": ", bracket) + 2);
}

/** Parses a part of the file; a mistake in it is noted at its own place. */
std::optional<Json>
parse_part(const DataFile& file, size_t begin, size_t end, RowErrors& errors) {
  const std::string_view text(file.text);
  try {
    return parse_json(text.substr(begin, end - begin), "");
  } catch (const InputError& error) {
    // "[] line:column: reason"; a part begins where a line begins.
    TextPosition at;
    std::sscanf(error.what(), "[] %zu:%zu", &at.line, &at.column);
    at.line += text_position(text, begin).line - 1;
    errors.add(file, at, reason_of(error.what()));
    return std::nullopt;
  }
}

std::vector<JsonRow> json_rows(const DataFile& file, RowErrors& errors) {
  std::vector<JsonRow> rows;
  auto all = parse_part(file, 0, file.text.size(), errors);
  if (!all) {
    return rows;
  }
  Scanner scanner(file.text, 0);
  scanner.skip_space();
  const size_t begin = scanner.at();
  if (all->is_array()) {
    add_array(file, *all, begin, "", rows, errors);
    return rows;
  }
  bool found = false;
  const auto split = [&](const std::string& key, size_t at) {
    const std::string name = key == "valid" ? "validation" : key;
    if (name == "train" || name == "validation" || name == "test") {
      found = true;
      if (!(*all)[key].is_array()) {
        errors.add(
            file,
            text_position(file.text, at),
            key + ": expected an array of objects.");
      } else {
        add_array(file, (*all)[key], at, name, rows, errors);
      }
    }
  };
  if (all->is_object()) {
    scanner.each_field(split);
  }
  if (!found) {
    errors.add(
        file,
        text_position(file.text, begin),
        "expected an array of objects, or an object with the array \"train\" "
        "(and \"validation\", \"test\"), but received " +
            name_of_type(*all) +
            " without; one object a line is JSONL: name "
            "the file *.jsonl.");
  }
  return rows;
}

std::vector<JsonRow> jsonl_rows(const DataFile& file, RowErrors& errors) {
  std::vector<JsonRow> rows;
  const std::string& text = file.text;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const size_t first = text.find_first_not_of(" \t\r", begin);
    const size_t next = end + 1;
    if (end - begin > longest_row) {
      errors.add(
          file,
          text_position(text, begin),
          "expected a line of at most " + std::to_string(longest_row) +
              " bytes but received " + std::to_string(end - begin) +
              "; cut it into several examples.");
    } else if (first < end) {
      auto value = parse_part(file, begin, end, errors);
      if (value && !value->is_object()) {
        errors.add(
            file,
            text_position(text, first),
            "expected an object but received " + name_of_type(*value) +
                "; an array of objects belongs in a file *.json.");
      } else if (value) {
        rows.push_back({std::move(*value), first, end, ""});
      }
    }
    begin = next;
  }
  return rows;
}

} // namespace

std::vector<JsonRow>
read_rows(const DataFile& file, bool is_jsonl, RowErrors& errors) {
  return is_jsonl ? jsonl_rows(file, errors) : json_rows(file, errors);
}

TextPosition field_position(
    const DataFile& file,
    const JsonRow& row,
    std::string_view field) {
  size_t found = row.begin;
  Scanner scanner(file.text, row.begin);
  scanner.each_field([&](const std::string& key, size_t at) {
    found = key == field ? at : found;
  });
  return text_position(file.text, found);
}

} // namespace llm
