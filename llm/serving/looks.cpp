// SPDX-License-Identifier: MIT

#include "llm/serving/looks.h"

#include <algorithm>
#include <cmath>

#include <mlx/ops.h>
#include <mlx/transforms.h>

#include "llm/core/utf8.h"
#include "llm/generation/samplers.h"
#include "llm/inspect/attention.h"
#include "llm/inspect/lens.h"
#include "llm/serving/pictures.h"
#include "llm/serving/token_details.h"

namespace llm::serving {

namespace {

const Tokenizer& tokenizer(const Run& run) {
  return *run.model->use.tokenizer;
}

Json to_json(
    const std::vector<inspect::TokenProbability>& top,
    const Run& run) {
  Json out = Json::array();
  for (const auto& [id, p] : top) {
    out.push_back(
        {{"id", id}, {"text", token_text(tokenizer(run), id).text}, {"p", p}});
  }
  return out;
}

/** JSON has no infinity. */
Json finite(double x) {
  return std::isfinite(x) ? Json(x) : Json(nullptr);
}

/** The layers whose queries were kept. */
std::vector<int> captured(const Run& run) {
  std::vector<int> out;
  for (size_t i = 0; i < run.reading.layers.size(); ++i) {
    if (run.reading.layers[i]) {
      out.push_back(static_cast<int>(i));
    }
  }
  return out;
}

struct Head {
  int layer, head;
};

Head take_head(const Run& run, Query& query) {
  const ModelSizes all = sizes(*run.model->use.model);
  const Head out = {
      take_int(query, "layer", 0, all.layers - 1),
      take_int(query, "head", 0, all.heads - 1)};
  if (!run.reading.layers[out.layer]) {
    throw ApiError(
        400,
        "invalid_value",
        "expected a layer that was captured but layer " +
            std::to_string(out.layer) + " was not; inspect the text again.",
        "layer");
  }
  return out;
}

Answer thumbs(const Run& run, Query query) {
  const int size = take_int(query, "size", 8, 256, 64);
  expect_nothing_left(query);
  Answer out{.type = "application/octet-stream", .body = {}, .headers = {}};
  int heads = 0, side = 0;
  const std::vector<int> layers = captured(run);
  for (const int layer : layers) {
    for (const auto& one : inspect::layer_pictures(run.reading, layer, size)) {
      out.body += square(one);
      side = one.side;
      heads += layer == layers.front();
    }
  }
  out.headers["X-Shape"] = std::to_string(layers.size()) + "," +
      std::to_string(heads) + "," + std::to_string(side) + "," +
      std::to_string(side);
  out.headers["X-Coding"] = "sqrt-u8";
  return out;
}

Answer attention(const Run& run, Query query) {
  const auto [layer, head] = take_head(run, query);
  const int level = take_int(query, "level", 0, 3, 0);
  const bool weighted = take_int(query, "weighted", 0, 1, 0) == 1;
  const std::string format =
      query.contains("format") ? query.extract("format").mapped() : "u8";
  if (format != "u8" && format != "f16") {
    throw ApiError(
        400,
        "invalid_value",
        "expected u8 or f16 but received " + quote(format) + ".",
        "format");
  }
  expect_nothing_left(query);
  inspect::Picture picture =
      inspect::head_picture(run.reading, layer, head, 512 >> level, weighted);
  Answer out{.type = "application/octet-stream", .body = {}, .headers = {}};
  if (weighted) {
    out.headers["X-Scale"] = std::to_string(scale_to_one(picture));
  }
  out.body = format == "u8" ? triangle(picture) : triangle_of_halves(picture);
  out.headers["X-Shape"] = std::to_string(picture.side);
  out.headers["X-Tokens"] = std::to_string(run.reading.length());
  out.headers["X-Coding"] = format == "u8" ? "sqrt-u8" : "f16";
  return out;
}

Answer row(const Run& run, Query query) {
  const auto [layer, head] = take_head(run, query);
  const int q = take_int(query, "q", 0, run.reading.length() - 1);
  expect_nothing_left(query);
  const mx::array norms =
      mx::contiguous(inspect::value_norms(run.reading, layer)); // [H_kv, T]
  mx::eval(norms);
  const int group =
      run.reading.layers[layer]->queries.shape(0) / norms.shape(0);
  const float* own =
      norms.data<float>() + static_cast<size_t>(head / group) * norms.shape(1);
  return json_answer(
      {{"layer", layer},
       {"head", head},
       {"q", q},
       {"weights", inspect::attention_row(run.reading, layer, head, q)},
       {"value_norms", std::vector<float>(own, own + q + 1)}});
}

Answer heads(const Run& run, Query query) {
  expect_nothing_left(query);
  Json list = Json::array();
  for (const int layer : captured(run)) {
    for (const auto& s : inspect::head_scores(run.reading, layer)) {
      list.push_back(
          {{"layer", s.layer},
           {"head", s.head},
           {"kv_group", s.kv_group},
           {"entropy", s.entropy},
           {"sink", s.sink},
           {"prev", s.previous},
           {"induction", s.induction},
           {"distance", s.distance}});
    }
  }
  return json_answer({{"heads", list}});
}

Answer lens(const Run& run, Query query) {
  const int T = run.reading.length();
  const int to = take_int(query, "to", 1, T, T);
  const int from = take_int(query, "from", 0, to - 1, std::max(0, to - 32));
  const int top_k = take_int(query, "top_k", 1, 20, 5);
  expect_nothing_left(query);
  const inspect::Lens lens =
      inspect::logit_lens(*run.model->use.model, run.reading, from, to, top_k);
  Json layers = Json::array();
  for (size_t layer = 0; layer < lens.cells.size(); ++layer) {
    Json positions = Json::array();
    for (size_t i = 0; i < lens.cells[layer].size(); ++i) {
      const inspect::LensCell& cell = lens.cells[layer][i];
      positions.push_back(
          {{"pos", from + static_cast<int>(i)},
           {"kl", finite(cell.kl)},
           {"rank_final", cell.rank_final},
           {"top", to_json(cell.top, run)}});
    }
    layers.push_back({{"layer", layer}, {"positions", positions}});
  }
  return json_answer({{"from", from}, {"to", to}, {"layers", layers}});
}

Answer logits(const Run& run, Query query) {
  const int pos = take_int(query, "pos", 0, run.reading.length() - 1);
  expect_nothing_left(query);
  const mx::array x = mx::contiguous(
      inspect::logits_after(*run.model->use.model, run.reading, pos));
  mx::eval(x);
  Answer out{.type = "application/octet-stream", .body = {}, .headers = {}};
  out.body = little_endian(x.data<float>(), x.size());
  out.headers["X-Shape"] = std::to_string(x.size());
  return out;
}

Answer stages(const Run& run, Query query) {
  const int pos = take_int(query, "pos", 0, run.reading.length() - 1);
  const int shown = take_int(query, "top_k_shown", 1, 100, 20);
  const SamplingConfig config = take_sampling(query);
  expect_nothing_left(query);
  const std::vector<SamplerStage> chain = make_chain(config);
  const std::vector<int32_t> seen(
      run.reading.tokens.begin(), run.reading.tokens.begin() + pos + 1);
  const LanguageModel& model = *run.model->use.model;
  const int vocabulary =
      std::min(model.vocab_size(), tokenizer(run).vocab_size());
  mx::array x = mx::contiguous(mx::slice(
      inspect::logits_after(model, run.reading, pos), {0}, {vocabulary}));
  mx::eval(x);
  const std::vector<double> raw = inspect::probabilities(x);
  Json list = Json::array();
  const auto tell = [&](const std::string& name, const std::string& effect) {
    const std::vector<double> p = inspect::probabilities(x);
    int survivors = 0;
    double mass = 0;
    for (size_t i = 0; i < p.size(); ++i) {
      survivors += p[i] > 0;
      mass += p[i] > 0 ? raw[i] : 0;
    }
    list.push_back(
        {{"name", name},
         {"effect", effect},
         {"survivors", survivors},
         {"mass", mass},
         {"top", to_json(inspect::likeliest(p, shown), run)}});
  };
  tell("softmax", "the probabilities of the model");
  for (const SamplerStage& stage : chain) {
    x = mx::contiguous(stage.apply(x, seen));
    mx::eval(x);
    tell(stage.name, stage.effect);
  }
  return json_answer({{"stages", list}});
}

} // namespace

Json describe(const Run& run, int seconds) {
  const ModelSizes all = sizes(*run.model->use.model);
  Json tokens = Json::array();
  for (const int32_t id : run.reading.tokens) {
    tokens.push_back(serving::to_json(token_text(tokenizer(run), id)));
  }
  return {
      {"run", run.id},
      {"model", run.model->id},
      {"tokens", tokens},
      {"n_layers", all.layers},
      {"n_heads", all.heads},
      {"n_kv_heads", all.kv_heads},
      {"layers", captured(run)},
      {"bytes", run.reading.bytes()},
      {"expires_s", seconds}};
}

Json to_json(const inspect::WhatIf& change, const Run& run) {
  Json by_position = Json::array();
  for (const double kl : change.kl_by_position) {
    by_position.push_back(finite(kl));
  }
  return {
      {"kl", finite(change.kl)},
      {"kl_by_position", by_position},
      {"top_before", to_json(change.top_before, run)},
      {"top_after", to_json(change.top_after, run)}};
}

Answer look(const Run& run, const std::string& what, Query query, int seconds) {
  static const std::map<std::string, Answer (*)(const Run&, Query)> looks = {
      {"thumbs", thumbs},
      {"attention", attention},
      {"row", row},
      {"heads", heads},
      {"lens", lens},
      {"logits", logits},
      {"stages", stages}};
  if (what.empty()) {
    expect_nothing_left(query);
    return json_answer(describe(run, seconds));
  }
  const auto it = looks.find(what);
  if (it == looks.end()) {
    throw ApiError(
        404, "not_found", "expected something that a run has; see the API.");
  }
  return it->second(run, std::move(query));
}

} // namespace llm::serving
