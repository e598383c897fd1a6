// SPDX-License-Identifier: MIT

#include "llm/serving/lane.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include <mlx/ops.h>
#include <mlx/transforms.h>

#include "llm/core/error.h"

namespace llm::serving {

namespace {

double milliseconds(Lane::Clock::duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

} // namespace

std::vector<int32_t> Lane::encode_prompt() const {
  try {
    return prompt_tokens();
  } catch (const InputError& error) { // a character that the model lacks
    const char* param = request_.messages.is_null() ? "prompt" : "messages";
    throw ApiError(400, "invalid_value", for_a_client(error.what()), param);
  }
}

std::vector<int32_t> Lane::prompt_tokens() const {
  const UsableModel& use = model_->use;
  if (request_.prompt_tokens) {
    return *request_.prompt_tokens;
  }
  if (request_.prompt) {
    return use.tokenizer->encode(*request_.prompt, {.add_special = true});
  }
  if (!use.chat) {
    throw ApiError(
        400,
        "invalid_value",
        "expected \"prompt\" but received \"messages\", and this model has no "
        "chat format; send a text to go on with.",
        "messages");
  }
  return use.encode(request_.messages);
}

void Lane::check_context(size_t prompt) const {
  const size_t context = model_->use.model->context_length();
  if (prompt > context) {
    throw ApiError(
        400,
        "context_length_exceeded",
        "expected a prompt of at most " + std::to_string(context) +
            " tokens, the context of this model, but received " +
            std::to_string(prompt) + "; shorten it.",
        request_.messages.is_null() ? "prompt" : "messages");
  }
}

void Lane::make_options() {
  options_.sampling = request_.sampling;
  options_.max_tokens = request_.max_tokens;
  options_.stop = request_.stop;
  options_.eos = model_->use.eos;
  options_.slide = false;
  options_.top_logprobs = request_.top_logprobs;
  options_.force = request_.force;
  chain_ = make_chain(options_.sampling);
  if (request_.capture) {
    const ModelSizes all = sizes(*model_->use.model);
    Capture& capture = *request_.capture;
    if (capture.layer < 0 || capture.layer >= all.layers) {
      throw ApiError(
          400,
          "out_of_range",
          "expected a layer from 0 to " + std::to_string(all.layers - 1) +
              " but received " + std::to_string(capture.layer) + ".",
          "capture.layer");
    }
    for (const int head : capture.heads) {
      if (head < 0 || head >= all.heads) {
        throw ApiError(
            400,
            "out_of_range",
            "expected heads from 0 to " + std::to_string(all.heads - 1) +
                " but received " + std::to_string(head) + ".",
            "capture.heads");
      }
    }
    if (capture.heads.empty()) {
      capture.heads.resize(all.heads);
      std::iota(capture.heads.begin(), capture.heads.end(), 0);
    }
  }
}

void Lane::make_cache(PromptMemory& memory) {
  const LanguageModel& model = *model_->use.model;
  if (request_.capture || !request_.interventions.empty()) {
    cache_ = inspect::probing_cache(
        model, request_.interventions, [this](const std::string& text) {
          return model_->use.tokenizer->encode(text, {.add_special = true});
        });
  } else {
    cache_ = model.make_cache();
    const int most = static_cast<int>(row_->text().size()) - 1;
    cached_ = memory.recall(model_, row_->text(), most, *cache_);
  }
  if (request_.capture) {
    run_id_ = random_id();
    for (LayerCache& layer : cache_->layers) {
      layer.keep_queries = true;
    }
    reading_ = inspect::Reading{
        {},
        *cache_,
        std::vector<std::optional<inspect::LayerReading>>(model.layer_count()),
        request_.interventions,
        mx::array(0.0f)};
  }
}

bool Lane::wait_for_model() {
  if (!told_loading_) {
    stream_->push(PrefillEvent{.done = 0, .total = 0, .loading = true});
  }
  return !std::exchange(told_loading_, true);
}

void Lane::begin(ModelHandle model, PromptMemory& memory, int chunk) {
  begun_ = told_ = Clock::now();
  model_ = std::move(model);
  chunk_ = chunk;
  request_.model = model_->id;
  const std::vector<int32_t> prompt = encode_prompt();
  check_context(prompt.size());
  make_options();
  row_.emplace(
      *model_->use.model,
      *model_->use.tokenizer,
      prompt,
      options_,
      options_.sampling.seed);
  make_cache(memory);
  tell_start();
  phase_ = Phase::prefill;
}

void Lane::tell_start() {
  StartEvent start{
      .id = stream_->id(),
      .run = {},
      .model = model_->id,
      .request = request_,
      .chain = {},
      .prompt = {}};
  if (request_.capture) {
    start.run = run_id_;
  }
  for (const SamplerStage& stage : chain_) {
    start.chain.emplace_back(stage.name, stage.effect);
  }
  for (const int32_t id : row_->text()) {
    start.prompt.push_back(token_text(*model_->use.tokenizer, id));
  }
  stream_->push(std::move(start));
}

void Lane::prefill(PromptMemory& memory) {
  const std::vector<int32_t>& text = row_->text();
  const int total = static_cast<int>(text.size()) - 1; // the last: first step
  const int at = cache_->length();
  if (at < total) {
    const int end = std::min(total, (at / chunk_ + 1) * chunk_);
    const mx::array tokens(text.data() + at, mx::Shape{1, end - at}, mx::int32);
    model_->use.model->logits(tokens, &*cache_); // lazy: never computed
    std::vector<mx::array> outputs = cache_->arrays();
    if (reading_) {
      inspect::keep_queries(*reading_, *cache_);
      for (const auto& layer : reading_->layers) {
        outputs.push_back(layer->queries);
      }
    }
    mx::eval(outputs);
    constexpr auto seldom = std::chrono::milliseconds(100);
    if (end == total || Clock::now() - told_ > seldom) {
      told_ = Clock::now();
      stream_->push(PrefillEvent{.done = end, .total = total});
    }
  }
  if (cache_->length() >= total) {
    if (!reading_ && !alone()) {
      memory.remember(model_, text, *cache_);
    }
    phase_ = Phase::decode;
    last_ = Clock::now();
  }
}

bool Lane::ready() {
  if (stream_->has_room()) {
    return true;
  }
  constexpr auto patience = std::chrono::seconds(5);
  if (stream_->full_for() > patience) {
    fail(ApiError(
        408,
        "timeout",
        "expected the stream to be read but 256 events waited for 5 s; the "
        "generation was cancelled."));
  }
  return false;
}

void Lane::cancel() {
  tell_done("cancelled");
}

void Lane::fail(const ApiError& error) {
  if (phase_ != Phase::over) {
    stream_->push(ErrorEvent{error});
    phase_ = Phase::over;
    reading_.reset();
  }
}

std::string Lane::reason() const {
  const std::string& own = row_->result().finish_reason;
  const bool full = static_cast<int>(row_->text().size()) >
      model_->use.model->context_length();
  const bool all =
      static_cast<int>(row_->text().size() - row_->prompt_length()) ==
      options_.max_tokens;
  return own == "length" && full && !all ? "context" : own;
}

void Lane::tell_done(const std::string& reason) {
  if (phase_ == Phase::over) {
    return;
  }
  const auto now = Clock::now();
  DoneEvent done{.reason = reason, .usage = {}, .timings = {}, .run = {}};
  const bool begun = phase_ != Phase::waiting;
  done.timings.queue = milliseconds((begun ? begun_ : now) - queued_);
  if (row_) {
    const int written =
        static_cast<int>(row_->text().size() - row_->prompt_length());
    done.usage = {static_cast<int>(row_->prompt_length()), cached_, written};
    if (first_) {
      done.timings.prefill = milliseconds(*first_ - begun_);
      done.timings.first_token = milliseconds(*first_ - queued_);
      done.timings.decode = milliseconds(last_ - *first_);
      if (written > 1 && last_ > *first_) {
        done.timings.tokens_per_s =
            1000.0 * (written - 1) / done.timings.decode;
      }
    }
  }
  if (reading_ && cache_->length() > 0) {
    done.run = run_id_;
  }
  stream_->push(std::move(done));
  phase_ = Phase::over;
}

} // namespace llm::serving
