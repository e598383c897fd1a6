// SPDX-License-Identifier: MIT
//
// Interventions do to a model what doing it to its weights would do.

#include <cmath>

#include "llm/core/error.h"
#include "llm/inspect/lens.h"
#include "llm/inspect/whatif.h"
#include "tests/cpp/inspect/looking_models.h"

using namespace llm::inspect;
using namespace small;

namespace {

/** The model with a parameter changed. */
template <class F>
void change(llm::LanguageModel& model, const std::string& suffix, F&& f) {
  llm::nn::Parameters all = model.parameters();
  int changed = 0;
  for (auto& [path, array] : all) {
    if (path.ends_with(suffix)) {
      array = f(array);
      ++changed;
    }
  }
  REQUIRE(changed == 1);
  model.assign(all);
}

mx::array last(const llm::LanguageModel& model, std::vector<int32_t> ids) {
  const int L = static_cast<int>(ids.size());
  return mx::take(mx::squeeze(model.logits(row(ids)), 0), L - 1, 0);
}

} // namespace

TEST_CASE("what-if: scaling a head is scaling its columns of the projection") {
  const auto model = qwen(64);
  const std::vector<int32_t> ids = some_tokens(40);
  const auto before = read(*model, ids);
  const auto after = what_if(*model, *before, {ScaleHead{1, 2, 0.25f}});
  change(*model, "layers.1.self_attn.o_proj.weight", [](const mx::array& w) {
    std::vector<float> scale(32, 1.0f);
    std::fill(scale.begin() + 16, scale.begin() + 24, 0.25f);
    return mx::multiply(w, mx::array(scale.data(), {32}));
  });
  CHECK(distance(after->reading.last_logits, last(*model, ids)) < 1e-3f);
  CHECK(after->kl > 1e-6);
}

TEST_CASE("what-if: scaling an MLP is scaling its last matrix") {
  const auto model = gpt(64);
  const std::vector<int32_t> ids = some_tokens(40);
  const auto before = read(*model, ids);
  const auto after = what_if(*model, *before, {ScaleMLP{0, 0.5f}});
  for (const char* name : {"h.0.mlp.c_proj.weight", "h.0.mlp.c_proj.bias"}) {
    change(*model, name, [](const mx::array& w) {
      return mx::multiply(w, mx::array(0.5f));
    });
  }
  CHECK(distance(after->reading.last_logits, last(*model, ids)) < 1e-3f);
}

TEST_CASE("what-if: a vector on the residual stream") {
  for (const auto& [name, model] : every_kind()) {
    CAPTURE(name);
    const std::vector<int32_t> ids = some_tokens(30);
    const auto before = read(*model, ids);
    std::vector<float> values(32);
    for (int i = 0; i < 32; ++i) {
      values[i] = std::sin(static_cast<float>(i));
    }
    const int last_layer = model->layer_count() - 1;
    // After the last layer: the stream that the head reads, plus the vector.
    const auto after = what_if(
        *model, *before, {AddVector{last_layer, {}, values, "", "", 2}});
    const mx::array stream = residuals(*model, *before, 29, 30).back();
    const mx::array expected = model->unembed(mx::add(
        stream, mx::multiply(mx::array(values.data(), {32}), mx::array(2.0f))));
    CHECK(distance(after->reading.last_logits, mx::flatten(expected)) < 1e-3f);
    // At one position only: what comes before does not move.
    const auto one =
        what_if(*model, *before, {AddVector{0, 20, values, "", "", 1}});
    for (int i = 0; i < 20; ++i) {
      CHECK(std::abs(one->kl_by_position[i]) < 1e-6);
    }
    CHECK(one->kl_by_position[20] > 1e-6);
    // By two texts: the difference of their streams.
    const auto encode = [](const std::string& text) {
      return bytes().encode(text);
    };
    const auto steered = what_if(
        *model,
        *before,
        {AddVector{0, {}, {}, "good", "bad", 1}},
        {.encode = encode});
    CHECK(steered->kl > 1e-6);
    const auto same = what_if(
        *model,
        *before,
        {AddVector{0, {}, {}, "good", "good", 1}},
        {.encode = encode});
    CHECK(std::abs(same->kl) < 1e-9);
  }
}

TEST_CASE("what-if: another token") {
  const auto model = qwen(64);
  std::vector<int32_t> ids = some_tokens(30);
  const auto before = read(*model, ids);
  const auto after = what_if(*model, *before, {ReplaceToken{11, 123}});
  ids[11] = 123;
  CHECK(after->reading.tokens == ids);
  CHECK(distance(after->reading.last_logits, last(*model, ids)) < 1e-3f);
  REQUIRE(after->kl_by_position.size() == 30);
  CHECK(std::abs(after->kl_by_position[10]) < 1e-9);
  CHECK(after->kl_by_position[29] == doctest::Approx(after->kl).epsilon(1e-3));
  CHECK(after->top_before.size() == 20);
}

TEST_CASE("what-if: changes add up, nothing changes nothing") {
  const auto model = gpt(64);
  const auto before = read(*model, some_tokens(20));
  CHECK(what_if(*model, *before, {})->kl == 0);
  const auto first = what_if(*model, *before, {ScaleHead{0, 1, 0}});
  const auto both = what_if(*model, first->reading, {ScaleHead{0, 2, 0}});
  const auto direct =
      what_if(*model, *before, {ScaleHead{0, 1, 0}, ScaleHead{0, 2, 0}});
  CHECK(
      distance(both->reading.last_logits, direct->reading.last_logits) == 0.0f);
}

TEST_CASE("what-if: what is refused") {
  const auto model = gpt(64);
  const auto before = read(*model, some_tokens(20));
  const std::vector<Intervention> wrong = {
      ScaleHead{2, 0, 0},
      ScaleHead{0, 4, 0},
      ScaleHead{0, -1, 0},
      ScaleHead{0, 0, NAN},
      ScaleMLP{-1, 0},
      ReplaceToken{20, 1},
      ReplaceToken{0, vocabulary},
      AddVector{0, {}, {1, 2}, "", "", 1},
      AddVector{0, {}, {}, "a", "b", 1}}; // no tokenizer here
  for (const Intervention& one : wrong) {
    CHECK_THROWS_AS(what_if(*model, *before, {one}), llm::UsageError);
  }
}

TEST_CASE("logit lens: the last layer is the model's output") {
  for (const auto& [name, model] : every_kind()) {
    CAPTURE(name);
    const std::vector<int32_t> ids = some_tokens(50);
    const auto reading = read(*model, ids);
    const Lens lens = logit_lens(*model, *reading, 20, 50, 3);
    REQUIRE(lens.cells.size() == size_t(model->layer_count()) + 1);
    const mx::array logits = mx::squeeze(model->logits(row(ids)), 0);
    for (int i = 0; i < 30; ++i) {
      const LensCell& cell = lens.cells.back()[i];
      CHECK(cell.kl == 0);
      CHECK(cell.rank_final == 1);
      const mx::array own = mx::take(logits, 20 + i, 0);
      CHECK(cell.top[0].id == mx::argmax(own).item<uint32_t>());
      CHECK(
          std::abs(cell.top[0].p - mx::max(mx::softmax(own)).item<float>()) <
          1e-4f);
      CHECK(lens.cells[0][i].kl > 0);
      CHECK(lens.cells[0][i].top.size() == 3);
    }
  }
  const auto model = gpt(64);
  const auto reading = read(*model, some_tokens(50));
  CHECK_THROWS_AS(logit_lens(*model, *reading, 0, 33), llm::UsageError);
  CHECK_THROWS_AS(logit_lens(*model, *reading, 40, 51), llm::UsageError);
}

TEST_CASE("inspect: numbers of a distribution") {
  const mx::array logits = mx::array({1.0f, 3.0f, -INFINITY, 3.0f});
  const std::vector<double> p = probabilities(logits);
  CHECK(p[2] == 0);
  CHECK(p[0] + p[1] + p[3] == doctest::Approx(1));
  CHECK(rank(p, 1) == 1);
  CHECK(rank(p, 3) == 2);
  CHECK(rank(p, 0) == 3);
  CHECK(likeliest(p, 9).size() == 3);
  CHECK(likeliest(p, 2)[1].id == 3);
  CHECK(entropy({0.5, 0.5}) == doctest::Approx(std::log(2.0)));
  CHECK(
      kl({0.5, 0.5}, {0.25, 0.75}) == doctest::Approx(0.5 * std::log(4.0 / 3)));
}
