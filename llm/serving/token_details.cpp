// SPDX-License-Identifier: MIT

#include "llm/serving/token_details.h"

#include <cmath>

#include "llm/core/top_k.h"
#include "llm/core/utf8.h"

namespace llm::serving {

DetailGraph detail_graph(const Choice& choice) {
  const nn::Spread raw = nn::spread(choice.raw);
  const bool same = choice.final.id() == choice.stages.front().id() &&
      choice.final.size() == choice.raw.size(); // nothing in the chain
  return {raw, same ? raw : nn::spread(choice.final)};
}

void collect(
    const Choice& choice,
    const DetailGraph& graph,
    std::vector<mx::array>& outputs) {
  outputs.insert(
      outputs.end(),
      {choice.raw, choice.final, graph.raw.entropy, graph.final.log_sum_exp});
  outputs.insert(outputs.end(), choice.stages.begin(), choice.stages.end());
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
  const bool gone = std::isinf(choice.final.data<float>()[id]);
  return gone && !chain.empty() ? chain.back().name : "";
}

} // namespace

TokenEvent::Details details_of(
    const Choice& choice,
    const DetailGraph& graph,
    int top,
    const std::vector<SamplerStage>& chain,
    const Tokenizer& tokenizer) {
  const float* raw = choice.raw.data<float>();
  const float* final = choice.final.data<float>();
  const int vocabulary = static_cast<int>(choice.final.size());
  const int32_t id = choice.id.data<int32_t>()[0];
  const float lse = raw[id] - choice.logprob.data<float>()[0];
  const float final_lse = graph.final.log_sum_exp.data<float>()[0];
  TokenEvent::Details out{
      .prob_final = std::exp(final[id] - final_lse),
      .entropy = graph.raw.entropy.data<float>()[0],
      .rank = rank(raw, vocabulary, id),
      .top = {}};
  for (const int32_t other : top_k(raw, vocabulary, top)) {
    out.top.push_back(
        {token_text(tokenizer, other),
         raw[other] - lse,
         std::exp(final[other] - final_lse),
         cut_by(choice, chain, other)});
  }
  return out;
}

TokenText token_text(const Tokenizer& tokenizer, int32_t id) {
  const std::string bytes = tokenizer.decode_bytes(id);
  return {id, replace_invalid_utf8(bytes), bytes};
}

} // namespace llm::serving
