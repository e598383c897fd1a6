// SPDX-License-Identifier: MIT

#include "llm/generation/generate_batch_ahead.h"

#include <algorithm>
#include <optional>

#include <mlx/ops.h>
#include <mlx/transforms.h>

#include "llm/generation/batch_loop.h"
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

class Step : public BatchStep {
 public:
  using BatchStep::BatchStep;

  /** The GPU goes on with the tokens after these. */
  std::vector<GeneratedToken> operator()(
      const std::vector<BatchLane*>& lanes) override {
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

  bool has_begun(const BatchLane& lane) const override {
    return ahead_ && ahead_->row_of(&lane);
  }

  /** Texts of about one length in one array, padded on the right, where nothing
   * looks: the keys of the padding are cut off afterwards. */
  void read(const std::vector<BatchLane*>& lanes) override {
    std::vector<BatchLane*> rest;
    for (BatchLane* lane : lanes) {
      const size_t length = lane->row.text().size();
      if (length > 1 && length <= static_cast<size_t>(model.context_length()) &&
          lane->cache.cache.can_stack()) {
        rest.push_back(lane);
      }
    }
    const auto length = [](const BatchLane* lane) {
      return static_cast<int>(lane->row.text().size()) - 1; // all but the last
    };
    std::stable_sort(rest.begin(), rest.end(), [&](auto* a, auto* b) {
      return length(a) > length(b);
    });
    for (auto from = rest.begin(); from != rest.end();) {
      const int longest = length(*from);
      const auto to = std::find_if(from, rest.end(), [&](BatchLane* lane) {
        return 2 * length(lane) < longest;
      });
      if (to - from > 1) { // in the order in which they go on
        std::sort(
            from, to, [](auto* a, auto* b) { return a->index < b->index; });
        read_group({from, to}, longest);
      }
      from = to;
    }
  }

  void release() override {
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

  void read_group(const std::vector<BatchLane*>& lanes, int longest) {
    const int B = static_cast<int>(lanes.size());
    std::vector<int32_t> ids;
    std::vector<int> lengths;
    for (BatchLane* lane : lanes) {
      const std::vector<int32_t>& text = lane->row.text();
      lengths.push_back(static_cast<int>(text.size()) - 1);
      ids.insert(ids.end(), text.begin(), text.end() - 1);
      ids.resize(ids.size() + longest - lengths.back());
    }
    const mx::array tokens(ids.data(), {B, longest}, mx::int32);
    KVCache together = model.make_cache();
    for (int at = 0; at < longest; at += options.prefill_chunk) {
      const int end = std::min(longest, at + options.prefill_chunk);
      model.logits(mx::slice(tokens, {0, at}, {B, end}), &together);
      mx::eval(together.arrays()); // the logits are never computed
      if (options.on_prefill && !options.on_prefill(end, longest + 1)) {
        for (BatchLane* lane : lanes) {
          lane->row.interrupt();
        }
        return;
      }
    }
    if (stacked_) {
      together.divide(caches(lanes), lengths);
    } else { // mostly they go on together
      together.align(lengths);
      stacked_ = std::move(together);
      in_stack_ = lanes;
    }
    for (BatchLane* lane : lanes) {
      const std::vector<int32_t>& text = lane->row.text();
      lane->cache.ids.assign(text.begin(), text.end() - 1);
    }
  }

  /** What was begun for some lanes, and a choice for those that are new. */
  Drawn known(const std::vector<BatchLane*>& lanes) {
    std::vector<BatchLane*> fresh;
    std::vector<int32_t> last, order;
    std::vector<int32_t> begun;
    for (BatchLane* lane : lanes) {
      if (has_begun(*lane)) {
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
      order.push_back(has_begun(*lane) ? a++ : b++);
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
        model.logits(mx::reshape(tokens, {B, 1}), &cache), {B, -1}); // [B, V]
    Drawn out{indices(lanes), mx::array(0), mx::array(0)};
    if (options.sampling.temperature == 0) {
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
      const Choice choice = choose(lanes[b]->row, row, chain, options, ahead);
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
      release();
      in_stack_ = lanes;
      stacked_ = KVCache::stack(caches(lanes));
    }
    return *stacked_;
  }

  bool may_go_ahead(const std::vector<BatchLane*>& lanes) const {
    return std::all_of(lanes.begin(), lanes.end(), [&](const BatchLane* lane) {
      const auto written = static_cast<int>(lane->row.result().ids.size());
      return written + 1 < options.max_tokens &&
          lane->reader.room(lane->row.text()) > 1;
    });
  }

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
  Step step(model, options);
  return run_batch(tokenizer, prompts, on_token, rows, step);
}

} // namespace llm
