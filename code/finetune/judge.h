// SPDX-License-Identifier: MIT
//
// finetune_llm evaluate and compare: how well a model predicts and answers,
// alone and beside another one.

#pragma once

#include <iostream>

#include "code/finetune/answers.h"
#include "llm/core/progress.h"
#include "llm/training/compare_report.h"
#include "llm/training/masked.h"
#include "llm/training/multiple_choice.h"
#include "llm/training/text_metrics.h"

namespace llm {

/** A data file for examples, by its name. */
inline bool is_json_data(const std::filesystem::path& path) {
  std::error_code ignored;
  const auto extension = path.extension();
  return std::filesystem::is_directory(path, ignored) || extension == ".json" ||
      extension == ".jsonl" || extension == ".ndjson";
}

/** The examples of --split; of data without splits all, whatever it says. */
inline std::vector<Example> examples_of(const TuneOptions& o) {
  const InstructionData data = load_instructions(o.data, o.max_errors);
  std::vector<Example> some = data.split(o.split);
  if (some.empty() && data.validation.empty() && data.test.empty()) {
    some = data.train;
  }
  if (some.empty()) {
    throw InputError(
        "data",
        o.data + ": expected examples in its split " + o.split +
            " but received none; choose another --split.");
  }
  if (o.limit < 0) {
    throw UsageError("options", "expected --limit of at least 0.");
  }
  if (o.limit > 0 && some.size() > static_cast<size_t>(o.limit)) {
    some.resize(o.limit);
  }
  return some;
}

inline int window_of(const TuneOptions& o, const LanguageModel& model) {
  if (o.window < 2) {
    throw UsageError(
        "options",
        "expected a window of at least 2 tokens but received " +
            std::to_string(o.window) + ".");
  }
  return std::min(o.window, model.context_length());
}

/** Calls f with a progress that stops at Ctrl-C; false when it did. */
template <class F>
bool with_progress(const std::string& label, const std::string& unit, F&& f) {
  const Interrupt interrupt;
  Progress progress(label, 0, {.unit = unit});
  f([&](int64_t done, int64_t) {
    progress.update(done);
    return !interrupt.requested();
  });
  progress.finish();
  return !interrupt.requested();
}

inline int interrupted() {
  std::cerr << "interrupted: no result\n";
  return 130;
}

/** Writes answers to the examples' questions; stops early at Ctrl-C. */
inline std::vector<std::string> answers_to(
    const TunedModel& m,
    const TuneOptions& o,
    const std::vector<Example>& examples,
    const EvaluationProgress& progress) {
  std::vector<std::string> out;
  for (const Example& e : examples) {
    out.push_back(answer(m, o, question_of(e)).text);
    if (!progress(
            static_cast<int64_t>(out.size()),
            static_cast<int64_t>(examples.size()))) {
      break;
    }
  }
  return out;
}

/** Pairs are judged by their chosen answer. */
inline std::vector<Encoded> encode_all(
    const TunedModel& m,
    const TuneOptions& o,
    const std::vector<Example>& examples) {
  const EncodeRules rules{
      *m.tokenizer, m.format, window_of(o, *m.model), o.mask_prompt};
  std::vector<Encoded> out;
  for (const Example& e : examples) {
    Encoded encoded = encode_example(e, rules);
    if (encoded.counted() > 0) {
      out.push_back(std::move(encoded));
    }
  }
  return out;
}

inline Json
evaluate_data(const TuneOptions& o, const TunedModel& m, bool& complete) {
  const std::vector<Example> examples = examples_of(o);
  const std::vector<Encoded> encoded = encode_all(m, o, examples);
  Json result;
  complete = with_progress("evaluate", "example", [&](const auto& progress) {
    result = to_json(evaluate_examples(
        *m.model, *m.tokenizer, encoded, o.train.batch, progress));
  });
  if (!complete || !o.answers) {
    return result;
  }
  complete = with_progress("answer", "answer", [&](const auto& progress) {
    const auto texts = answers_to(m, o, examples, progress);
    double exact = 0;
    for (size_t i = 0; i < texts.size(); ++i) {
      exact += exact_match(texts[i], examples[i].answer()) ? 1 : 0;
    }
    result["exact_match"] = exact / static_cast<double>(texts.size());
    result.update(text_metrics(texts));
  });
  return result;
}

inline int run_evaluate(TuneOptions& o) {
  TunedModel m = load_tuned(o, o.model, o.adapter);
  const int window = window_of(o, *m.model);
  Json result;
  bool complete = true;
  if (!is_json_data(o.data)) {
    const std::string text = read_file(o.data);
    complete = with_progress("evaluate", "window", [&](const auto& progress) {
      result = evaluate_sliding(*m.model, *m.tokenizer, text, window, progress);
    });
  } else if (!std::filesystem::is_directory(o.data) && is_choice_file(o.data)) {
    auto questions = load_questions(o.data, o.max_errors);
    if (o.limit > 0 && questions.size() > static_cast<size_t>(o.limit)) {
      questions.resize(o.limit);
    }
    complete = with_progress("evaluate", "question", [&](const auto& progress) {
      result = to_json(evaluate_choices(
          *m.model, *m.tokenizer, questions, window, progress));
    });
  } else {
    result = evaluate_data(o, m, complete);
  }
  if (!complete) {
    return interrupted();
  }
  if (o.json) {
    std::cout << result.dump() << "\n";
    return 0;
  }
  for (const auto& [name, value] : result.items()) {
    std::cout << name << ": " << value << "\n";
  }
  return 0;
}

/** One of the two: what it answers and how well it predicts. */
inline ComparedModel judge_for_compare(
    TuneOptions& o,
    const std::string& model,
    const std::string& adapter,
    const std::vector<Example>& examples,
    bool& complete) {
  const TunedModel m = load_tuned(o, model, adapter);
  ComparedModel out;
  out.name = name_of(m) +
      (adapter.empty()
           ? ""
           : " + " + std::filesystem::path(adapter).filename().string());
  complete = with_progress(out.name, "answer", [&](const auto& progress) {
    out.answers = answers_to(m, o, examples, progress);
  });
  if (complete) {
    out.loss = to_json(evaluate_examples(
        *m.model, *m.tokenizer, encode_all(m, o, examples), o.train.batch));
  }
  return out;
}

inline int run_compare(TuneOptions& o) {
  const std::vector<Example> examples = examples_of(o);
  const std::filesystem::path out = o.out;
  std::error_code ignored;
  if (std::filesystem::exists(out / "compare.json", ignored)) {
    throw UsageError(
        "compare",
        out.string() + " holds a comparison already; choose another --out.");
  }
  bool complete = true;
  std::vector<ComparedModel> both;
  both.push_back(judge_for_compare(o, o.model, o.adapter, examples, complete));
  if (complete) {
    both.push_back(judge_for_compare(
        o,
        o.model_b.empty() ? o.model : o.model_b,
        o.adapter_b,
        examples,
        complete));
  }
  if (!complete) {
    return interrupted();
  }
  const Comparison comparison = compare(examples, both[0], both[1]);
  ensure_folder(out);
  write_file_atomically(out / "compare.md", to_markdown(comparison));
  write_file_atomically(
      out / "compare.json", to_json(comparison).dump(2) + "\n");
  std::cout << comparison.changed << " of " << examples.size()
            << " answers differ; see " << (out / "compare.md").string() << "\n";
  if (o.json) {
    std::cout << summary_json(comparison).dump() << "\n";
  }
  return 0;
}

} // namespace llm
