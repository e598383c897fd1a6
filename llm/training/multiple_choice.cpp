// SPDX-License-Identifier: MIT

#include "llm/training/multiple_choice.h"

#include <algorithm>
#include <charconv>

#include <mlx/ops.h>

#include "llm/core/error.h"
#include "llm/core/utf8.h"
#include "llm/data/instruction_batches.h"
#include "llm/data/json_rows.h"
#include "llm/training/masked.h"

namespace llm {

namespace fs = std::filesystem;

namespace {

DataFile read_data_file(const fs::path& path) {
  return {path.string(), read_file(path)};
}

bool is_jsonl(const fs::path& path) {
  return path.extension() == ".jsonl" || path.extension() == ".ndjson";
}

/** The first of these fields that a row has, or nullptr. */
const char* first_of(
    const Json& row,
    std::initializer_list<const char*> fields) {
  for (const char* field : fields) {
    if (row.contains(field)) {
      return field;
    }
  }
  return nullptr;
}

/** What is wrong with a field. */
struct Refusal {
  std::string field, reason;
};

std::vector<std::string> texts_of(const Json& list, const std::string& field) {
  std::vector<std::string> out;
  if (list.is_array()) {
    for (const Json& item : list) {
      if (item.is_string()) {
        out.push_back(item.get<std::string>());
      }
    }
  }
  if (out.size() < 2 || out.size() != list.size()) {
    throw Refusal{field, "expected an array of at least two texts."};
  }
  return out;
}

/** The index that a label means: a number, a digit in quotes, one of `labels`,
 * or the text of a choice. */
size_t index_of(
    const Json& label,
    const std::vector<std::string>& labels,
    const std::vector<std::string>& choices,
    const std::string& field) {
  const size_t none = choices.size();
  size_t index = none;
  if (label.is_number_integer()) {
    index = label.get<int64_t>() < 0 ? none : label.get<size_t>();
  } else if (label.is_string()) {
    const auto text = label.get<std::string>();
    for (const auto* names : {&labels, &choices}) {
      const auto found = std::find(names->begin(), names->end(), text);
      if (index == none && found != names->end()) {
        index = found - names->begin();
      }
    }
    if (index == none) {
      std::from_chars(text.data(), text.data() + text.size(), index);
    }
  }
  if (index >= choices.size()) {
    throw Refusal{
        field,
        "expected a number from 0 to " + std::to_string(choices.size() - 1) +
            ", a label or a choice but received " + label.dump() + "."};
  }
  return index;
}

std::string text_of(const Json& row, const char* field) {
  if (!row[field].is_string() || row[field] == "") {
    throw Refusal{field, "expected a text."};
  }
  return row[field].get<std::string>();
}

ChoiceQuestion read_question(const Json& row) {
  const char* context = first_of(row, {"ctx", "context", "question"});
  const char* choices = first_of(row, {"endings", "choices"});
  const char* answer = first_of(row, {"label", "answerKey", "answer", "gold"});
  if (context == nullptr || choices == nullptr || answer == nullptr) {
    throw Refusal{
        "question",
        "expected ctx, endings and label, or question, choices and answer."};
  }
  ChoiceQuestion out;
  out.context = text_of(row, context);
  if (std::string_view(context) == "question") {
    out.context = "Question: " + out.context + "\nAnswer:";
  }
  const Json& list = row[choices];
  std::vector<std::string> labels;
  if (list.is_object()) { // ARC
    if (!list.contains("text") || !list.contains("label")) {
      throw Refusal{choices, "expected the arrays text and label in it."};
    }
    out.choices = texts_of(list["text"], choices);
    labels = texts_of(list["label"], choices);
  } else {
    out.choices = texts_of(list, choices);
    for (size_t i = 0; i < out.choices.size(); ++i) {
      labels.push_back(std::string(1, static_cast<char>('A' + i)));
    }
  }
  out.answer = index_of(row[answer], labels, out.choices, answer);
  return out;
}

size_t best(const std::vector<double>& scores) {
  return std::max_element(scores.begin(), scores.end()) - scores.begin();
}

} // namespace

bool is_choice_file(const fs::path& path) {
  RowErrors errors(1);
  const DataFile file = read_data_file(path);
  const auto rows = read_rows(file, is_jsonl(path), errors);
  return !rows.empty() &&
      first_of(rows[0].value, {"endings", "choices"}) != nullptr;
}

std::vector<ChoiceQuestion> load_questions(
    const fs::path& path,
    int max_errors) {
  RowErrors errors(max_errors);
  const DataFile file = read_data_file(path);
  std::vector<ChoiceQuestion> out;
  for (const JsonRow& row : read_rows(file, is_jsonl(path), errors)) {
    try {
      out.push_back(read_question(row.value));
    } catch (const Refusal& refusal) {
      errors.add(
          file,
          field_position(file, row, refusal.field),
          refusal.field + ": " + refusal.reason);
    }
  }
  errors.throw_all();
  if (out.empty()) {
    throw InputError(
        "data", path.string() + ":1:1: expected questions but received none.");
  }
  return out;
}

std::vector<double> choice_log_probs(
    const LanguageModel& model,
    const Tokenizer& tokenizer,
    const ChoiceQuestion& question,
    int max_length) {
  const EncodeOptions whole{.add_special = true}; // bos, if there is one
  const size_t given = tokenizer.encode(question.context, whole).size();
  std::vector<Encoded> rows;
  for (const std::string& choice : question.choices) {
    Encoded row;
    row.ids = tokenizer.encode(question.context + " " + choice, whole);
    row.counts.assign(row.ids.size(), 0);
    for (size_t t = std::max<size_t>(given, 1); t < row.ids.size(); ++t) {
      row.counts[t] = 1;
    }
    if (row.ids.size() > static_cast<size_t>(max_length)) {
      const auto extra = static_cast<int64_t>(row.ids.size()) - max_length;
      row.ids.erase(row.ids.begin(), row.ids.begin() + extra);
      row.counts.erase(row.counts.begin(), row.counts.begin() + extra);
      row.counts[0] = 0;
    }
    rows.push_back(std::move(row));
  }
  std::vector<const Encoded*> pointers;
  for (const Encoded& row : rows) {
    pointers.push_back(&row);
  }
  const mx::array sums = row_losses(model, pad_batch(pointers, max_length));
  std::vector<double> out;
  for (size_t i = 0; i < rows.size(); ++i) {
    out.push_back(-mx::take(sums, static_cast<int>(i)).item<float>());
  }
  return out;
}

ChoiceResult evaluate_choices(
    const LanguageModel& model,
    const Tokenizer& tokenizer,
    const std::vector<ChoiceQuestion>& questions,
    int max_length,
    const EvaluationProgress& progress) {
  ChoiceResult out;
  for (const ChoiceQuestion& q : questions) {
    std::vector<double> scores =
        choice_log_probs(model, tokenizer, q, max_length);
    out.acc += best(scores) == q.answer ? 1 : 0;
    for (size_t i = 0; i < scores.size(); ++i) {
      scores[i] /= static_cast<double>(
          std::max<size_t>(decode_utf8(q.choices[i]).size(), 1));
    }
    out.acc_norm += best(scores) == q.answer ? 1 : 0;
    out.chance += 1.0 / static_cast<double>(q.choices.size());
    ++out.questions;
    if (progress &&
        !progress(out.questions, static_cast<int64_t>(questions.size()))) {
      break;
    }
  }
  const auto n = static_cast<double>(out.questions);
  return {out.questions, out.acc / n, out.acc_norm / n, out.chance / n};
}

Json to_json(const ChoiceResult& r) {
  return {
      {"questions", r.questions},
      {"acc", r.acc},
      {"acc_norm", r.acc_norm},
      {"chance", r.chance}};
}

} // namespace llm
