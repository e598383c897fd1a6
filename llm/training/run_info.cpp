// SPDX-License-Identifier: MIT

#include "llm/training/run_info.h"

#include <algorithm>
#include <cstdio>
#include <fstream>

#include "llm/core/error.h"
#include "llm/data/tiny_tales.h"

namespace llm {

Json to_json(const std::vector<NgramResult>& ladder) {
  Json rungs = Json::array();
  for (const NgramResult& r : ladder) {
    rungs.push_back(
        {{"model", r.model},
         {"n", r.n},
         {"k", r.k},
         {"val_nats_per_char", r.val_nats_per_char}});
  }
  return rungs;
}

std::string to_text(const std::vector<NgramResult>& ladder) {
  std::string text = "model        order     k  validation loss (nats/char)\n";
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
    text += line;
  }
  return text;
}

std::string short_name(const Corpus& corpus) {
  const std::filesystem::path path =
      std::filesystem::path(corpus.name + "/").parent_path();
  return path.has_stem() ? path.stem().string() : "model";
}

namespace {

Json floor_json(const Corpus& corpus, int block) {
  if (!corpus.generated) {
    return nullptr;
  }
  const EntropyFloor floor = tales_floor(corpus.split.val, block);
  return {
      {"source", floor.source},
      {"fixed_windows", floor.fixed_windows},
      {"fixed_windows_error", floor.fixed_error},
      {"sliding", floor.sliding},
      {"sliding_error", floor.sliding_error}};
}

std::string readme(
    const Corpus& corpus,
    const Split& split,
    const TrainConfig& config,
    const std::string& preset_name) {
  return "# A small language model\n\n"
         "Trained from nothing with MLX LLM Tutorial (C++ on MLX).\n\n"
         "- Data: " +
      corpus.name + ". " + corpus.source +
      "\n- Licence of the data: " + corpus.license +
      "\n- Training tokens: " + std::to_string(split.train.size()) +
      ", validation tokens: " + std::to_string(split.val.size()) +
      "\n- Preset: " + preset_name +
      "\n- Seed: " + std::to_string(config.seed) + "\n";
}

} // namespace

namespace {

// A name stays a name; a path must be found from any folder.
std::string where_it_is(const Corpus& corpus) {
  const std::vector<std::string> names = corpus_names();
  const bool is_name =
      std::find(names.begin(), names.end(), corpus.name) != names.end();
  return is_name ? corpus.name
                 : std::filesystem::absolute(corpus.name).string();
}

} // namespace

RunInfo make_run_info(
    const Corpus& corpus,
    const Split& split,
    const Tokenizer& tokenizer,
    const TrainConfig& config,
    const std::string& preset_name) {
  RunInfo info;
  info.data = {{"sha256", corpus.sha256}};
  info.header = {
      {"data", where_it_is(corpus)},
      {"ladder", Json::array()},
      {"entropy_floor", nullptr}};
  if (tokenizer.kind() == "char") { // both count characters
    info.header["ladder"] =
        to_json(ngram_ladder(split.train, split.val, tokenizer.vocab_size()));
    info.header["entropy_floor"] = floor_json(corpus, config.block);
  }
  info.readme = readme(corpus, split, config, preset_name);
  return info;
}

std::string three_digits(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", value);
  return text;
}

std::string beside_the_bars(double loss, const RunInfo& info) {
  const std::string text = "validation loss " + three_digits(loss);
  const Json& ladder = info.header["ladder"];
  if (ladder.empty()) {
    return text;
  }
  double counting = ladder[0]["val_nats_per_char"];
  for (const Json& rung : ladder) {
    counting = std::min<double>(counting, rung["val_nats_per_char"]);
  }
  const Json& floor = info.header["entropy_floor"];
  return text + " (counting reaches " + three_digits(counting) +
      (floor.is_null()
           ? ""
           : ", the floor is " + three_digits(floor["fixed_windows"])) +
      ")";
}

std::string trained_on(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "metrics.jsonl";
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) {
    throw UsageError(
        "eval",
        "expected --data, since " + folder.string() +
            " does not say what it was trained on.");
  }
  return json_get<std::string>(
      parse_json(line, path.string()), "data", path.string());
}

Json summary_of(const TrainResult& result, const std::filesystem::path& out) {
  return {
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
}

} // namespace llm
