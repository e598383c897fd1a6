// SPDX-License-Identifier: MIT
//
// What our CPU operations change in a model's answers: the logits with them
// beside those of MLX's own (as LLM_FAST_CPU=0 computes), for prompts of
// several lengths read at once and token by token, and the perplexity of a
// text. Prints one line of JSON.

#include <algorithm>
#include <cmath>
#include <iostream>
#include <map>
#include <numeric>

#include <mlx/ops.h>
#include <mlx/transforms.h>
#include <CLI/CLI.hpp>

#include "llm/core/error.h"
#include "llm/core/files.h"
#include "llm/core/json.h"
#include "llm/core/program.h"
#include "llm/kernels/kernels.h"
#include "llm/models/load.h"
#include "llm/nn/backend.h"
#include "llm/nn/loss.h"

namespace llm {

using Ids = std::vector<int32_t>;

enum class Reading { at_once, one_by_one };

mx::array row_of(const Ids& ids) {
  return mx::array(
      ids.data(), {1, static_cast<int>(ids.size())}, mx::int32); // [1, L]
}

/** Logits [L, V] as generation computes them, with a cache. */
mx::array read_ids(const LanguageModel& model, const Ids& ids, Reading how) {
  KVCache cache = model.make_cache();
  std::vector<mx::array> parts; // [1, 1 or L, V]
  if (how == Reading::at_once) {
    parts.push_back(model.logits(row_of(ids), &cache));
  }
  for (size_t i = 0; how == Reading::one_by_one && i < ids.size(); ++i) {
    parts.push_back(model.logits(row_of({ids[i]}), &cache));
    std::vector<mx::array> outputs = cache.arrays();
    outputs.push_back(parts.back());
    mx::eval(outputs);
  }
  const mx::array logits = mx::squeeze(mx::concatenate(parts, 1), 0);
  mx::eval(logits);
  return logits;
}

constexpr int kPlain = 0; // MLX's own operations

/** Our operations with activations of so many bits, or kPlain. */
void use_path(int bits) {
  if constexpr (kernels::built) {
    kernels::set_fast_cpu(bits != kPlain);
    if (bits != kPlain) {
      kernels::set_activation_bits(bits);
    }
  }
}

/** What is compared with plain MLX; 32 where there is nothing else. */
std::vector<int> paths_here() {
  if constexpr (kernels::built) {
    if (kernels::activation_bits() < 32) {
      return {24, 16, 8};
    }
  }
  return {32};
}

/** The model twice: each is loaded and read with its own operations. */
class Paths {
 public:
  explicit Paths(const std::string& path) {
    for (const bool fused : {false, true}) {
      use_path(fused ? paths_here().front() : kPlain);
      folders_[fused] = load_model(path);
    }
  }
  mx::array logits(int bits, const Ids& ids, Reading how) const {
    use_path(bits);
    return read_ids(*folders_[bits != kPlain].model, ids, how);
  }
  Ids encode(const std::string& text) const {
    return folders_[0].tokenizer->encode(text);
  }

 private:
  ModelFolder folders_[2]; // plain, fused
};

/** How far logits [L, V] are from the plain ones: the largest difference at a
 * place over the range of the logits there, and the share of places that name
 * the same best token. */
Json distance(const mx::array& fused, const mx::array& plain) {
  use_path(kPlain);
  const mx::array range = mx::max(plain, -1) - mx::min(plain, -1); // [L]
  const mx::array error = mx::max(mx::abs(fused - plain), -1);
  const mx::array same =
      mx::equal(mx::argmax(fused, -1), mx::argmax(plain, -1));
  return {
      {"error", mx::max(error).item<float>()},
      {"error_of_range", mx::max(error / range).item<float>()},
      {"same_best", mx::mean(mx::astype(same, mx::float32)).item<float>()}};
}

/** Some text in the prompts' place: they follow each other in `ids`. */
Json compare_prompts(
    const Paths& paths,
    const Ids& ids,
    const std::vector<int>& lengths) {
  Json out = Json::array();
  auto begin = ids.begin();
  for (const int length : lengths) {
    const Ids prompt(begin, begin + length);
    begin += length;
    Json found = {{"tokens", length}};
    for (const Reading how : {Reading::at_once, Reading::one_by_one}) {
      const mx::array plain = paths.logits(kPlain, prompt, how);
      const char* name = how == Reading::at_once ? "prefill" : "decode";
      for (const int bits : paths_here()) {
        const mx::array fused = paths.logits(bits, prompt, how);
        found[std::to_string(bits)][name] = distance(fused, plain);
      }
    }
    std::cerr << found.dump() << "\n";
    out.push_back(found);
  }
  return out;
}

/** Sum of -log p of tokens 1..L - 1, each after those before it. */
double nats(const mx::array& logits, const Ids& ids) {
  use_path(kPlain);
  const int L = logits.shape(0);
  const mx::array before = mx::slice(logits, {0, 0}, {L - 1, logits.shape(1)});
  const Ids next(ids.begin() + 1, ids.end());
  const mx::array losses =
      nn::token_losses(before, mx::array(next.data(), {L - 1}, mx::int32));
  double sum = 0; // in double: a float would lose the last digits
  const mx::array flat = mx::contiguous(losses);
  mx::eval(flat);
  for (int i = 0; i < L - 1; ++i) {
    sum += flat.data<float>()[i];
  }
  return sum;
}

Json compare_perplexity(
    const Paths& paths,
    const Ids& ids,
    int tokens,
    int window) {
  double plain = 0;
  std::map<int, std::map<std::string, double>> fused; // by bits, by reading
  int64_t scored = 0;
  for (int at = 0; at + window <= tokens; at += window) {
    const Ids part(ids.begin() + at, ids.begin() + at + window);
    plain += nats(paths.logits(kPlain, part, Reading::at_once), part);
    for (const int bits : paths_here()) {
      auto& sums = fused[bits];
      sums["prefill"] += nats(paths.logits(bits, part, Reading::at_once), part);
      sums["decode"] +=
          nats(paths.logits(bits, part, Reading::one_by_one), part);
    }
    scored += window - 1;
    std::cerr << at + window << " of " << tokens << " tokens\n";
  }
  const auto perplexity = [&](double sum) {
    return std::exp(sum / static_cast<double>(scored));
  };
  Json out = {
      {"tokens", scored}, {"window", window}, {"plain", perplexity(plain)}};
  for (const auto& [bits, sums] : fused) {
    for (const auto& [reading, sum] : sums) {
      out[std::to_string(bits)][reading] = perplexity(sum);
    }
  }
  return out;
}

struct Settings {
  std::string model, text;
  int tokens = 2048, window = 512, threads = 0;
  std::vector<int> lengths = {5, 16, 17, 32, 48, 64, 100, 200};
};

int run(const Settings& s) {
  start_mlx("cpu", s.threads);
  if (!kernels::built) {
    throw InputError(
        "fused_quality",
        "expected a build with llm/kernels but received one without; they are "
        "for Linux.");
  }
  const Paths paths(s.model);
  const Ids ids = paths.encode(read_file(s.text));
  const int of_prompts = std::accumulate(s.lengths.begin(), s.lengths.end(), 0);
  const int least = std::max(s.tokens, of_prompts);
  if (static_cast<int64_t>(ids.size()) < least) {
    throw InputError(
        s.text,
        "expected at least " + std::to_string(least) + " tokens but received " +
            std::to_string(ids.size()) +
            "; take a longer text or fewer --tokens.");
  }
  const Json result = {
      {"activation_bits", paths_here()},
      {"prompts", compare_prompts(paths, ids, s.lengths)},
      {"perplexity", compare_perplexity(paths, ids, s.tokens, s.window)}};
  std::cout << result.dump() << "\n";
  return 0;
}

} // namespace llm

int main(int argc, char** argv) {
  return llm::run_program("fused_quality", [&] {
    llm::Settings s;
    CLI::App app{"Compare the logits of our CPU operations with MLX's own."};
    const auto positive = CLI::Range(2, 1 << 20);
    app.add_option("--model", s.model, "folder or GGUF file")->required();
    app.add_option("--text", s.text, "file")->required();
    app.add_option("--tokens", s.tokens, "of the perplexity")->check(positive);
    app.add_option("--window", s.window, "tokens read together")
        ->check(positive);
    app.add_option("--lengths", s.lengths, "of the prompts")->check(positive);
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
