// SPDX-License-Identifier: MIT

#include "llm/data/device_batches.h"

#include <mlx/ops.h>
#include <mlx/transforms.h>

#include "llm/data/split.h"

namespace llm {

namespace {

constexpr uint64_t kGroup = 256; // steps whose places are sent at once

/** What an operation makes lies on the device; what the host fills does not. */
mx::array on_device(
    const std::vector<int32_t>& values,
    const mx::Shape& shape) {
  mx::array out =
      mx::add(mx::array(values.data(), shape, mx::int32), mx::array(0));
  mx::eval(out);
  return out;
}

} // namespace

DeviceBatches::DeviceBatches(const std::vector<int32_t>& ids, uint64_t seed)
    : seed_(seed),
      n_(static_cast<int64_t>(ids.size())),
      ids_(on_device(ids, {static_cast<int>(ids.size())})) {}

Batch DeviceBatches::operator()(uint64_t step, int64_t batch, int64_t block) {
  const uint64_t group = step / kGroup;
  const auto found = places_.find({batch, block});
  if (found == places_.end() || found->second.group != group) {
    std::vector<int32_t> starts;
    for (uint64_t i = group * kGroup; i < (group + 1) * kGroup; ++i) {
      const auto some = batch_offsets(seed_, i, batch, block, n_);
      starts.insert(starts.end(), some.begin(), some.end());
    }
    const mx::Shape shape = {static_cast<int>(kGroup), static_cast<int>(batch)};
    places_.insert_or_assign(
        std::pair(batch, block), Places{group, on_device(starts, shape)});
  }
  const int B = static_cast<int>(batch), T = static_cast<int>(block);
  const int row = static_cast<int>(step % kGroup);
  const mx::array starts = mx::reshape(
      mx::slice(places_.at({batch, block}).starts, {row, 0}, {row + 1, B}),
      {B, 1});
  const mx::array all =
      mx::take(ids_, mx::add(starts, mx::arange(0, T + 1, mx::int32)));
  return {
      mx::contiguous(mx::slice(all, {0, 0}, {B, T})),
      mx::contiguous(mx::slice(all, {0, 1}, {B, T + 1}))};
}

} // namespace llm
