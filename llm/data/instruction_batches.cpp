// SPDX-License-Identifier: MIT

#include "llm/data/instruction_batches.h"

#include <algorithm>
#include <numeric>

#include "llm/core/error.h"
#include "llm/core/random.h"

namespace llm {

MaskedBatch pad_batch(
    const std::vector<const Encoded*>& rows,
    int max_length,
    bool count_padding) {
  constexpr size_t kMultiple = 32;
  size_t longest = 0;
  for (const Encoded* row : rows) {
    longest = std::max(longest, row->ids.size());
  }
  longest = 1 + (longest + kMultiple - 1) / kMultiple * kMultiple;
  const auto width = std::min(static_cast<int>(longest), max_length);
  const int B = static_cast<int>(rows.size()), T = width - 1;
  std::vector<int32_t> x(size_t{1} * B * T, 0), y(x.size(), 0);
  std::vector<float> mask(x.size(), 0.0f);
  MaskedBatch out{mx::array(0), mx::array(0), mx::array(0)};
  for (int b = 0; b < B; ++b) {
    const Encoded& row = *rows[b];
    const int n = static_cast<int>(row.ids.size());
    for (int t = 0; t < T; ++t) {
      const size_t i = size_t{1} * b * T + t;
      x[i] = t < n ? row.ids[t] : 0;
      y[i] = t + 1 < n ? row.ids[t + 1] : 0;
      const bool counts =
          t + 1 < n ? row.counts[t + 1] != 0 : count_padding && t + 1 == n;
      mask[i] = counts ? 1.0f : 0.0f;
      out.scored += counts ? 1 : 0;
    }
  }
  out.x = mx::array(x.data(), {B, T}, mx::int32);
  out.y = mx::array(y.data(), {B, T}, mx::int32);
  out.mask = mx::array(mask.data(), {B, T}, mx::float32);
  return out;
}

CountedTargets counted_targets(const MaskedBatch& batch) {
  constexpr size_t kMultiple = 64;
  const float* mask = batch.mask.data<float>();
  const int32_t* y = batch.y.data<int32_t>();
  std::vector<int32_t> places, targets;
  for (size_t i = 0; i < batch.mask.size(); ++i) {
    if (mask[i] != 0) {
      places.push_back(static_cast<int32_t>(i));
      targets.push_back(y[i]);
    }
  }
  std::vector<float> weights(places.size(), 1.0f);
  const size_t n =
      std::max((places.size() + kMultiple - 1) / kMultiple, size_t{1}) *
      kMultiple;
  places.resize(n, 0);
  targets.resize(n, 0);
  weights.resize(n, 0.0f);
  const mx::Shape shape = {static_cast<int>(n)};
  return {
      mx::array(places.data(), shape, mx::int32),
      mx::array(targets.data(), shape, mx::int32),
      mx::array(weights.data(), shape, mx::float32)};
}

namespace {

/** Fisher and Yates: the standard library's shuffle differs between systems. */
template <class T>
void shuffle(std::vector<T>& items, Random& random) {
  for (size_t i = items.size(); i > 1; --i) {
    std::swap(items[i - 1], items[random.below(i)]);
  }
}

} // namespace

std::vector<std::vector<size_t>> epoch_order(
    const std::vector<int64_t>& lengths,
    const BatchRules& rules,
    int64_t epoch) {
  constexpr size_t kBatches = 16; // sorted together: alike, but not always so
  std::vector<size_t> rows(lengths.size());
  std::iota(rows.begin(), rows.end(), size_t{0});
  Random random(random_key(rules.seed, "epoch", epoch));
  const size_t batch = rules.batch;
  if (rules.shuffle) {
    shuffle(rows, random);
    for (size_t i = 0; i < rows.size(); i += kBatches * batch) {
      const auto begin = rows.begin() + i;
      std::stable_sort(
          begin,
          begin + std::min(kBatches * batch, rows.size() - i),
          [&](size_t a, size_t b) { return lengths[a] < lengths[b]; });
    }
  }
  std::vector<std::vector<size_t>> batches;
  for (size_t i = 0; i + batch <= rows.size(); i += batch) {
    batches.emplace_back(rows.begin() + i, rows.begin() + i + batch);
  }
  if (rules.shuffle) {
    shuffle(batches, random);
  }
  return batches;
}

std::vector<Encoded> pack_examples(
    const std::vector<Encoded>& examples,
    int max_length) {
  std::vector<const Encoded*> sorted;
  for (const Encoded& e : examples) {
    sorted.push_back(&e);
  }
  std::stable_sort(sorted.begin(), sorted.end(), [](auto* a, auto* b) {
    return a->ids.size() > b->ids.size();
  });
  std::vector<Encoded> rows;
  for (const Encoded* e : sorted) {
    auto row = std::find_if(rows.begin(), rows.end(), [&](const Encoded& r) {
      return r.ids.size() + e->ids.size() <= static_cast<size_t>(max_length);
    });
    if (row == rows.end()) {
      row = rows.emplace(rows.end());
    }
    row->ids.insert(row->ids.end(), e->ids.begin(), e->ids.end());
    row->counts.insert(row->counts.end(), e->counts.begin(), e->counts.end());
    row->length = static_cast<int64_t>(row->ids.size());
  }
  return rows;
}

InstructionBatches::InstructionBatches(
    std::vector<Encoded> examples,
    const BatchRules& rules)
    : rows_(
          rules.packing ? pack_examples(examples, rules.max_length)
                        : std::move(examples)),
      rules_(rules) {
  if (rows() < rules.batch) {
    throw InputError(
        "data",
        "expected at least --batch = " + std::to_string(rules.batch) +
            (rules.packing ? " packed rows" : " examples") + " but received " +
            std::to_string(rows()) + "; add examples or lower --batch.");
  }
}

int64_t InstructionBatches::per_epoch() const {
  return rows() / rules_.batch;
}

MaskedBatch InstructionBatches::at(int64_t n) const {
  std::vector<int64_t> lengths;
  for (const Encoded& row : rows_) {
    lengths.push_back(static_cast<int64_t>(row.ids.size()));
  }
  const auto batches = epoch_order(lengths, rules_, n / per_epoch());
  std::vector<const Encoded*> rows;
  for (const size_t i : batches[n % per_epoch()]) {
    rows.push_back(&rows_[i]);
  }
  return pad_batch(rows, rules_.max_length, rules_.count_padding);
}

} // namespace llm
