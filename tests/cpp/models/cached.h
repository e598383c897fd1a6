// SPDX-License-Identifier: MIT
//
// Random heads, tokens and the models of tests/golden, for tests of the cache.

#pragma once

#include <filesystem>
#include <memory>

#include <doctest/doctest.h>
#include <mlx/mlx.h>

#include "llm/core/json.h"
#include "llm/io/safetensors.h"
#include "llm/models/language_model.h"

namespace cached {

using namespace llm;

inline constexpr int window = 8, context = 24, vocabulary = 61;

inline std::unique_ptr<LanguageModel> golden_model(const std::string& name) {
  const auto folder = std::filesystem::path(LLM_GOLDEN_DIR) / name;
  auto model = make_model(read_json_file(folder / "config.json"));
  model->update(model->translate(
      load_safetensors(folder / "model.safetensors").arrays, name));
  return model;
}

inline mx::array random_tokens(int rows, int length, int seed) {
  return mx::astype(
      mx::random::randint(
          0, vocabulary, {rows, length}, mx::int32, mx::random::key(seed)),
      mx::int32);
}

inline mx::array
columns(const mx::array& x, int begin, int end) { // [B, L, ...]
  mx::Shape from(x.ndim(), 0), to = x.shape();
  from[1] = begin;
  to[1] = end;
  return mx::slice(x, from, to);
}

inline mx::array rows(const mx::array& x, int begin, int end) {
  mx::Shape from(x.ndim(), 0), to = x.shape();
  from[0] = begin;
  to[0] = end;
  return mx::slice(x, from, to);
}

inline double distance(const mx::array& a, const mx::array& b) {
  REQUIRE(a.shape() == b.shape());
  return mx::max(mx::abs(mx::subtract(a, b))).item<float>();
}

struct Heads {
  mx::array q, k, v; // [2, 4, L, 32], [2, 2, L, 32]
};

inline Heads random_heads(int length, int seed) {
  const auto draw = [&](int heads, int key) {
    return mx::random::normal(
        {2, heads, length, 32}, mx::random::key(10 * seed + key));
  };
  return {draw(4, 1), draw(2, 2), draw(2, 3)};
}

inline mx::array part(const mx::array& x, int begin, int end) { // along L
  mx::Shape from(4, 0), to = x.shape();
  from[2] = begin;
  to[2] = end;
  return mx::slice(x, from, to);
}

} // namespace cached
