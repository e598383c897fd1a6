// SPDX-License-Identifier: MIT

#include "llm/generation/batch_loop.h"

#include <algorithm>

namespace llm {

namespace {

using Lanes = std::vector<std::unique_ptr<BatchLane>>;

std::vector<BatchLane*> all_of(const Lanes& lanes) {
  std::vector<BatchLane*> out;
  for (const auto& lane : lanes) {
    out.push_back(lane.get());
  }
  return out;
}

bool is_finished(const std::unique_ptr<BatchLane>& lane) {
  return lane->row.finished();
}

/** Moves the results of the lanes that are done into `out`. */
void take_finished(Lanes& lanes, std::vector<Generation>& out) {
  std::erase_if(lanes, [&](const std::unique_ptr<BatchLane>& lane) {
    const bool finished = is_finished(lane);
    if (finished) {
      out[lane->index] = std::move(lane->row.result());
    }
    return finished;
  });
}

} // namespace

std::vector<Generation> run_batch(
    const Tokenizer& tokenizer,
    const std::vector<std::vector<int32_t>>& prompts,
    const OnBatchToken& on_token,
    int rows,
    BatchStep& step) {
  const GenerateOptions& options = step.options;
  std::vector<Generation> out(prompts.size());
  Lanes lanes;
  size_t next = 0;
  while (next < prompts.size() || !lanes.empty()) {
    std::vector<BatchLane*> fresh;
    while (next < prompts.size() && lanes.size() < static_cast<size_t>(rows)) {
      lanes.push_back(std::make_unique<BatchLane>(
          next, step.model, tokenizer, prompts[next], options));
      fresh.push_back(lanes.back().get());
      ++next;
    }
    step.read(fresh);
    for (const auto& lane : lanes) { // new ones, and those past the context
      if (step.has_begun(*lane) || is_finished(lane)) {
        continue;
      }
      if (lane->reader.room(lane->row.text()) == 0) { // its cache may change
        step.release();
      }
      if (!lane->reader.prepare(lane->row.text(), 1, options.on_prefill)) {
        lane->row.interrupt();
      }
    }
    if (std::any_of(lanes.begin(), lanes.end(), is_finished)) {
      step.release();
      take_finished(lanes, out);
    }
    if (lanes.empty()) {
      continue;
    }
    std::vector<GeneratedToken> tokens = step(all_of(lanes));
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
