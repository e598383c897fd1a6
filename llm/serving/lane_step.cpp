// SPDX-License-Identifier: MIT
//
// A lane's part in a step: what is computed for its next token, what is told of
// it, and what is kept for looking into later.

#include <algorithm>
#include <cmath>

#include <mlx/ops.h>
#include <mlx/transforms.h>

#include "llm/inspect/attention.h"
#include "llm/serving/lane.h"

namespace llm::serving {

void Lane::choose_next(
    const mx::array& logits,
    const std::vector<inspect::LayerReading>& queries) {
  choice_ = choose(*row_, logits, chain_, options_);
  if (options_.top_logprobs > 0) {
    details_ = detail_graph(*choice_);
  }
  if (!reading_) {
    return;
  }
  const int layer = request_.capture->layer;
  attention_ =
      mx::contiguous(inspect::last_row(cache_->layers[layer], queries[layer]));
  queries_.resize(queries.size());
  for (size_t i = 0; i < queries.size(); ++i) {
    queries_[i].push_back(queries[i].queries);
    if (!reading_->layers[i]) { // a prompt of one token: nothing was prefilled
      reading_->layers[i] = inspect::LayerReading{
          mx::slice(queries[i].queries, {0, 0, 0}, {0, 0, 0}),
          queries[i].attention};
    }
  }
}

void Lane::collect(std::vector<mx::array>& outputs) const {
  outputs.insert(outputs.end(), {choice_->id, choice_->logprob});
  if (details_) {
    serving::collect(*choice_, *details_, outputs);
  }
  if (reading_) {
    outputs.push_back(*attention_);
    outputs.push_back(choice_->raw);
    for (const auto& layer : queries_) {
      outputs.push_back(layer.back());
    }
  }
}

namespace {

/** A row of weights for a picture: 255 sqrt(p). */
std::string coded(const float* weights, int n) {
  std::string out(n, '\0');
  for (int i = 0; i < n; ++i) {
    out[i] = static_cast<char>(
        static_cast<unsigned char>(std::lround(255 * std::sqrt(weights[i]))));
  }
  return out;
}

} // namespace

TokenEvent Lane::event_of(const GeneratedToken& token, double ms) const {
  const Tokenizer& tokenizer = *model_->use.tokenizer;
  TokenEvent out{
      .i = static_cast<int>(row_->text().size() - row_->prompt_length()) - 1,
      .id = token.id,
      .text = token.text,
      .bytes = tokenizer.decode_bytes(token.id),
      .logprob_raw = token.logprob,
      .ms = ms,
      .details = {},
      .attention = {}};
  if (details_) {
    out.details = details_of(
        *choice_, *details_, options_.top_logprobs, chain_, tokenizer);
  }
  if (reading_) {
    std::map<int, std::string> rows;
    const int n = attention_->shape(1);
    for (const int head : request_.capture->heads) {
      rows[head] =
          coded(attention_->data<float>() + static_cast<size_t>(head) * n, n);
    }
    out.attention.emplace(request_.capture->layer, std::move(rows));
  }
  return out;
}

void Lane::take_next() {
  GeneratedToken token{
      choice_->id.data<int32_t>()[0], "", choice_->logprob.data<float>()[0]};
  row_->add(token);
  const auto now = Clock::now();
  const double ms =
      std::chrono::duration<double, std::milli>(now - last_).count();
  last_ = now;
  if (!first_) {
    first_ = now;
  }
  stream_->push(event_of(token, ms));
  if (row_->finished()) {
    tell_done(reason());
  }
}

std::optional<Run> Lane::take_run() {
  if (phase_ != Phase::over || !reading_ || cache_->length() == 0) {
    return std::nullopt;
  }
  inspect::Reading reading = std::move(*reading_);
  reading_.reset();
  const int length = cache_->length();
  const std::vector<int32_t>& text = row_->text();
  reading.tokens.assign(text.begin(), text.begin() + length);
  for (size_t i = 0; i < queries_.size(); ++i) {
    std::vector<mx::array> parts = std::move(queries_[i]);
    parts.insert(parts.begin(), reading.layers[i]->queries);
    // The empty beginning of a prompt of one token has no width.
    std::erase_if(parts, [](const mx::array& x) { return x.size() == 0; });
    reading.layers[i]->queries = mx::concatenate(parts, 1);
  }
  reading.cache = *cache_;
  if (choice_) {
    reading.last_logits = choice_->raw;
  } else { // it was cancelled before its first token
    reading.last_logits =
        inspect::logits_after(*model_->use.model, reading, length - 1);
  }
  for (const auto& layer : reading.layers) {
    mx::eval(layer->queries);
  }
  return Run{run_id_, model_, std::move(reading), {}};
}

} // namespace llm::serving
