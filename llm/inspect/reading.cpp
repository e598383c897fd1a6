// SPDX-License-Identifier: MIT

#include "llm/inspect/reading.h"

#include <algorithm>

#include <mlx/ops.h>
#include <mlx/transforms.h>

#include "llm/core/error.h"
#include "llm/inspect/probes.h"

namespace llm::inspect {

namespace {

void check_length(const LanguageModel& model, size_t length) {
  const size_t context = model.context_length();
  if (length < 1 || length > context) {
    throw UsageError(
        "inspect",
        "expected 1 to " + std::to_string(context) + " tokens but received " +
            std::to_string(length) +
            "; give a text, no longer than the model's context.");
  }
}

void check_tokens(const LanguageModel& model, const Reading& reading) {
  for (const int32_t id : reading.tokens) {
    if (id < 0 || id >= model.vocab_size()) {
      throw UsageError(
          "inspect",
          "expected token ids from 0 to " +
              std::to_string(model.vocab_size() - 1) + " but received " +
              std::to_string(id) + ".");
    }
  }
}

/** x [1, H, L, D] -> [H, L, D]. */
mx::array without_batch(const mx::array& x) {
  return mx::squeeze(x, 0);
}

mx::array token_array(const Reading& reading, int begin, int end) {
  return mx::array(
      reading.tokens.data() + begin, mx::Shape{1, end - begin}, mx::int32);
}

/** What read() evaluates after each chunk. */
std::vector<mx::array> kept(const Reading& reading) {
  std::vector<mx::array> out = reading.cache.arrays();
  for (const auto& layer : reading.layers) {
    if (layer) {
      out.push_back(layer->queries);
    }
  }
  return out;
}

} // namespace

int64_t Reading::bytes() const {
  int64_t total = 0;
  for (const mx::array& array : kept(*this)) {
    total += static_cast<int64_t>(array.nbytes());
  }
  return total;
}

void keep_queries(Reading& reading, const KVCache& cache) {
  for (size_t i = 0; i < cache.layers.size(); ++i) {
    const LayerCache& layer = cache.layers[i];
    if (!layer.queries) {
      continue;
    }
    const mx::array queries = without_batch(*layer.queries);
    std::optional<LayerReading>& out = reading.layers[i];
    if (out) {
      out->queries = mx::concatenate({out->queries, queries}, 1);
    } else {
      out = LayerReading{queries, layer.attention};
    }
  }
}

std::vector<LayerReading> queries_of_row(const KVCache& batch, int row) {
  std::vector<LayerReading> out;
  for (const LayerCache& layer : batch.layers) {
    out.push_back({mx::take(*layer.queries, row, 0), layer.attention});
  }
  return out;
}

std::optional<Reading> read(
    const LanguageModel& model,
    const std::vector<int32_t>& tokens,
    const ReadOptions& options) {
  check_length(model, tokens.size());
  Reading out{
      tokens,
      probing_cache(model, options.interventions, options.encode),
      std::vector<std::optional<LayerReading>>(model.layer_count()),
      options.interventions,
      mx::array(0.0f)};
  replace_tokens(out.tokens, options.interventions);
  check_tokens(model, out);
  for (int layer = 0; layer < model.layer_count(); ++layer) {
    const auto& some = options.layers;
    out.cache.layers[layer].keep_queries = options.queries &&
        (some.empty() ||
         std::find(some.begin(), some.end(), layer) != some.end());
  }
  for (int at = 0; at < out.length();) {
    const int end = std::min(out.length(), at + options.chunk);
    const mx::array logits =
        model.logits(token_array(out, at, end), &out.cache); // [1, L, V]
    keep_queries(out, out.cache);
    std::vector<mx::array> outputs = kept(out);
    if (end == out.length()) {
      const int L = logits.shape(1), V = logits.shape(2);
      out.last_logits = mx::astype(
          mx::flatten(mx::slice(logits, {0, L - 1, 0}, {1, L, V})),
          mx::float32);
      outputs.push_back(out.last_logits);
    }
    mx::eval(outputs);
    at = end;
    if (options.go_on && !options.go_on()) {
      return std::nullopt;
    }
  }
  return out;
}

namespace {

/** A cache that has read the tokens before `from`, with the same changes in
 * force; writing to it leaves the reading's own as it is. */
KVCache cache_before(const Reading& reading, int from) {
  KVCache cache = reading.cache;
  cache.trim(from);
  for (LayerCache& layer : cache.layers) {
    layer.keep_queries = false;
  }
  return cache;
}

void check_range(const Reading& reading, int from, int to) {
  if (from < 0 || to <= from || to > reading.length()) {
    throw UsageError(
        "inspect",
        "expected positions within 0 to " + std::to_string(reading.length()) +
            " but received " + std::to_string(from) + " to " +
            std::to_string(to) + ".");
  }
}

} // namespace

std::vector<mx::array> residuals(
    const LanguageModel& model,
    const Reading& reading,
    int from,
    int to) {
  check_range(reading, from, to);
  KVCache cache = cache_before(reading, from);
  cache.residual.keep = true;
  model.logits(token_array(reading, from, to), &cache); // lazy: head unused
  std::vector<mx::array> out;
  for (const auto& [layer, x] : cache.residual.kept) {
    out.push_back(without_batch(x));
  }
  mx::eval(out);
  return out;
}

mx::array
logits_after(const LanguageModel& model, const Reading& reading, int at) {
  check_range(reading, at, at + 1);
  KVCache cache = cache_before(reading, at);
  const mx::array out = mx::astype(
      mx::flatten(model.logits(token_array(reading, at, at + 1), &cache)),
      mx::float32);
  mx::eval(out);
  return out;
}

} // namespace llm::inspect
