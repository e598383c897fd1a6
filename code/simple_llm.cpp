// SPDX-License-Identifier: MIT
//
// simple_llm: train a small language model from nothing, write with it, judge
// it, count for comparison, look at its layers and its text. The work is done
// in llm/; this file says in which order. `simple_llm train --help` shows
// examples.

#include <cmath>
#include <iostream>

#include "code/options.h"
#include "llm/core/interrupt.h"
#include "llm/core/lock_file.h"
#include "llm/core/program.h"
#include "llm/core/progress.h"
#include "llm/io/model_home.h"
#include "llm/models/load.h"
#include "llm/nn/backend.h"
#include "llm/tokenizers/char.h"
#include "llm/training/evaluate.h"
#include "llm/training/run_info.h"

namespace llm {

namespace fs = std::filesystem;

Corpus read_corpus(const Options& o, const std::string& fallback) {
  return load_corpus(
      o.data.empty() ? fallback : o.data, {.offline = o.offline});
}

const std::string& part_of(const Corpus& corpus, const std::string& split) {
  return split == "train" ? corpus.split.train
      : split == "val"    ? corpus.split.val
                          : corpus.text;
}

TrainCallbacks watch(
    const Options& o,
    const RunInfo& info,
    const Tokenizer& tokenizer,
    const Interrupt& interrupt,
    std::optional<Progress>& progress) {
  TrainCallbacks callbacks;
  callbacks.on_start = [&](int64_t step) {
    progress.emplace(
        "train", o.preset.train.steps, ProgressOptions{.start = step});
  };
  callbacks.stop_requested = [&] { return interrupt.requested(); };
  callbacks.say = [](const std::string& text) { std::cerr << text << "\n"; };
  callbacks.sample = [&](const LanguageModel& model, int64_t) {
    GenerateOptions g;
    g.sampling = {.temperature = 0.8f, .seed = o.seed};
    g.max_tokens = 200;
    std::string text = generate(model, tokenizer, {}, g).text;
    return text.erase(0, text.find_first_not_of('\n'));
  };
  callbacks.on_step = [&](const StepRecord& r) {
    progress->update(r.step, "loss " + three_digits(r.loss));
    if (r.val_loss) {
      progress->message(
          "step " + std::to_string(r.step) + ": " +
          beside_the_bars(*r.val_loss, info));
    }
    if (r.sample) {
      progress->message(
          "step " + std::to_string(r.step) + " writes: " + *r.sample + "\n");
    }
  };
  return callbacks;
}

int run_train(Options& o) {
  TrainConfig& config = o.preset.train;
  config.seed = o.seed;
  config.validate();
  const Corpus corpus = read_corpus(o, o.preset.data);
  const auto tokenizer = make_tokenizer(o.preset, corpus);
  const Split split = {
      tokenizer->encode(corpus.split.train),
      tokenizer->encode(corpus.split.val)};
  check_split(split, config.block);
  const auto model = make_model(
      model_config(o.preset.model, tokenizer->vocab_size(), config.block));
  check_memory(nn::count(model->parameters()));
  model->initialize(o.seed);
  const fs::path out =
      o.out.empty() ? new_model_folder(short_name(corpus)) : fs::path(o.out);
  ensure_folder(out);
  const LockFile lock(out);
  std::cerr << "training " << nn::count(model->parameters())
            << " parameters on " << split.train.size() << " tokens of "
            << corpus.name << " (" << backend_text() << ")\n";
  if (const auto note = mlx_lm_difference(*model); !note.empty()) {
    std::cerr << "note: " << note << "\n";
  }
  const RunInfo info =
      make_run_info(corpus, split, *tokenizer, config, o.preset_name);

  const Interrupt interrupt;
  std::optional<Progress> progress;
  const TrainResult result = train(
      *model,
      *tokenizer,
      split,
      config,
      info,
      out,
      o.resume,
      o.force,
      watch(o, info, *tokenizer, interrupt, progress));
  progress.reset();
  point_latest_at(out);

  Json summary = summary_of(result, out);
  if (result.stopped != "interrupted") {
    std::cerr << "evaluating on all validation text\n";
    Progress evaluation("evaluate", 0, {.unit = "window"});
    const auto losses = evaluate_final(
        *model,
        split.val,
        o.seed,
        config.eval_batches,
        config.batch,
        config.block,
        [&](int64_t done, int64_t) {
          evaluation.update(done);
          return !interrupt.requested();
        });
    evaluation.finish();
    if (losses) {
      summary["val_loss_sampled"] = losses->sampled;
      summary["val_loss_full"] = losses->fixed;
      summary["val_loss_sliding"] = losses->sliding;
      std::cout << beside_the_bars(losses->fixed, info) << "\n";
    }
  }
  summary["peak_bytes"] = peak_memory_bytes();
  std::cout << result.stopped << " after " << result.steps << " steps, "
            << format_seconds(result.seconds) << "; saved in " << out.string()
            << "\n";
  if (o.json) {
    std::cout << summary.dump() << "\n";
  }
  return 0;
}

int run_sample(Options& o) {
  const ModelFolder folder = load_model_folder(find_model(o.model));
  o.generate.sampling.seed = o.seed;
  if (const auto eos = folder.tokenizer->eos_id()) {
    o.generate.eos = {*eos};
  }
  const auto chain = make_chain(o.generate.sampling); // checks the options
  if (o.generate.max_tokens < 0) {
    throw UsageError("sample", "expected --max-tokens of at least 0.");
  }
  if (o.show_chain) {
    std::cerr << describe(chain);
  }
  const std::vector<int32_t> prompt = folder.tokenizer->encode(o.prompt);
  const Interrupt interrupt;
  std::cout << o.prompt << std::flush;
  const auto show = [&](const GeneratedToken& token) {
    std::cout << token.text << std::flush;
    return !interrupt.requested();
  };
  const Generation g =
      generate(*folder.model, *folder.tokenizer, prompt, o.generate, show);
  std::cout << "\n";
  if (o.json) {
    const Json result = {
        {"text", o.prompt + g.text},
        {"tokens", g.ids},
        {"logprobs", g.logprobs}};
    std::cout << result.dump() << "\n";
  }
  return 0;
}

int run_eval(Options& o) {
  const fs::path path = find_model(o.model);
  const ModelFolder folder = load_model_folder(path);
  const Corpus corpus = read_corpus(o, o.data.empty() ? trained_on(path) : "");
  const std::string& text = part_of(corpus, o.split);
  const Interrupt interrupt;
  Progress progress("eval", 0, {.unit = "window"});
  const TextEvaluation e = evaluate_text(
      *folder.model, *folder.tokenizer, text, [&](int64_t done, int64_t) {
        progress.update(done);
        return !interrupt.requested();
      });
  progress.finish();
  if (interrupt.requested()) {
    std::cerr << "interrupted: no result\n";
    return 128 + interrupt.signal();
  }
  const Json result = to_json(e);
  if (o.json) {
    std::cout << result.dump() << "\n";
    return 0;
  }
  for (const auto& [name, value] : result.items()) {
    std::cout << name << ": " << value << "\n";
  }
  return 0;
}

int run_ngram(Options& o) {
  const Corpus corpus = read_corpus(o, "tiny-tales");
  const CharTokenizer tokenizer = CharTokenizer::train(corpus.text);
  const auto ladder = ngram_ladder(
      tokenizer.encode(corpus.split.train),
      tokenizer.encode(corpus.split.val),
      tokenizer.vocab_size());
  if (o.json) {
    const Json result = {
        {"uniform", std::log(tokenizer.vocab_size())},
        {"ladder", to_json(ladder)}};
    std::cout << result.dump() << "\n";
    return 0;
  }
  std::cout << to_text(ladder);
  return 0;
}

int run_text(Options& o) {
  std::cout << part_of(read_corpus(o, "tiny-tales"), o.split);
  return 0;
}

int run_describe(Options& o) {
  std::cout << describe(*load_model_folder(find_model(o.model)).model);
  return 0;
}

} // namespace llm

int main(int argc, char** argv) {
  return llm::run_program("simple_llm", [&] {
    llm::Options options;
    llm::CommandLine line(options, argc, argv);
    line.add("train", "train a model from nothing", llm::run_train);
    line.add("sample", "write text with a model", llm::run_sample);
    line.add("eval", "measure a model's loss on a text", llm::run_eval);
    line.add("ngram", "count characters: the bar to beat", llm::run_ngram);
    line.add("text", "print the text that is learned from", llm::run_text);
    line.add("describe", "print a model's layers", llm::run_describe);
    return line.run();
  });
}
