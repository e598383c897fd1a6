// SPDX-License-Identifier: MIT
//
// What the heads of a model look at while it reads a text: the scores of all
// heads, and the whole map of the one that looks most at the token before and
// of the one that looks furthest back. Prints one line of JSON.

#include <algorithm>
#include <cmath>
#include <iostream>

#include <CLI/CLI.hpp>

#include "llm/core/error.h"
#include "llm/core/json.h"
#include "llm/core/program.h"
#include "llm/inspect/attention.h"
#include "llm/models/load.h"
#include "llm/nn/backend.h"

namespace llm {

using inspect::HeadScore;

double rounded(float x) {
  return std::round(1000.0 * x) / 1000; // the file stays small
}

Json to_json(const HeadScore& s) {
  return {
      {"layer", s.layer},
      {"head", s.head},
      {"entropy", rounded(s.entropy)},
      {"sink", rounded(s.sink)},
      {"previous", rounded(s.previous)},
      {"induction", rounded(s.induction)},
      {"distance", rounded(s.distance)}};
}

/** Row q holds q + 1 weights. */
Json map_of(const inspect::Reading& reading, const HeadScore& head) {
  Json rows = Json::array();
  for (int q = 0; q < reading.length(); ++q) {
    Json row = Json::array();
    for (const float weight :
         inspect::attention_row(reading, head.layer, head.head, q)) {
      row.push_back(rounded(weight));
    }
    rows.push_back(row);
  }
  Json out = to_json(head);
  out["rows"] = rows;
  return out;
}

int run(const std::string& path, const std::string& text) {
  start_mlx();
  const ModelFolder folder = load_model(path);
  const std::vector<int32_t> ids = folder.tokenizer->encode(text);
  const auto reading = inspect::read(*folder.model, ids);
  std::vector<HeadScore> heads;
  for (int layer = 0; layer < folder.model->layer_count(); ++layer) {
    for (const HeadScore& s : inspect::head_scores(*reading, layer)) {
      heads.push_back(s);
    }
  }
  const auto most = [&](float HeadScore::* score) {
    return *std::max_element(
        heads.begin(), heads.end(), [&](const auto& a, const auto& b) {
          return a.*score < b.*score;
        });
  };
  Json tokens = Json::array(), scores = Json::array();
  for (const int32_t id : ids) {
    tokens.push_back(folder.tokenizer->decode({id}));
  }
  for (const HeadScore& s : heads) {
    scores.push_back(to_json(s));
  }
  const Json result = {
      {"tokens", tokens},
      {"scores", scores},
      {"maps",
       {{"previous", map_of(*reading, most(&HeadScore::previous))},
        {"distance", map_of(*reading, most(&HeadScore::distance))}}}};
  std::cout << result.dump() << "\n";
  return 0;
}

} // namespace llm

int main(int argc, char** argv) {
  return llm::run_program("attention", [&] {
    std::string model, text;
    CLI::App app{"Show what the heads of a model look at."};
    app.add_option("--model", model, "folder or GGUF file")->required();
    app.add_option("--text", text, "to be read")->required();
    try {
      app.parse(argc, argv);
    } catch (const CLI::Success& help) {
      return app.exit(help);
    } catch (const CLI::ParseError& error) {
      throw llm::UsageError(
          "options", std::string(error.what()) + "; see --help.");
    }
    return llm::run(model, text);
  });
}
