// SPDX-License-Identifier: MIT
//
// What is shown of the attention is what the model used.

#include <cmath>

#include "llm/core/error.h"
#include "llm/inspect/attention.h"
#include "llm/kernels/kernels.h"
#include "tests/cpp/inspect/looking_models.h"

using namespace llm::inspect;
using namespace small;

namespace {

/** What each layer's attention gave the model, [H, T, D]: softmax(Q K^T) V by
 * the operation that the model itself calls. */
mx::array used(const Reading& reading, int layer) {
  const auto [k, v] = reading.cache.layers[layer].read_in_order();
  const LayerReading& kept = *reading.layers[layer];
  return mx::squeeze(
      llm::nn::causal_attention(
          mx::expand_dims(kept.queries, 0), k, v, kept.attention),
      0);
}

} // namespace

TEST_CASE("inspect: softmax(Q K^T) V from the store is what the model used") {
  for (const auto& [name, model] : every_kind()) {
    CAPTURE(name);
    const auto reading = read(*model, some_tokens(150));
    REQUIRE(reading);
    for (int layer = 0; layer < model->layer_count(); ++layer) {
      CAPTURE(layer);
      CHECK(distance(attended(*reading, layer), used(*reading, layer)) < 1e-5f);
      const mx::array rows = attention_rows(*reading, layer, 0, 150);
      CHECK(distance(mx::sum(rows, -1), mx::ones({4, 150})) < 1e-6f);
      CHECK(
          mx::all(mx::equal(mx::triu(rows, 1), mx::array(0.0f))).item<bool>());
    }
  }
}

TEST_CASE("inspect: reading in chunks gives the logits of one pass") {
  for (const auto& [name, model] : every_kind()) {
    CAPTURE(name);
    const std::vector<int32_t> ids = some_tokens(100);
    const mx::array all = mx::squeeze(model->logits(row(ids)), 0); // [L, V]
    const auto reading = read(*model, ids, {.chunk = 30});
    CHECK(distance(reading->last_logits, mx::take(all, 99, 0)) < 1e-3f);
    for (const int at : {0, 1, 31, 98}) {
      CHECK(
          distance(logits_after(*model, *reading, at), mx::take(all, at, 0)) <
          1e-3f);
    }
    const mx::array before = reading->last_logits;
    logits_after(*model, *reading, 50); // leaves the reading as it was
    CHECK(reading->cache.length() == 100);
    CHECK(
        distance(logits_after(*model, *reading, 99), mx::take(all, 99, 0)) <
        1e-3f);
  }
}

TEST_CASE("inspect: a window hides what is behind it") {
  const auto model = mistral();
  const auto reading = read(*model, some_tokens(60));
  const std::vector<float> row = attention_row(*reading, 1, 2, 40);
  REQUIRE(row.size() == 41);
  float seen = 0;
  for (int k = 0; k <= 40; ++k) {
    CHECK((row[k] > 0) == (k > 33));
    seen += row[k];
  }
  CHECK(std::abs(seen - 1) < 1e-6f);
}

TEST_CASE("inspect: a picture's cell is the largest weight in it") {
  const auto model = qwen(256);
  const int T = 150, side = 64;
  const auto reading = read(*model, some_tokens(T));
  const std::vector<Picture> all = layer_pictures(*reading, 1, side);
  REQUIRE(all.size() == 4);
  for (int head = 0; head < 4; ++head) {
    const Picture one = head_picture(*reading, 1, head, side);
    CHECK(one.cells == all[head].cells);
    std::vector<float> expected(side * side);
    for (int q = 0; q < T; ++q) {
      const std::vector<float> row = attention_row(*reading, 1, head, q);
      // Cell i holds positions floor(i T / side) .. floor((i + 1) T / side)
      // - 1.
      const auto cell = [&](int x) {
        int i = 0;
        while ((i + 1) * T / side <= x) {
          ++i;
        }
        return i;
      };
      for (int k = 0; k <= q; ++k) {
        float& e = expected[cell(q) * side + cell(k)];
        e = std::max(e, row[k]);
      }
    }
    for (size_t i = 0; i < expected.size(); ++i) {
      CHECK(std::abs(one.cells[i] - expected[i]) < 1e-6f);
    }
  }
  CHECK(head_picture(*reading, 1, 0, 512).side == T);
}

TEST_CASE("inspect: pictures and scores by our kernel and by MLX alone") {
  for (const auto& [name, model] : every_kind()) {
    CAPTURE(name);
    const auto reading = read(*model, some_tokens(150));
    for (int layer = 0; layer < model->layer_count(); ++layer) {
      const auto pictures = layer_pictures(*reading, layer, 37);
      const auto scores = head_scores(*reading, layer);
      llm::kernels::set_fast_cpu(false);
      const auto plain_pictures = layer_pictures(*reading, layer, 37);
      const auto plain_scores = head_scores(*reading, layer);
      llm::kernels::set_fast_cpu(true);
      for (int h = 0; h < 4; ++h) {
        for (size_t i = 0; i < pictures[h].cells.size(); ++i) {
          CHECK(
              std::abs(pictures[h].cells[i] - plain_pictures[h].cells[i]) <
              1e-5f);
        }
        const HeadScore &a = scores[h], &b = plain_scores[h];
        CHECK(a.entropy == doctest::Approx(b.entropy).epsilon(1e-4));
        CHECK(a.distance == doctest::Approx(b.distance).epsilon(1e-4));
        CHECK(a.induction == doctest::Approx(b.induction).epsilon(1e-4));
        CHECK(a.kv_group == b.kv_group);
      }
    }
  }
}

TEST_CASE("inspect: value-weighted pictures") {
  const auto model = qwen(256);
  const auto reading = read(*model, some_tokens(20));
  const mx::array norms = value_norms(*reading, 0);
  mx::eval(norms);
  REQUIRE(norms.shape() == mx::Shape{2, 20});
  const Picture plain = head_picture(*reading, 0, 3, 64);
  const Picture weighted = head_picture(*reading, 0, 3, 64, true);
  for (int q = 0; q < 20; ++q) {
    for (int k = 0; k <= q; ++k) {
      const float norm = norms.data<float>()[20 + k]; // head 3: group 1
      CHECK(
          std::abs(
              weighted.cells[q * 20 + k] - norm * plain.cells[q * 20 + k]) <
          1e-5f);
    }
  }
}

TEST_CASE("inspect: head scores by their definition") {
  const auto model = gpt(256);
  const std::vector<int32_t> ids = some_tokens(40);
  const auto reading = read(*model, ids);
  const HeadScore score = head_scores(*reading, 1)[2];
  double sink = 0, previous = 0, distance = 0, entropy = 0, induction = 0;
  int repeated = 0;
  for (int q = 1; q < 40; ++q) {
    const std::vector<float> row = attention_row(*reading, 1, 2, q);
    sink += row[0] / 39;
    previous += row[q - 1] / 39;
    bool again = false;
    for (int k = 0; k <= q; ++k) {
      distance += row[k] * (q - k) / 39;
      entropy -= row[k] > 0 ? row[k] * std::log(row[k]) / 39 : 0;
      if (k > 0 && ids[k - 1] == ids[q]) {
        induction += row[k];
        again = true;
      }
    }
    repeated += again;
  }
  REQUIRE(repeated > 5);
  CHECK(score.sink == doctest::Approx(sink));
  CHECK(score.previous == doctest::Approx(previous));
  CHECK(score.distance == doctest::Approx(distance));
  CHECK(score.entropy == doctest::Approx(entropy));
  CHECK(score.induction == doctest::Approx(induction / repeated));
}

TEST_CASE("inspect: only some layers, and what is refused") {
  const auto model = qwen(64);
  const auto reading = read(*model, some_tokens(10), {.layers = {1}});
  CHECK_FALSE(reading->layers[0]);
  CHECK(reading->layers[1]);
  CHECK_THROWS_AS(attention_rows(*reading, 0, 0, 1), llm::UsageError);
  CHECK_THROWS_AS(head_scores(*reading, 0), llm::UsageError);
  CHECK_THROWS_AS(head_scores(*reading, -1), llm::UsageError);
  CHECK_FALSE(read(*model, some_tokens(10), {.queries = false})->layers[1]);
  CHECK_THROWS_AS(layer_pictures(*reading, 0, 8), llm::UsageError);
  CHECK_THROWS_AS(attention_rows(*reading, 2, 0, 1), llm::UsageError);
  CHECK_THROWS_AS(attention_rows(*reading, 1, 0, 11), llm::UsageError);
  CHECK_THROWS_AS(attention_row(*reading, 1, 4, 0), llm::UsageError);
  CHECK_THROWS_AS(read(*model, {}), llm::UsageError);
  CHECK_THROWS_AS(read(*model, some_tokens(65)), llm::UsageError);
  CHECK_THROWS_AS(read(*model, {1, 2, vocabulary}), llm::UsageError);
  CHECK_FALSE(read(
      *model, some_tokens(60), {.chunk = 20, .go_on = [] { return false; }}));
}
