// SPDX-License-Identifier: MIT
//
// Judging models: losses on text, on examples, multiple choice, and measures of
// what they write.

#include <optional>

#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/function.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "llm/data/chat_format.h"
#include "llm/models/usable_model.h"
#include "llm/training/compare_report.h"
#include "llm/training/evaluate.h"
#include "llm/training/masked.h"
#include "llm/training/multiple_choice.h"
#include "llm/training/text_metrics.h"
#include "python/bindings/bindings.h"
#include "python/bindings/casters.h"

namespace llm::python {

namespace {

using Show = std::function<void(int64_t, int64_t)>;

/** Ctrl-C ends it; `show` is told how far it is. */
EvaluationProgress watched(const Show& show) {
  return [&show](int64_t done, int64_t all) {
    check_interrupt();
    if (show) {
      show(done, all);
    }
    return true;
  };
}

void add_texts(nb::module_& m) {
  m.def(
      "evaluate_text",
      [](const LanguageModel& model,
         const Tokenizer& tokenizer,
         const std::string& text,
         const Show& progress) {
        const nb::gil_scoped_release release;
        return to_json(
            evaluate_text(model, tokenizer, text, watched(progress)));
      },
      "model"_a,
      "tokenizer"_a,
      "text"_a,
      "progress"_a = nb::none(),
      "How well a model predicts a text: nats_per_char, "
      "nats_per_char_sliding, bits_per_char, bits_per_byte, perplexity (per "
      "token), tokens, windows. progress(done, all) counts windows.");
  m.def(
      "evaluate_sampled",
      [](const LanguageModel& model,
         const Ids& ids,
         uint64_t seed,
         int batches,
         int batch,
         int block) {
        const nb::gil_scoped_release release;
        return evaluate_sampled(model, ids.values, seed, batches, batch, block);
      },
      "model"_a,
      "ids"_a,
      "seed"_a,
      "batches"_a,
      "batch"_a,
      "block"_a,
      "The mean loss over random windows, nats per token; the same windows for "
      "one seed.");
  m.def(
      "evaluate_windows",
      [](const LanguageModel& model,
         const Ids& ids,
         const std::vector<EvalWindow>& windows,
         int batch,
         const Show& progress) {
        const nb::gil_scoped_release release;
        return evaluate_windows(
                   model, ids.values, windows, batch, watched(progress))
            .nats_per_token;
      },
      "model"_a,
      "ids"_a,
      "windows"_a,
      "batch"_a = 32,
      "progress"_a = nb::none(),
      "The mean loss over fixed_windows() or sliding_windows(), nats per "
      "token.");
}

void add_examples(nb::module_& m) {
  m.def(
      "evaluate_examples",
      [](const UsableModel& usable,
         const std::vector<Example>& examples,
         int max_length,
         int batch,
         const Show& progress) {
        const nb::gil_scoped_release release;
        const EncodeRules rules{
            *usable.tokenizer,
            chat_format("auto", *usable.tokenizer, usable.info),
            max_length};
        return to_json(evaluate_examples(
            *usable.model,
            *usable.tokenizer,
            encode_examples(examples, rules),
            batch,
            watched(progress)));
      },
      "usable"_a,
      "examples"_a,
      "max_length"_a = 256,
      "batch"_a = 4,
      "progress"_a = nb::none(),
      "loss (nats per answer token), perplexity, bits_per_byte, tokens, and "
      "the same for each kind of example.");
  nb::class_<ChoiceQuestion>(m, "ChoiceQuestion", "One of several answers.")
      .def(
          "__init__",
          [](ChoiceQuestion* self,
             std::string context,
             std::vector<std::string> choices,
             size_t answer) {
            new (self)
                ChoiceQuestion{std::move(context), std::move(choices), answer};
          },
          "context"_a,
          "choices"_a,
          "answer"_a = 0)
      .def_ro("context", &ChoiceQuestion::context)
      .def_ro("choices", &ChoiceQuestion::choices)
      .def_ro("answer", &ChoiceQuestion::answer);
  m.def("load_questions", &load_questions, "path"_a, "max_errors"_a = 1);
  m.def(
      "choice_log_probs",
      &choice_log_probs,
      "model"_a,
      "tokenizer"_a,
      "question"_a,
      "max_length"_a = 512,
      Release(),
      "log p of each choice after the context, in nats.");
  m.def(
      "evaluate_choices",
      [](const LanguageModel& model,
         const Tokenizer& tokenizer,
         const std::vector<ChoiceQuestion>& questions,
         int max_length,
         const Show& progress) {
        const nb::gil_scoped_release release;
        return to_json(evaluate_choices(
            model, tokenizer, questions, max_length, watched(progress)));
      },
      "model"_a,
      "tokenizer"_a,
      "questions"_a,
      "max_length"_a = 512,
      "progress"_a = nb::none(),
      "questions, acc, acc_norm (per character) and chance.");
}

void add_measures(nb::module_& m) {
  m.def("exact_match", &exact_match, "answer"_a, "expected"_a);
  m.def(
      "distinct_n",
      &distinct_n,
      "texts"_a,
      "n"_a,
      "Different n-grams of words over all of them.");
  m.def(
      "repetition",
      &repetition,
      "texts"_a,
      "Part of the 4-grams of a text that stood in it before, the mean.");
  m.def(
      "text_metrics",
      &text_metrics,
      "texts"_a,
      "answers, mean_words, distinct_1, distinct_2, repetition.");
  nb::class_<ComparedModel>(m, "ComparedModel", "Answers of one model.")
      .def(
          "__init__",
          [](ComparedModel* self,
             std::string name,
             std::vector<std::string> answers,
             Json loss) {
            new (self) ComparedModel{
                std::move(name), std::move(answers), std::move(loss)};
          },
          "name"_a,
          "answers"_a,
          "loss"_a)
      .def_ro("name", &ComparedModel::name)
      .def_ro("answers", &ComparedModel::answers)
      .def_ro("loss", &ComparedModel::loss);
  m.def(
      "comparison_markdown",
      [](const std::vector<Example>& examples,
         const ComparedModel& a,
         const ComparedModel& b) {
        return to_markdown(compare(examples, a, b));
      },
      "examples"_a,
      "a"_a,
      "b"_a,
      "Two models side by side: losses, measures, every prompt with both "
      "answers.");
}

} // namespace

void init_evaluation(nb::module_& m) {
  add_texts(m);
  add_examples(m);
  add_measures(m);
}

} // namespace llm::python
