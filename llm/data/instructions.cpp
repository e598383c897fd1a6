// SPDX-License-Identifier: MIT

#include "llm/data/instructions.h"

#include "llm/core/error.h"
#include "llm/core/files.h"
#include "llm/core/sha256.h"
#include "llm/data/json_rows.h"

namespace llm {

namespace fs = std::filesystem;

namespace {

/** Reads the fields of one row; what is wrong is noted at its place. */
class RowReader {
 public:
  RowReader(const DataFile& file, const JsonRow& row, RowErrors& errors)
      : file_(file), row_(row), errors_(errors) {}

  bool has(const char* field) const {
    return row_.value.contains(field);
  }
  bool good() const {
    return good_;
  }

  void refuse(const std::string& field, const std::string& reason) {
    good_ = false;
    errors_.add(
        file_, field_position(file_, row_, field), field + ": " + reason);
  }

  /** A text that is not empty. */
  std::string text(const char* field) {
    if (!has(field)) {
      refuse(field, "expected a string but the field is missing; add it.");
      return "";
    }
    const Json& value = row_.value[field];
    if (!value.is_string()) {
      refuse(
          field,
          "expected a string but received " + value.dump().substr(0, 40) +
              "; write it in quotes.");
      return "";
    }
    const auto out = value.get<std::string>();
    if (out.find_first_not_of(" \t\r\n") == std::string::npos) {
      refuse(field, "expected some text but received none; fill it in.");
    }
    return out;
  }

  /** A text that may be absent, null or empty. */
  std::string optional_text(const char* field) {
    const bool absent =
        !has(field) || row_.value[field].is_null() || row_.value[field] == "";
    return absent ? "" : text(field);
  }

  Json messages() {
    const Json& all = row_.value["messages"];
    if (!all.is_array() || all.empty()) {
      refuse("messages", "expected an array of {\"role\", \"content\"}.");
      return nullptr;
    }
    for (size_t i = 0; i < all.size(); ++i) {
      check_message(all[i], i);
    }
    if (good_ && all.back()["role"] != "assistant") {
      refuse(
          "messages",
          "expected the last role to be \"assistant\" but received " +
              all.back()["role"].dump() + "; the answer is what is learned.");
    }
    return all;
  }

 private:
  void check_message(const Json& message, size_t i) {
    for (const char* key : {"role", "content"}) {
      if (!message.is_object() || !message.contains(key) ||
          !message[key].is_string()) {
        refuse(
            "messages",
            "expected message " + std::to_string(i + 1) + " to have the text " +
                key + "; write {\"role\": \"user\", \"content\": \"...\"}.");
      }
    }
  }

  const DataFile& file_;
  const JsonRow& row_;
  RowErrors& errors_;
  bool good_ = true;
};

Json message(const char* role, const std::string& content) {
  return {{"role", role}, {"content", content}};
}

std::string names_of(const Json& row) {
  std::string names;
  for (const auto& [name, value] : row.items()) {
    names += (names.empty() ? "" : ", ") + name;
  }
  return names.empty() ? "none" : names;
}

Example read_example(const JsonRow& row, RowReader& reader) {
  Example out;
  out.kind = reader.optional_text("kind");
  if (reader.has("chosen") || reader.has("rejected")) {
    out.messages = Json::array({message("user", reader.text("prompt"))});
    out.chosen = reader.text("chosen");
    out.rejected = reader.text("rejected");
  } else if (reader.has("messages")) {
    out.messages = reader.messages();
  } else if (reader.has("instruction")) {
    const std::string input = reader.optional_text("input");
    out.messages = Json::array(
        {message(
             "user",
             reader.text("instruction") + (input.empty() ? "" : "\n\n") +
                 input),
         message("assistant", reader.text("output"))});
  } else if (reader.has("prompt") || reader.has("completion")) {
    out.messages = Json::array(
        {message("user", reader.text("prompt")),
         message("assistant", reader.text("completion"))});
  } else if (reader.has("text")) {
    out.text = reader.text("text");
  } else {
    reader.refuse(
        "prompt",
        "expected the fields prompt and completion, instruction and output, "
        "messages, text, or prompt, chosen and rejected but received " +
            names_of(row.value) + "; rename them.");
  }
  return out;
}

constexpr uint64_t largest_file = uint64_t{1} << 30;

void read_file_into(
    InstructionData& data,
    const fs::path& path,
    const std::string& split,
    RowErrors& errors,
    std::string& all_text) {
  const DataFile file{path.string(), read_file(path, largest_file)};
  all_text += file.text;
  const auto extension = path.extension();
  const bool is_jsonl = extension == ".jsonl" || extension == ".ndjson";
  for (const JsonRow& row : read_rows(file, is_jsonl, errors)) {
    RowReader reader(file, row, errors);
    Example example = read_example(row, reader);
    if (reader.good()) {
      const std::string& name = row.split.empty() ? split : row.split;
      (name == "validation" ? data.validation
           : name == "test" ? data.test
                            : data.train)
          .push_back(std::move(example));
    }
  }
}

} // namespace

std::string Example::prompt() const {
  if (messages.is_null()) {
    return text;
  }
  const size_t before = is_pair() ? 1 : 2;
  return messages.size() < before
      ? ""
      : messages[messages.size() - before]["content"].get<std::string>();
}

std::string Example::answer() const {
  return is_pair()         ? chosen
      : messages.is_null() ? ""
                           : messages.back()["content"].get<std::string>();
}

std::vector<Example> InstructionData::split(const std::string& name) const {
  if (name == "train") {
    return train;
  }
  if (name == "validation" || name == "valid") {
    return validation;
  }
  if (name == "test") {
    return test;
  }
  if (name != "all") {
    throw UsageError(
        "data",
        "expected the split train, validation, test or all but received " +
            name + ".");
  }
  std::vector<Example> all = train;
  all.insert(all.end(), validation.begin(), validation.end());
  all.insert(all.end(), test.begin(), test.end());
  return all;
}

InstructionData load_instructions(const fs::path& path, int max_errors) {
  InstructionData data;
  RowErrors errors(max_errors);
  std::string text;
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    const std::pair<const char*, const char*> parts[] = {
        {"train", "train"}, {"valid", "validation"}, {"test", "test"}};
    for (const auto& [name, split] : parts) {
      const fs::path file = path / (std::string(name) + ".jsonl");
      if (fs::exists(file, ignored)) {
        read_file_into(data, file, split, errors, text);
      }
    }
  } else {
    read_file_into(data, path, "train", errors, text);
  }
  errors.throw_all();
  if (data.train.empty() && data.validation.empty() && data.test.empty()) {
    throw InputError(
        "data",
        path.string() +
            ":1:1: expected examples but received none; write one JSON object "
            "a line (*.jsonl), an array of them (*.json), or name a folder "
            "with train.jsonl.");
  }
  data.sha256 = sha256_hex(text);
  return data;
}

void hold_out_validation(InstructionData& data) {
  if (!data.validation.empty() || data.train.size() < 10) {
    return;
  }
  std::vector<Example> rest;
  for (size_t i = 0; i < data.train.size(); ++i) {
    (i % 10 == 9 ? data.validation : rest).push_back(std::move(data.train[i]));
  }
  data.train = std::move(rest);
}

} // namespace llm
