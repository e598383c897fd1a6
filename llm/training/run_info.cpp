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

namespace {

Json floor_json(const Corpus& corpus, int block) {
  if (!corpus.generated) {
    return nullptr;
  }
  const EntropyFloor floor = tales_floor(corpus.split.val, block, 200);
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

RunInfo make_run_info(
    const Corpus& corpus,
    const Split& split,
    const Tokenizer& tokenizer,
    const TrainConfig& config,
    const std::string& preset_name) {
  RunInfo info;
  info.data = {{"name", corpus.name}, {"sha256", corpus.sha256}};
  info.header = {{"ladder", Json::array()}, {"entropy_floor", nullptr}};
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
  const Json first = parse_json(line, path.string());
  if (!first.contains("config") || !first["config"].contains("data")) {
    throw InputError(
        path.string(), "the first line names no data; use --data.");
  }
  return json_get<std::string>(first["config"]["data"], "name", path.string());
}

} // namespace llm
