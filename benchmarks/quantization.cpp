// SPDX-License-Identifier: MIT
//
// What fewer bits cost: the loss of a model on a text when its matrices are
// packed, for several bits and group sizes, and when its cache is. Packed
// weights are unpacked again before they are judged: the numbers are the same,
// and plain float32 is quick for all of them. Prints one line of JSON.

#include <cmath>
#include <iostream>

#include <mlx/ops.h>
#include <mlx/transforms.h>
#include <CLI/CLI.hpp>

#include "llm/core/error.h"
#include "llm/core/json.h"
#include "llm/core/program.h"
#include "llm/data/batches.h"
#include "llm/data/corpus.h"
#include "llm/models/load.h"
#include "llm/models/quantize.h"
#include "llm/nn/backend.h"
#include "llm/nn/loss.h"

namespace llm {

using Ids = std::vector<int32_t>;

struct Judged {
  double nats = 0;            ///< a token
  std::vector<uint32_t> best; ///< the likeliest token at each place
};

/** Adds the losses of `logits` [N, V] and the likeliest tokens. */
void add_to(Judged& out, const mx::array& logits, const mx::array& targets) {
  const mx::array losses = mx::sum(nn::token_losses(logits, targets));
  const mx::array best = mx::contiguous(mx::argmax(logits, -1)); // uint32
  mx::eval(losses, best);
  out.nats += losses.item<float>();
  out.best.insert(
      out.best.end(),
      best.data<uint32_t>(),
      best.data<uint32_t>() + best.size());
}

/** Windows of `block` tokens side by side, `batch` of them at a time. */
Judged judge(const LanguageModel& model, const Ids& ids, int block, int batch) {
  Judged out;
  const int windows = (static_cast<int>(ids.size()) - 1) / block;
  for (int w = 0; w < windows; w += batch) {
    std::vector<int64_t> offsets;
    for (int i = w; i < std::min(w + batch, windows); ++i) {
      offsets.push_back(int64_t(i) * block);
    }
    const Batch b = make_batch(ids, offsets, block);
    const mx::array logits = model.logits(b.x); // [B, T, V]
    add_to(
        out,
        mx::reshape(logits, {-1, logits.shape(-1)}),
        mx::reshape(b.y, {-1}));
  }
  out.nats /= static_cast<double>(out.best.size());
  return out;
}

/** The text as one, `chunk` tokens at a time, through a cache in `bits`. */
Judged judge_cache(const LanguageModel& model, const Ids& ids, int bits) {
  constexpr int chunk = 128;
  Judged out;
  KVCache cache = model.make_cache({.bits = bits});
  for (int at = 0; at + chunk < static_cast<int>(ids.size()); at += chunk) {
    const Batch b = make_batch(ids, {at}, chunk);
    const mx::array logits = mx::squeeze(model.logits(b.x, &cache), 0);
    mx::eval(cache.arrays());
    add_to(out, logits, mx::squeeze(b.y, 0));
  }
  out.nats /= static_cast<double>(out.best.size());
  return out;
}

/** `judged` beside what the full precision said. */
Json beside(const Judged& judged, const Judged& full) {
  int64_t same = 0;
  for (size_t i = 0; i < full.best.size(); ++i) {
    same += judged.best[i] == full.best[i];
  }
  return {
      {"nats", judged.nats},
      {"more_nats", judged.nats - full.nats},
      {"perplexity_change", std::exp(judged.nats - full.nats) - 1},
      {"same_best", double(same) / double(full.best.size())}};
}

int64_t bytes_of(const LanguageModel& model) {
  int64_t bytes = 0;
  for (const auto& [path, array] : model.parameters()) {
    bytes += static_cast<int64_t>(array.nbytes());
  }
  return bytes;
}

struct Settings {
  std::string model, data;
  int tokens = 4096, block = 0, batch = 1, cache_tokens = 0, threads = 0;
  std::vector<int> bits = {8, 6, 5, 4, 3, 2}, groups = {32, 64};
};

bool is_embedding(const std::string& path) {
  return path.find("embed") != std::string::npos;
}

/** Packs, judges and unpacks; the embedding (which is the head too where they
 * are tied) in bits of its own. */
Json pack_and_judge(
    LanguageModel& model,
    const Ids& ids,
    const Settings& s,
    const Judged& full,
    int group,
    int bits,
    int embedding_bits) {
  const nn::Parameters weights = model.parameters();
  const auto inner = [](const auto& path) { return !is_embedding(path); };
  const auto left = quantize_model(model, group, bits, inner);
  quantize_model(model, group, embedding_bits, is_embedding);
  const double bytes = static_cast<double>(bytes_of(model));
  dequantize_model(model);
  Json found = beside(judge(model, ids, s.block, s.batch), full);
  model.assign(weights);
  found["bits"] = bits;
  found["embedding_bits"] = embedding_bits;
  found["group_size"] = group;
  found["bytes"] = bytes;
  found["bits_per_weight"] =
      8 * bytes / static_cast<double>(parameter_count(model));
  found["layers_left"] = left.size();
  std::cerr << found.dump() << "\n";
  return found;
}

Json pack_in_all_ways(
    LanguageModel& model,
    const Ids& ids,
    const Settings& s,
    const Judged& full) {
  Json out = Json::array();
  for (const int group : s.groups) {
    for (const int bits : s.bits) {
      out.push_back(pack_and_judge(model, ids, s, full, group, bits, bits));
      if (bits == 4) {
        out.push_back(pack_and_judge(model, ids, s, full, group, bits, 8));
      }
    }
  }
  return out;
}

Json compare_caches(const LanguageModel& model, const Ids& ids) {
  Json out = Json::array();
  const Judged full = judge_cache(model, ids, 0);
  for (const int bits : {8, 4}) {
    Json found = beside(judge_cache(model, ids, bits), full);
    found["bits"] = bits;
    std::cerr << "cache: " << found.dump() << "\n";
    out.push_back(found);
  }
  return out;
}

int run(Settings s) {
  start_mlx("", s.threads);
  const ModelFolder folder = load_model(s.model);
  LanguageModel& model = *folder.model;
  dequantize_model(model);
  Ids ids = folder.tokenizer->encode(load_corpus(s.data).split.val);
  if (static_cast<int>(ids.size()) <= std::max(s.tokens, s.cache_tokens)) {
    throw InputError(
        s.data,
        "expected more than " +
            std::to_string(std::max(s.tokens, s.cache_tokens)) +
            " tokens but received " + std::to_string(ids.size()) +
            "; take a longer text or fewer --tokens.");
  }
  const Ids cached(ids.begin(), ids.begin() + s.cache_tokens + 1);
  ids.resize(s.tokens + 1);
  s.block = s.block > 0 ? s.block : model.context_length();
  const Judged full = judge(model, ids, s.block, s.batch);
  Json result = {
      {"parameters", parameter_count(model)},
      {"tokens", full.best.size()},
      {"block", s.block},
      {"nats", full.nats},
      {"bytes", bytes_of(model)}};
  result["packed"] = pack_in_all_ways(model, ids, s, full);
  if (s.cache_tokens > 0) {
    result["cache_tokens"] = s.cache_tokens;
    result["cache"] = compare_caches(model, cached);
  }
  std::cout << result.dump() << "\n";
  return 0;
}

} // namespace llm

int main(int argc, char** argv) {
  return llm::run_program("quantization", [&] {
    llm::Settings s;
    CLI::App app{"Measure what packed weights and caches cost in quality."};
    const auto positive = CLI::Range(1, 1 << 20);
    app.add_option("--model", s.model, "folder or GGUF file")->required();
    app.add_option("--data", s.data, "its validation text")->required();
    app.add_option("--tokens", s.tokens, "to judge")->check(positive);
    app.add_option("--block", s.block, "tokens of a window; 0: the context");
    app.add_option("--batch", s.batch, "windows at a time")->check(positive);
    app.add_option("--cache-tokens", s.cache_tokens, "through a packed cache");
    app.add_option("--bits", s.bits);
    app.add_option("--groups", s.groups);
    app.add_option("--threads", s.threads)->check(CLI::Range(0, 1024));
    try {
      app.parse(argc, argv);
    } catch (const CLI::Success& help) {
      return app.exit(help);
    } catch (const CLI::ParseError& error) {
      throw llm::UsageError(
          "options", std::string(error.what()) + "; see --help.");
    }
    return llm::run(s);
  });
}
