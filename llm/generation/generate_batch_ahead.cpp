// SPDX-License-Identifier: MIT

#include "llm/generation/generate_batch_ahead.h"

#include <algorithm>
#include <memory>
#include <optional>

#include <mlx/ops.h>
#include <mlx/transforms.h>

#include "llm/generation/batch_lane.h"
#include "llm/generation/choose.h"
#include "llm/nn/loss.h"

namespace llm {

namespace {

/** Tokens that were chosen together, one for each of `lanes`. */
struct Drawn {
  std::vector<size_t> lanes; // their indices
  mx::array ids, logprobs;   // [B]

  std::optional<size_t> row_of(const BatchLane* lane) const {
    const auto it = std::find(lanes.begin(), lanes.end(), lane->index);
    return it == lanes.end() ? std::nullopt
                             : std::optional<size_t>(it - lanes.begin());
  }
};

class Batch {
 public:
  Batch(
      const LanguageModel& model,
      const GenerateOptions& options,
      const std::vector<SamplerStage>& chain)
      : model_(model), options_(options), chain_(chain) {}

  /** The next token of each lane, and the GPU goes on with the one after it. */
  std::vector<GeneratedToken> step(const std::vector<BatchLane*>& lanes) {
    Drawn now = known(lanes);
    std::vector<mx::array> outputs = {now.ids, now.logprobs};
    mx::async_eval(outputs);
    ahead_.reset();
    if (may_go_ahead(lanes)) {
      ahead_ = draw(lanes, now.ids, 1);
      mx::async_eval(ahead_->ids, ahead_->logprobs);
    }
    mx::eval(outputs);
    std::vector<GeneratedToken> out;
    for (size_t b = 0; b < lanes.size(); ++b) {
      out.push_back(
          {now.ids.data<int32_t>()[b], "", now.logprobs.data<float>()[b]});
      if (ahead_) {
        lanes[b]->cache.ids.push_back(out.back().id); // it has been read
      }
    }
    return out;
  }

  /** True if `lane` waits for nothing but what was begun. */
  bool is_ahead(const BatchLane* lane) const {
    return ahead_ && ahead_->row_of(lane);
  }

  /** Gives the lanes their caches back. */
  void part() {
    if (stacked_) {
      stacked_->unstack(caches(in_stack_));
      stacked_.reset();
    }
    in_stack_.clear();
  }

 private:
  static std::vector<size_t> indices(const std::vector<BatchLane*>& lanes) {
    std::vector<size_t> out;
    for (const BatchLane* lane : lanes) {
      out.push_back(lane->index);
    }
    return out;
  }

  static std::vector<KVCache*> caches(const std::vector<BatchLane*>& lanes) {
    std::vector<KVCache*> out;
    for (BatchLane* lane : lanes) {
      out.push_back(&lane->cache.cache);
    }
    return out;
  }

  /** What was begun for some lanes, and a choice for those that are new. */
  Drawn known(const std::vector<BatchLane*>& lanes) {
    std::vector<BatchLane*> fresh;
    std::vector<int32_t> last, order;
    std::vector<int32_t> begun;
    for (BatchLane* lane : lanes) {
      if (is_ahead(lane)) {
        begun.push_back(static_cast<int32_t>(*ahead_->row_of(lane)));
      } else {
        fresh.push_back(lane);
        last.push_back(lane->row.text().back());
        lane->cache.ids.push_back(last.back());
      }
    }
    if (fresh.empty() && begun.size() == ahead_->lanes.size()) {
      return *ahead_;
    }
    Drawn out{indices(lanes), mx::array(0), mx::array(0)};
    std::vector<mx::array> ids, logprobs;
    if (!begun.empty()) {
      const mx::array rows(
          begun.data(), {static_cast<int>(begun.size())}, mx::int32);
      ids.push_back(mx::take(ahead_->ids, rows, 0));
      logprobs.push_back(mx::take(ahead_->logprobs, rows, 0));
    }
    if (!fresh.empty()) {
      const mx::array tokens(
          last.data(), {static_cast<int>(last.size())}, mx::int32);
      const Drawn found = draw(fresh, tokens, 0);
      ids.push_back(found.ids);
      logprobs.push_back(found.logprobs);
    }
    // In the order of the lanes again: first those that were begun.
    int32_t a = 0, b = static_cast<int32_t>(begun.size());
    for (BatchLane* lane : lanes) {
      order.push_back(is_ahead(lane) ? a++ : b++);
    }
    const mx::array at(
        order.data(), {static_cast<int>(order.size())}, mx::int32);
    out.ids = mx::take(mx::concatenate(ids, 0), at, 0);
    out.logprobs = mx::take(mx::concatenate(logprobs, 0), at, 0);
    return out;
  }

  /** Reads tokens [B] and chooses what follows; lazy. */
  Drawn draw(
      const std::vector<BatchLane*>& lanes,
      const mx::array& tokens,
      size_t ahead) {
    const int B = static_cast<int>(lanes.size());
    KVCache& cache = cache_of(lanes);
    const mx::array logits = mx::reshape(
        model_.logits(mx::reshape(tokens, {B, 1}), &cache), {B, -1}); // [B, V]
    Drawn out{indices(lanes), mx::array(0), mx::array(0)};
    if (options_.sampling.temperature == 0) {
      const mx::array some =
          mx::slice(logits, {0, 0}, {B, lanes[0]->row.vocabulary()});
      out.ids = mx::astype(mx::argmax(some, -1), mx::int32);
      out.logprobs = mx::negative(nn::token_losses(logits, out.ids));
      return out;
    }
    std::vector<mx::array> ids, logprobs;
    const mx::array exact = mx::astype(logits, mx::float32);
    for (int b = 0; b < B; ++b) {
      const mx::array row = mx::flatten(mx::take(exact, b, 0));
      const Choice choice = choose(lanes[b]->row, row, chain_, options_, ahead);
      ids.push_back(choice.id);
      logprobs.push_back(choice.logprob);
    }
    out.ids = mx::stack(ids);
    out.logprobs = mx::stack(logprobs);
    return out;
  }

  KVCache& cache_of(const std::vector<BatchLane*>& lanes) {
    if (!lanes[0]->cache.cache.can_stack()) {
      ragged_ = KVCache::batch(caches(lanes));
      return *ragged_;
    }
    if (in_stack_ != lanes) {
      part();
      in_stack_ = lanes;
      stacked_ = KVCache::stack(caches(lanes));
    }
    return *stacked_;
  }

  bool may_go_ahead(const std::vector<BatchLane*>& lanes) const {
    return std::all_of(lanes.begin(), lanes.end(), [&](const BatchLane* lane) {
      const auto written = static_cast<int>(lane->row.result().ids.size());
      return written + 1 < options_.max_tokens &&
          lane->reader.room(lane->row.text()) > 1;
    });
  }

  const LanguageModel& model_;
  const GenerateOptions& options_;
  const std::vector<SamplerStage>& chain_;
  std::optional<Drawn> ahead_;
  std::vector<BatchLane*> in_stack_; // whose caches are in stacked_
  std::optional<KVCache> stacked_, ragged_;
};

} // namespace

std::vector<Generation> generate_batch_ahead(
    const LanguageModel& model,
    const Tokenizer& tokenizer,
    const std::vector<std::vector<int32_t>>& prompts,
    const GenerateOptions& options,
    const OnBatchToken& on_token,
    int rows) {
  const std::vector<SamplerStage> chain = make_chain(options.sampling);
  std::vector<Generation> out(prompts.size());
  BatchLanes lanes;
  Batch batch(model, options, chain);
  size_t next = 0;
  while (next < prompts.size() || !lanes.empty()) {
    while (next < prompts.size() && lanes.size() < static_cast<size_t>(rows)) {
      lanes.push_back(std::make_unique<BatchLane>(
          next, model, tokenizer, prompts[next], options));
      ++next;
    }
    for (const auto& lane : lanes) {
      if (batch.is_ahead(lane.get()) || lane->row.finished()) {
        continue;
      }
      if (lane->reader.room(lane->row.text()) == 0) { // its cache may change
        batch.part();
      }
      if (!lane->reader.prepare(lane->row.text(), 1, options.on_prefill)) {
        lane->row.interrupt();
      }
    }
    const bool ended = std::any_of(lanes.begin(), lanes.end(), [](auto& lane) {
      return lane->row.finished();
    });
    if (ended) {
      batch.part();
      take_finished(lanes, out);
    }
    if (lanes.empty()) {
      continue;
    }
    std::vector<BatchLane*> all;
    for (const auto& lane : lanes) {
      all.push_back(lane.get());
    }
    std::vector<GeneratedToken> tokens = batch.step(all);
    for (size_t b = 0; b < lanes.size(); ++b) {
      lanes[b]->row.add(tokens[b]);
      if (on_token && !on_token(lanes[b]->index, tokens[b])) {
        lanes[b]->row.interrupt();
      }
    }
  }
  return out;
}

} // namespace llm
