// SPDX-License-Identifier: MIT

#include <optional>

#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include "llm/data/batches.h"
#include "llm/data/chat_format.h"
#include "llm/data/corpus.h"
#include "llm/data/instruction_report.h"
#include "llm/data/instructions.h"
#include "llm/data/ngram.h"
#include "llm/data/split.h"
#include "llm/data/tiny_tales.h"
#include "python/bindings/bindings.h"
#include "python/bindings/casters.h"

namespace llm::python {

namespace {

void add_corpus(nb::module_& m) {
  nb::class_<Corpus>(m, "Corpus", "A text to train on.")
      .def_ro("name", &Corpus::name)
      .def_ro("text", &Corpus::text)
      .def_prop_ro("train", [](const Corpus& c) { return c.split.train; })
      .def_prop_ro("val", [](const Corpus& c) { return c.split.val; })
      .def_ro("files", &Corpus::files)
      .def_ro("license", &Corpus::license)
      .def_ro("source", &Corpus::source, "Where it comes from.")
      .def_ro("sha256", &Corpus::sha256)
      .def_ro("generated", &Corpus::generated, "Its entropy is known.")
      .def("__repr__", [](const Corpus& c) {
        return "<" + c.name + ": " + std::to_string(c.text.size()) + " bytes>";
      });
  m.def("corpus_names", &corpus_names, "The names load_corpus() knows.");
  m.def(
      "load_corpus",
      [](const std::string& name,
         bool offline,
         uint64_t seed,
         double train_fraction,
         const std::filesystem::path& home) {
        const nb::gil_scoped_release release;
        const auto say = [](const std::string& text) {
          const nb::gil_scoped_acquire gil;
          nb::print(text.c_str());
        };
        return load_corpus(name, {home, offline, seed, train_fraction, say});
      },
      "name_or_path"_a,
      "offline"_a = false,
      "seed"_a = 1,
      "train_fraction"_a = 0.9,
      "home"_a = std::filesystem::path(),
      "A text by name (\"tiny-tales\" is made here, \"tiny-shakespeare\" is "
      "fetched once), or a UTF-8 file or folder.\n\n"
      "UsageError, InputError or IoError when there is no such text.");
  m.def(
      "split_text",
      [](std::string_view text, double train_fraction) {
        const TextSplit split = split_text(text, train_fraction);
        return std::pair(split.train, split.val);
      },
      "text"_a,
      "train_fraction"_a = 0.9,
      "(training text, validation text): cut after that part of the "
      "characters.");
}

void add_split(nb::module_& m) {
  nb::class_<Split>(m, "Split", "Token ids for training and validation.")
      .def(
          "__init__",
          [](Split* self, const Ids& train, const Ids& val) {
            new (self) Split{train.values, val.values};
          },
          "train"_a,
          "val"_a)
      .def_prop_ro(
          "train",
          [](nb::handle_t<Split> self) {
            return view(nb::cast<const Split&>(self).train, self);
          },
          "[n] int32, NumPy.")
      .def_prop_ro("val", [](nb::handle_t<Split> self) {
        return view(nb::cast<const Split&>(self).val, self);
      });
  m.def(
      "encode_split",
      [](const Corpus& corpus, const Tokenizer& tokenizer) {
        return Split{
            tokenizer.encode(corpus.split.train),
            tokenizer.encode(corpus.split.val)};
      },
      "corpus"_a,
      "tokenizer"_a,
      Release(),
      "Both parts of a corpus as token ids.");
  m.def(
      "random_batch",
      [](const Ids& ids,
         uint64_t seed,
         uint64_t step,
         int64_t batch,
         int64_t block) {
        const Batch out = random_batch(ids.values, seed, step, batch, block);
        return std::pair(out.x, out.y);
      },
      "ids"_a,
      "seed"_a,
      "step"_a,
      "batch"_a,
      "block"_a,
      "The batch of a training step: (x, y), [batch, block] int32 each; y is "
      "the token after x. The same arguments give the same windows.");
  nb::class_<EvalWindow>(m, "EvalWindow", "One window of an evaluation.")
      .def_ro("start", &EvalWindow::start)
      .def_ro("length", &EvalWindow::length)
      .def_ro("first_scored", &EvalWindow::first_scored);
  m.def(
      "fixed_windows",
      &fixed_windows,
      "n"_a,
      "context"_a,
      "Windows side by side over n tokens.");
  m.def(
      "sliding_windows",
      &sliding_windows,
      "n"_a,
      "context"_a,
      "Windows that move by half the context and score their second half.");
}

void add_counting(nb::module_& m) {
  nb::class_<NgramResult>(m, "NgramResult", "One rung of the n-gram ladder.")
      .def_ro("model", &NgramResult::model)
      .def_ro("n", &NgramResult::n, "The order; 0 for uniform.")
      .def_ro("k", &NgramResult::k, "Of add-k; 0 elsewhere.")
      .def_ro("val_nats_per_char", &NgramResult::val_nats_per_char)
      .def("__repr__", [](const NgramResult& x) {
        return x.model + " " + std::to_string(x.n) + ": " +
            std::to_string(x.val_nats_per_char);
      });
  m.def(
      "ngram_ladder",
      [](const Ids& train, const Ids& val, int vocab_size) {
        const nb::gil_scoped_release release;
        return ngram_ladder(train.values, val.values, vocab_size);
      },
      "train"_a,
      "val"_a,
      "vocab_size"_a,
      "What counting reaches: uniform, add-k of orders 1 to 5, Witten-Bell of "
      "orders 2 to 8, in nats per token of `val`.");
}

void add_tales(nb::module_& m) {
  m.def(
      "generate_tales",
      [](uint64_t seed, int n_train, int n_validation) {
        const Tales tales = generate_tales(seed, n_train, n_validation);
        return std::pair(tales.train, tales.validation);
      },
      "seed"_a = 1,
      "n_train"_a = 4400,
      "n_validation"_a = 220,
      "(training text, validation text) of tiny-tales.");
  m.def(
      "source_entropy_nats_per_char",
      &source_entropy_nats_per_char,
      "The entropy of the endless stream of tiny-tales: no model can have a "
      "lower loss, in nats per character.");
  m.def(
      "tale_log_probability",
      &tale_log_probability,
      "story"_a,
      "log p of one story, in nats; -inf if it is none.");
  nb::class_<EntropyFloor>(
      m,
      "EntropyFloor",
      "The lowest mean loss that is possible on a text, nats per character, "
      "with the standard error of a sample of windows.")
      .def_ro("source", &EntropyFloor::source, "Sees everything before.")
      .def_ro("fixed_windows", &EntropyFloor::fixed_windows)
      .def_ro("sliding", &EntropyFloor::sliding)
      .def_ro("fixed_error", &EntropyFloor::fixed_error)
      .def_ro("sliding_error", &EntropyFloor::sliding_error);
  m.def(
      "tales_floor",
      &tales_floor,
      "text"_a,
      "context"_a,
      "max_windows"_a = 0,
      Release(),
      "The floor of a text of tiny-tales for models that see `context` "
      "characters.");
}

void add_examples(nb::module_& m) {
  nb::class_<Example>(
      m, "Example", "One example to fine-tune on: messages, a text or a pair.")
      .def_ro("messages", &Example::messages)
      .def_ro("text", &Example::text)
      .def_ro("chosen", &Example::chosen)
      .def_ro("rejected", &Example::rejected)
      .def_ro("kind", &Example::kind)
      .def_prop_ro("is_pair", &Example::is_pair)
      .def_prop_ro("prompt", &Example::prompt)
      .def_prop_ro("answer", &Example::answer)
      .def("__repr__", [](const Example& e) {
        return "<example: " + e.prompt() + ">";
      });
  nb::class_<InstructionData>(m, "InstructionData", "Examples by split.")
      .def_ro("train", &InstructionData::train)
      .def_ro("validation", &InstructionData::validation)
      .def_ro("test", &InstructionData::test)
      .def_ro("sha256", &InstructionData::sha256)
      .def("split", &InstructionData::split, "name"_a);
  m.def(
      "load_instructions",
      [](const std::filesystem::path& path, int max_errors, bool hold_out) {
        InstructionData data = load_instructions(path, max_errors);
        if (hold_out) {
          hold_out_validation(data);
        }
        return data;
      },
      "path"_a,
      "max_errors"_a = 1,
      "hold_out"_a = true,
      "Reads JSON, JSONL or a folder with train.jsonl. `hold_out`: every tenth "
      "training example becomes validation when there is none.\n\n"
      "InputError with file:line:column, the field and the reason.");
  m.def(
      "report_on",
      [](const InstructionData& data,
         const Tokenizer& tokenizer,
         const TokenizerInfo& info,
         int max_length) {
        const EncodeRules rules{
            tokenizer, chat_format("auto", tokenizer, info), max_length};
        return to_json(report_on(data, rules));
      },
      "data"_a,
      "tokenizer"_a,
      "info"_a,
      "max_length"_a = 256,
      "How long the examples are in tokens, what is cut, what is there twice, "
      "as a dict by split.");
}

} // namespace

void init_data(nb::module_& m) {
  add_corpus(m);
  add_split(m);
  add_counting(m);
  add_tales(m);
  add_examples(m);
}

} // namespace llm::python
