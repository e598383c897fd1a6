// SPDX-License-Identifier: MIT

#include "llm/serving/token_details.h"

#include <cmath>

#include "llm/core/top_k.h"
#include "llm/core/utf8.h"

namespace llm::serving {

DetailGraph detail_graph(const Choice& choice) {
  const nn::Spread raw = nn::spread(choice.raw);
  if (choice.best) {
    return {raw, std::nullopt};
  }
  const bool same = choice.final.id() == choice.stages.front().id() &&
      choice.final.size() == choice.raw.size(); // nothing in the chain
  return {raw, same ? raw : nn::spread(choice.final)};
}

void collect(
    const Choice& choice,
    const DetailGraph& graph,
    std::vector<mx::array>& outputs) {
  outputs.insert(outputs.end(), {choice.raw, graph.raw.entropy});
  outputs.insert(outputs.end(), choice.stages.begin(), choice.stages.end());
  if (choice.best) {
    outputs.push_back(*choice.best);
  } else {
    outputs.insert(outputs.end(), {choice.final, graph.final->log_sum_exp});
  }
}

namespace {

int rank(const float* x, int n, int32_t id) {
  int above = 0;
  for (int i = 0; i < n; ++i) {
    above += x[i] > x[id];
  }
  for (int i = 0; i < id; ++i) {
    above += x[i] == x[id];
  }
  return above + 1;
}

bool is_best(const Choice& choice, int32_t id) {
  return id == choice.best->data<int32_t>()[0];
}

/** How likely the draw was to give the token. */
float prob_final(const Choice& choice, const DetailGraph& graph, int32_t id) {
  if (choice.best) {
    return is_best(choice, id) ? 1.0F : 0.0F;
  }
  return std::exp(
      choice.final.data<float>()[id] -
      graph.final->log_sum_exp.data<float>()[0]);
}

/** The stage after which the token is gone, or "". */
std::string cut_by(
    const Choice& choice,
    const std::vector<SamplerStage>& chain,
    int32_t id) {
  for (size_t i = 1; i < choice.stages.size(); ++i) {
    if (std::isinf(choice.stages[i].data<float>()[id])) {
      return chain[i - 1].name;
    }
  }
  return choice.best && !is_best(choice, id) ? chain.back().name : "";
}

} // namespace

TokenEvent::Details details_of(
    const Choice& choice,
    const DetailGraph& graph,
    int top,
    const std::vector<SamplerStage>& chain,
    const Tokenizer& tokenizer) {
  const float* raw = choice.raw.data<float>();
  const int vocabulary = static_cast<int>(choice.stages.back().size());
  const int32_t id = choice.id.data<int32_t>()[0];
  const float lse = raw[id] - choice.logprob.data<float>()[0];
  TokenEvent::Details out{
      .prob_final = prob_final(choice, graph, id),
      .entropy = graph.raw.entropy.data<float>()[0],
      .rank = rank(raw, vocabulary, id),
      .top = {}};
  for (const int32_t other : top_k(raw, vocabulary, top)) {
    out.top.push_back(
        {token_text(tokenizer, other),
         raw[other] - lse,
         prob_final(choice, graph, other),
         cut_by(choice, chain, other)});
  }
  return out;
}

TokenText token_text(const Tokenizer& tokenizer, int32_t id) {
  const std::string bytes = tokenizer.decode_bytes(id);
  return {id, replace_invalid_utf8(bytes), bytes};
}

} // namespace llm::serving
