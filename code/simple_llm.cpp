// SPDX-License-Identifier: MIT
//
// simple_llm: train a small language model from nothing, write with it, judge
// it, count for comparison, and look at its layers. The work is done in llm/;
// this file says in which order. `simple_llm train --help` shows examples.

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

TrainCallbacks watch(
    const Options& o,
    const RunInfo& info,
    const Tokenizer& tokenizer,
    const Interrupt& interrupt,
    Progress& progress) {
  TrainCallbacks callbacks;
  callbacks.stop_requested = [&] { return interrupt.requested(); };
  callbacks.say = [&](const std::string& text) { progress.message(text); };
  callbacks.sample = [&](const LanguageModel& model, int64_t) {
    GenerateOptions g;
    g.sampling = {.temperature = 0.8f, .seed = o.seed};
    g.max_tokens = 200;
    return generate(model, tokenizer, {}, g).text;
  };
  callbacks.on_step = [&](const StepRecord& r) {
    progress.update(r.step, "loss " + three_digits(r.loss));
    if (r.val_loss) {
      progress.message(
          "step " + std::to_string(r.step) + ": " +
          beside_the_bars(*r.val_loss, info));
    }
    if (r.sample) {
      progress.message(
          "step " + std::to_string(r.step) + " writes:" + *r.sample + "\n");
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
  model->initialize(o.seed);
  const fs::path out = o.out.empty()
      ? new_model_folder(fs::path(corpus.name).stem().string())
      : fs::path(o.out);
  ensure_folder(out);
  const LockFile lock(out);
  std::cerr << "training " << nn::count(model->parameters())
            << " parameters on " << split.train.size() << " tokens of "
            << corpus.name << " (" << device_name() << ", " << blas_name()
            << ")\n";
  if (const auto note = mlx_lm_difference(*model); !note.empty()) {
    std::cerr << "note: " << note << "\n";
  }
  const RunInfo info =
      make_run_info(corpus, split, *tokenizer, config, o.preset_name);

  const Interrupt interrupt;
  Progress progress("train", config.steps);
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
  progress.finish();
  point_latest_at(out);

  Json summary = {
      {"steps", result.steps},
      {"train_loss", result.train_loss},
      {"val_loss_sampled", nullptr},
      {"val_loss_full", nullptr},
      {"val_loss_sliding", nullptr},
      {"tokens_per_s", result.tokens_per_s},
      {"seconds", result.seconds},
      {"peak_bytes", nullptr},
      {"out", out.string()},
      {"stopped", result.stopped},
      {"saved_step", result.best_step}};
  if (result.stopped != "interrupted") {
    std::cerr << "evaluating on all " << split.val.size()
              << " validation tokens\n";
    const auto go_on = [&](int64_t, int64_t) { return !interrupt.requested(); };
    const int block = config.block;
    summary["val_loss_sampled"] = evaluate_sampled(
        *model, split.val, o.seed, config.eval_batches, config.batch, block);
    const double full =
        evaluate_fixed(*model, split.val, block, 16, go_on).nats_per_token;
    summary["val_loss_full"] = full;
    summary["val_loss_sliding"] =
        evaluate_sliding(*model, split.val, block, 16, go_on).nats_per_token;
    std::cout << beside_the_bars(full, info) << "\n";
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
  o.generate.eos = folder.tokenizer->eos_id();
  if (o.show_chain) {
    std::cerr << describe(make_chain(o.generate.sampling));
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
  const std::string& text = o.split == "train" ? corpus.split.train
      : o.split == "val"                       ? corpus.split.val
                                               : corpus.text;
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
  const Json result = {
      {"nats_per_char", e.nats_per_char},
      {"nats_per_char_sliding", e.nats_per_char_sliding},
      {"bits_per_char", e.bits_per_char},
      {"bits_per_byte", e.bits_per_byte},
      {"perplexity", e.perplexity},
      {"tokens", e.tokens},
      {"windows", e.windows}};
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
  std::cout << "model        order     k  validation loss (nats/char)\n";
  for (const NgramResult& r : ladder) {
    char line[80];
    const char* format = "%-12s %5d %5.2g %10.4f\n";
    std::snprintf(
        line,
        sizeof line,
        format,
        r.model.c_str(),
        r.n,
        r.k,
        r.val_nats_per_char);
    std::cout << line;
  }
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
    line.add("describe", "print a model's layers", llm::run_describe);
    return line.run();
  });
}
