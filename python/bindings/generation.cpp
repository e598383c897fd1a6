// SPDX-License-Identifier: MIT

#include <optional>
#include <variant>

#include <nanobind/stl/function.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/variant.h>
#include <nanobind/stl/vector.h>

#include "llm/generation/choose.h"
#include "llm/generation/generate.h"
#include "llm/generation/logits.h"
#include "llm/generation/samplers.h"
#include "python/bindings/casters.h"
#include "python/bindings/fields.h"

namespace llm::python {

namespace {

using Prompt = std::variant<std::string, Ids>;

std::vector<int32_t> ids_of(const Prompt& prompt, const Tokenizer& tokenizer) {
  if (const auto* text = std::get_if<std::string>(&prompt)) {
    return tokenizer.encode(*text, {.add_special = true});
  }
  return std::get<Ids>(prompt).values;
}

/** f(name, member) for each field; both classes below have them. */
void for_sampling_fields(auto&& f) {
  f("temperature", &SamplingConfig::temperature);
  f("top_k", &SamplingConfig::top_k);
  f("top_p", &SamplingConfig::top_p);
  f("min_p", &SamplingConfig::min_p);
  f("typical_p", &SamplingConfig::typical_p);
  f("repetition_penalty", &SamplingConfig::repetition_penalty);
  f("frequency_penalty", &SamplingConfig::frequency_penalty);
  f("presence_penalty", &SamplingConfig::presence_penalty);
  f("seed", &SamplingConfig::seed);
}

void add_options(nb::module_& m) {
  nb::class_<SamplingConfig> sampling(
      m,
      "SamplingConfig",
      "How a token is drawn. The defaults draw from the model's own "
      "distribution.");
  for_sampling_fields(
      [&](const char* name, auto field) { sampling.def_rw(name, field); });
  add_fields(sampling);
  nb::class_<GenerateOptions> options(
      m,
      "GenerateOptions",
      "What generate() takes as keywords, those of SamplingConfig too.");
  options.def_rw("max_tokens", &GenerateOptions::max_tokens)
      .def_rw("use_cache", &GenerateOptions::use_cache)
      .def_rw("stop", &GenerateOptions::stop)
      .def_rw("eos", &GenerateOptions::eos)
      .def_rw("slide", &GenerateOptions::slide)
      .def_rw("prefill_chunk", &GenerateOptions::prefill_chunk)
      .def_rw("top_logprobs", &GenerateOptions::top_logprobs)
      .def_rw("force", &GenerateOptions::force);
  for_sampling_fields([&]<class T>(
                          const char* name, T SamplingConfig::* field) {
    options.def_prop_rw(
        name,
        [field](const GenerateOptions& o) { return o.sampling.*field; },
        [field](GenerateOptions& o, T value) { o.sampling.*field = value; });
  });
  add_fields(options);
}

GenerateOptions options_of(const nb::kwargs& given) {
  return with_fields(GenerateOptions(), given);
}

void add_results(nb::module_& m) {
  nb::class_<TokenProbability>(
      m, "TokenProbability", "A token and how likely it is.")
      .def_ro("id", &TokenProbability::id)
      .def_ro("logprob", &TokenProbability::logprob, "nats")
      .def("__repr__", [](const TokenProbability& t) {
        return "(" + std::to_string(t.id) + ", " + std::to_string(t.logprob) +
            ")";
      });
  nb::class_<GeneratedToken>(m, "GeneratedToken", "One token that was drawn.")
      .def_ro("id", &GeneratedToken::id)
      .def_ro(
          "text",
          &GeneratedToken::text,
          "Whole characters to show now, often none or several.")
      .def_ro(
          "logprob",
          &GeneratedToken::logprob,
          "log P of the model, before the sampler chain (nats).")
      .def_ro("top", &GeneratedToken::top, "The likeliest of the model.")
      .def_ro(
          "top_final",
          &GeneratedToken::top_final,
          "The likeliest of what it was drawn from.")
      .def("__repr__", [](const GeneratedToken& t) {
        return "GeneratedToken(" + std::to_string(t.id) + ", " +
            nb::cast<std::string>(nb::repr(nb::cast(t.text))) + ", logprob " +
            std::to_string(t.logprob) + ")";
      });
  nb::class_<Generation>(m, "Generation", "A text that was written.")
      .def_ro("ids", &Generation::ids, "All that were drawn.")
      .def_ro("text", &Generation::text, "Without end tokens and stop texts.")
      .def_ro("logprobs", &Generation::logprobs, "Of each id, in nats.")
      .def_ro(
          "finish_reason",
          &Generation::finish_reason,
          "\"length\", \"stop\", \"eos\" or \"interrupted\".")
      .def_ro("prompt_tokens", &Generation::prompt_tokens)
      .def_ro("prefill_seconds", &Generation::prefill_seconds)
      .def_ro("decode_seconds", &Generation::decode_seconds)
      .def("__str__", [](const Generation& g) { return g.text; });
}

void add_generator(nb::module_& m) {
  nb::class_<Generator>(
      m, "Generator", "Iterates over the tokens of a text while it is written.")
      .def(
          "__init__",
          [](Generator* self,
             const LanguageModel& model,
             const Tokenizer& tokenizer,
             const Prompt& prompt,
             const nb::kwargs& options) {
            new (self) Generator(
                model,
                tokenizer,
                ids_of(prompt, tokenizer),
                options_of(options));
          },
          "model"_a,
          "tokenizer"_a,
          "prompt"_a,
          "options"_a,
          nb::keep_alive<1, 2>(),
          nb::keep_alive<1, 3>())
      .def("__iter__", [](nb::handle self) { return nb::borrow(self); })
      .def(
          "__next__",
          [](Generator& g) {
            check_interrupt();
            std::optional<GeneratedToken> token;
            {
              const nb::gil_scoped_release release;
              token = g.next();
            }
            if (!token) {
              throw nb::stop_iteration();
            }
            return *std::move(token);
          })
      .def(
          "interrupt",
          &Generator::interrupt,
          "Ends the text here; what was held back of it is dropped.")
      .def_prop_ro(
          "result",
          [](const Generator& g) { return g.result(); },
          "All so far, a Generation.");
}

/** Gets each token; False ends the text. */
using Watch = std::function<nb::object(const GeneratedToken&)>;

bool goes_on(const Watch& watch, const GeneratedToken& token) {
  const nb::gil_scoped_acquire gil;
  return !watch(token).is(nb::handle(Py_False));
}

void add_functions(nb::module_& m) {
  m.def(
      "generate",
      [](const LanguageModel& model,
         const Tokenizer& tokenizer,
         const Prompt& prompt,
         const Watch& on_token,
         const nb::kwargs& given) {
        const GenerateOptions options = options_of(given);
        const nb::gil_scoped_release release;
        return generate(
            model,
            tokenizer,
            ids_of(prompt, tokenizer),
            options,
            [&](const GeneratedToken& token) {
              check_interrupt();
              return !on_token || goes_on(on_token, token);
            });
      },
      "model"_a,
      "tokenizer"_a,
      "prompt"_a,
      "on_token"_a = nb::none(),
      "options"_a,
      "Writes after a prompt (a text or token ids). Keywords are the fields of "
      "GenerateOptions and SamplingConfig: max_tokens=50, temperature=0.8, "
      "seed=1, top_logprobs=5, eos=usable.eos, ... `on_token` gets each "
      "GeneratedToken; False ends the text.\n\n"
      "UsageError for options out of range, NumericError when a logit is not a "
      "number.");
  m.def(
      "generate_batch",
      [](const LanguageModel& model,
         const Tokenizer& tokenizer,
         const std::vector<Prompt>& prompts,
         int rows,
         const nb::kwargs& given) {
        const GenerateOptions options = options_of(given);
        const nb::gil_scoped_release release;
        std::vector<std::vector<int32_t>> ids;
        for (const Prompt& prompt : prompts) {
          ids.push_back(ids_of(prompt, tokenizer));
        }
        return generate_batch(
            model,
            tokenizer,
            ids,
            options,
            [](size_t, const GeneratedToken&) {
              check_interrupt();
              return true;
            },
            rows);
      },
      "model"_a,
      "tokenizer"_a,
      "prompts"_a,
      "rows"_a = 16,
      "options"_a,
      "Many texts side by side, at most `rows` at once. Text i is what "
      "generate() writes with the seed + i.");
}

void add_chain(nb::module_& m) {
  nb::class_<SamplerStage>(m, "SamplerStage", "One function of the chain.")
      .def_ro("name", &SamplerStage::name)
      .def_ro("effect", &SamplerStage::effect)
      .def(
          "apply",
          [](const SamplerStage& stage,
             const mx::array& logits,
             const Ids& seen) -> mx::array {
            return stage.apply(logits, seen.values);
          },
          "logits"_a,
          "seen"_a = Ids(),
          "logits [V] or [B, V] float32 -> the same shape; what is removed is "
          "-inf. `seen`: the token ids of the text so far.")
      .def("__repr__", [](const SamplerStage& stage) {
        return "<" + stage.name + ": " + stage.effect + ">";
      });
  m.def(
      "make_chain",
      [](const nb::kwargs& given) {
        return make_chain(with_fields(SamplingConfig(), given));
      },
      "options"_a,
      "The active stages in their order, from the fields of SamplingConfig.");
  m.def(
      "apply_chain",
      [](const std::vector<SamplerStage>& chain,
         const mx::array& logits,
         const Ids& seen) { return apply_chain(chain, logits, seen.values); },
      "chain"_a,
      "logits"_a,
      "seen"_a = Ids(),
      "The logits after all stages.");
  m.def(
      "sample_key",
      &sample_key,
      "seed"_a,
      "position"_a,
      "The key of the token at `position` (0: the first that is generated).");
  m.def("keep_top_k", &keep_top_k, "logits"_a, "k"_a);
  m.def("keep_top_p", &keep_top_p, "logits"_a, "p"_a);
  m.def("keep_min_p", &keep_min_p, "logits"_a, "p"_a);
  m.def("keep_typical_p", &keep_typical_p, "logits"_a, "p"_a);
  m.def(
      "divide_by_temperature",
      &divide_by_temperature,
      "logits"_a,
      "temperature"_a);
}

} // namespace

void init_generation(nb::module_& m) {
  add_options(m);
  add_results(m);
  add_generator(m);
  add_functions(m);
  add_chain(m);
  m.def(
      "first_tokens",
      &first_tokens,
      "tokenizer"_a,
      "What stands before a text that begins: the end-of-text token, or an "
      "empty line.");
}

} // namespace llm::python
