// SPDX-License-Identifier: MIT
//
// Copies windows of a token list into [B, T] arrays.

#include "llm/data/batches.h"

#include "llm/core/error.h"

namespace llm {
namespace {

mx::array rows(
    const std::vector<int32_t>& ids,
    const std::vector<int64_t>& starts,
    int64_t length) {
  std::vector<int32_t> flat;
  flat.reserve(starts.size() * length);
  for (int64_t start : starts) {
    flat.insert(flat.end(), ids.begin() + start, ids.begin() + start + length);
  }
  const mx::Shape shape{
      static_cast<int>(starts.size()), static_cast<int>(length)};
  return mx::array(flat.data(), shape, mx::int32);
}

} // namespace

Batch make_batch(
    const std::vector<int32_t>& ids,
    const std::vector<int64_t>& offsets,
    int64_t block) {
  const auto n = static_cast<int64_t>(ids.size());
  if (block < 1 || offsets.empty()) {
    throw InputError(
        "Batch", "expected a block and a batch of at least 1; raise them.");
  }
  std::vector<int64_t> targets;
  for (int64_t offset : offsets) {
    if (offset < 0 || offset + block + 1 > n) {
      throw InputError(
          "Batch",
          "expected offset + block + 1 <= " + std::to_string(n) +
              " tokens but received offset " + std::to_string(offset) +
              " and block " + std::to_string(block) +
              "; draw offsets with batch_offsets.");
    }
    targets.push_back(offset + 1);
  }
  return {rows(ids, offsets, block), rows(ids, targets, block)};
}

Batch random_batch(
    const std::vector<int32_t>& ids,
    uint64_t seed,
    uint64_t step,
    int64_t batch,
    int64_t block) {
  const auto n = static_cast<int64_t>(ids.size());
  return make_batch(ids, batch_offsets(seed, step, batch, block, n), block);
}

std::vector<std::vector<EvalWindow>> group_windows(
    const std::vector<EvalWindow>& windows,
    int64_t batch) {
  std::vector<std::vector<EvalWindow>> groups;
  for (const auto& window : windows) {
    if (groups.empty() || groups.back()[0].length != window.length ||
        static_cast<int64_t>(groups.back().size()) >= batch) {
      groups.emplace_back();
    }
    groups.back().push_back(window);
  }
  return groups;
}

MaskedBatch make_eval_batch(
    const std::vector<int32_t>& ids,
    const std::vector<EvalWindow>& group) {
  std::vector<int64_t> offsets;
  std::vector<float> mask;
  int64_t scored = 0;
  for (const auto& window : group) {
    if (window.length != group[0].length) {
      throw InputError(
          "Batch",
          "expected windows of one length but received " +
              std::to_string(group[0].length) + " and " +
              std::to_string(window.length) + "; group them first.");
    }
    offsets.push_back(window.start);
    for (int64_t j = 0; j < window.length; j++) {
      mask.push_back(j >= window.first_scored ? 1.0f : 0.0f);
    }
    scored += window.length - window.first_scored;
  }
  const int64_t length = group.empty() ? 0 : group[0].length;
  auto batch = make_batch(ids, offsets, length);
  const mx::Shape shape{
      static_cast<int>(group.size()), static_cast<int>(length)};
  return {batch.x, batch.y, mx::array(mask.data(), shape, mx::float32), scored};
}

} // namespace llm
