// SPDX-License-Identifier: MIT
//
// Rotary positions against transformers' numbers (tests/golden/make_ropes.py),
// at one position, along a text and with a position for each row of a batch.

#include "llm/models/rope_config.h"

#include <cmath>

#include <doctest/doctest.h>
#include <mlx/mlx.h>

#include "llm/core/error.h"

using namespace llm;
namespace mx = mlx::core;

namespace {

/** What turning (1, ..., 1, 0, ..., 0) by each pair's angle gives. */
std::vector<float> turned(const Json& c, int position) {
  std::vector<float> cosines, sines;
  const double magnitude = c["magnitude"];
  for (double step : c["inv_freq"]) {
    cosines.push_back(
        static_cast<float>(magnitude * std::cos(step * position)));
    sines.push_back(static_cast<float>(magnitude * std::sin(step * position)));
  }
  cosines.insert(cosines.end(), sines.begin(), sines.end());
  return cosines;
}

mx::array ones_and_zeros(int rows, int heads, int length, int dims) {
  const mx::Shape half = {rows, heads, length, dims / 2};
  return mx::concatenate({mx::ones(half), mx::zeros(half)}, -1);
}

// y [.., dims] at (row, head, l).
double error(
    const mx::array& y,
    int row,
    int head,
    int l,
    const std::vector<float>& expected) {
  const int dims = y.shape(-1);
  const mx::array got =
      mx::slice(y, {row, head, l, 0}, {row + 1, head + 1, l + 1, dims});
  const mx::array want(expected.data(), {1, 1, 1, dims}, mx::float32);
  return mx::max(mx::abs(mx::subtract(got, want))).item<float>();
}

RopeConfig scaled(const Json& rope) {
  return RopeConfig::from_json({{"rope_scaling", rope}}, "config.json");
}

} // namespace

TEST_CASE("rope: scaled positions equal transformers'") {
  const std::filesystem::path golden = LLM_GOLDEN_DIR;
  const Json cases = read_json_file(golden / "ropes.json");
  REQUIRE(cases.size() == 27);
  for (const Json& c : cases) {
    CAPTURE(c["config"].dump());
    const int dims = c["head_dim"];
    const RopeConfig config = RopeConfig::from_json(c["config"], "config.json");
    const nn::Rope rope = config.make(dims, c["context"]);

    const mx::array x = ones_and_zeros(2, 3, 4, dims);
    const mx::array together = rope(x, {.start = 30});
    const mx::array rows =
        rope(x, {.rows = mx::array({7, 100}, {2}, mx::int32)});
    for (int l = 0; l < 4; ++l) {
      for (int head = 0; head < 3; ++head) {
        CHECK(error(together, 0, head, l, turned(c, 30 + l)) < 2e-5);
        CHECK(error(together, 1, head, l, turned(c, 30 + l)) < 2e-5);
        CHECK(error(rows, 0, head, l, turned(c, 7 + l)) < 2e-5);
        CHECK(error(rows, 1, head, l, turned(c, 100 + l)) < 2e-5);
      }
    }

    Json written;
    config.write(written);
    CHECK(written["rope_scaling"].contains("rope_type"));
    const RopeConfig again = RopeConfig::from_json(written, "config.json");
    CHECK(again.scaling == config.scaling);
    CHECK(again.theta == config.theta);
  }
}

TEST_CASE("rope: without a scaling, rows of a batch turn as they would alone") {
  const nn::Rope rope{.base = 10000.0f};
  const mx::array x = mx::random::normal({3, 2, 5, 8}, mx::random::key(1));
  const std::vector<int> starts = {0, 11, 4};
  const mx::array y =
      rope(x, {.rows = mx::array(starts.data(), {3}, mx::int32)});
  for (int b = 0; b < 3; ++b) {
    const mx::array alone = nn::rope(
        mx::slice(x, {b, 0, 0, 0}, {b + 1, 2, 5, 8}), 10000.0f, starts[b]);
    const mx::array row = mx::slice(y, {b, 0, 0, 0}, {b + 1, 2, 5, 8});
    CHECK(mx::max(mx::abs(mx::subtract(row, alone))).item<float>() < 1e-5);
  }
}

TEST_CASE("rope: says what it cannot do") {
  CHECK(scaled({{"rope_type", "default"}}).scaling.is_null());
  CHECK_THROWS_WITH_AS(
      scaled({{"rope_type", "longrope"}}),
      doctest::Contains("expected default, linear, llama3 or yarn but received "
                        "\"longrope\""),
      InputError);
  CHECK_THROWS_AS(scaled({{"type", "linear"}, {"factor", 0.0}}), InputError);
  CHECK_THROWS_AS(scaled({{"type", "linear"}, {"factor", "two"}}), InputError);
  CHECK_THROWS_AS(
      scaled({{"rope_type", "default"}, {"rope_theta", 1.0}}), InputError);
  CHECK_THROWS_AS(
      RopeConfig::from_json({{"partial_rotary_factor", 0.5}}, "config.json"),
      InputError);
  const Json flat = {
      {"rope_type", "llama3"},
      {"factor", 8.0},
      {"low_freq_factor", 4.0},
      {"high_freq_factor", 4.0}};
  CHECK_THROWS_AS(scaled(flat).make(8, 64), InputError);
  const Json yarn = {
      {"rope_type", "yarn"},
      {"factor", 2.0},
      {"original_max_position_embeddings", 0}};
  CHECK_THROWS_AS(scaled(yarn).make(8, 64), InputError);
}
