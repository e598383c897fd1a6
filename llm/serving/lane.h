// SPDX-License-Identifier: MIT
//
// One generation on the inference thread, from its request to its last event.
// It reads its prompt in chunks; then it takes part in batched steps (step.h).

#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "llm/generation/generation_row.h"
#include "llm/inspect/reading.h"
#include "llm/serving/model_table.h"
#include "llm/serving/prompt_memory.h"
#include "llm/serving/run_store.h"
#include "llm/serving/stream.h"
#include "llm/serving/token_details.h"

namespace llm::serving {

class Lane {
 public:
  using Clock = std::chrono::steady_clock;
  enum class Phase { waiting, prefill, decode, over };

  Lane(GenerateRequest request, std::shared_ptr<Stream> stream)
      : request_(std::move(request)), stream_(std::move(stream)) {}
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  Phase phase() const {
    return phase_;
  }
  const GenerateRequest& request() const {
    return request_;
  }
  Stream& stream() const {
    return *stream_;
  }
  const std::shared_ptr<Stream>& shared_stream() const {
    return stream_;
  }
  const ModelHandle& model() const {
    return model_;
  }

  /** Tells once that the model is being loaded; true the first time. */
  bool wait_for_model();
  /** Encodes the prompt, checks everything, tells StartEvent. Throws what is
   * wrong with the request. */
  void begin(ModelHandle model, PromptMemory& memory, int chunk);
  /** Reads one chunk of the prompt, tells PrefillEvent. */
  void prefill(PromptMemory& memory);

  /** It may be part of the next step: the reader keeps up. Ends a lane whose
   * reader does not. */
  bool ready();
  /** Changes are in force: it cannot share a step with others. */
  bool alone() const {
    return !request_.interventions.empty();
  }
  KVCache& cache() {
    return *cache_;
  }
  /** The token that the next step reads. */
  int32_t last_token() const {
    return row_->text().back();
  }

  /** The next token's graph, from logits [V] and the queries [H, 1, D] of each
   * layer that the step used (none without capture). */
  void choose_next(
      const mx::array& logits,
      const std::vector<inspect::LayerReading>& queries);
  bool captures() const {
    return request_.capture.has_value();
  }
  /** Adds what has to be evaluated for it. */
  void collect(std::vector<mx::array>& outputs) const;
  /** Tells the evaluated token, and the end if it is the last. */
  void take_next();

  /** Ends it: "cancelled". */
  void cancel();
  /** Ends it with an ErrorEvent. */
  void fail(const ApiError& error);

  /** What was read with capture, once it is over: to be kept under run_id. */
  std::optional<Run> take_run();

 private:
  void check_context(size_t prompt) const;
  std::vector<int32_t> encode_prompt() const;
  std::vector<int32_t> prompt_tokens() const;
  void make_options();
  void make_cache(PromptMemory& memory);
  void tell_start();
  void tell_done(const std::string& reason);
  std::string reason() const;
  TokenEvent event_of(const GeneratedToken& token, double ms) const;

  GenerateRequest request_;
  std::shared_ptr<Stream> stream_;
  Phase phase_ = Phase::waiting;
  ModelHandle model_;
  GenerateOptions options_;
  std::vector<SamplerStage> chain_;
  std::optional<GenerationRow> row_;
  std::optional<KVCache> cache_;
  int chunk_ = 128, cached_ = 0;
  bool told_loading_ = false;
  std::string run_id_;
  std::optional<inspect::Reading> reading_;     // with capture
  std::vector<std::vector<mx::array>> queries_; // of each layer, step by step

  // Of the step that is being evaluated.
  std::optional<Choice> choice_;
  std::optional<DetailGraph> details_;
  std::optional<mx::array> attention_; // [H, n] of the captured layer

  Clock::time_point queued_ = Clock::now(), begun_{}, last_{}, told_{};
  std::optional<Clock::time_point> first_;
};

} // namespace llm::serving
