// SPDX-License-Identifier: MIT
//
// What runs on a GPU alone, beside plain forms. Skipped where there is none.

#include <cmath>
#include <vector>

#include <doctest/doctest.h>
#include <mlx/backend/cuda/cuda.h>
#include <mlx/mlx.h>

#include "llm/kernels/kernels.h"
#include "llm/models/gpt.h"
#include "llm/nn/activation.h"
#include "llm/nn/attention.h"
#include "llm/nn/backend.h"
#include "llm/nn/dropout.h"
#include "llm/nn/embedding.h"
#include "llm/nn/loss.h"
#include "llm/nn/norm.h"
#include "llm/training/optimizers.h"
#include "llm/training/train_step.h"

namespace mx = mlx::core;
using namespace llm;

namespace {

bool has_gpu() {
  return mx::is_available(mx::Device::gpu);
}

/** True if our own kernels run, which is on NVIDIA's GPUs alone. */
bool has_cuda() {
  return kernels::built && has_gpu() && mx::cu::is_available();
}

/** The default device is the GPU while it lives. */
struct OnGpu {
  OnGpu() {
    start_mlx("gpu");
  }
  ~OnGpu() {
    start_mlx("cpu");
  }
};

double distance(const mx::array& a, const mx::array& b) {
  const mx::array x = mx::astype(a, mx::float32);
  const mx::array y = mx::astype(b, mx::float32);
  return mx::sqrt(mx::sum(mx::square(x - y)) / mx::sum(mx::square(y)))
      .item<float>();
}

mx::array mixed(mx::array x) {
  const auto shifted = [](const mx::array& x, int n) {
    return mx::bitwise_xor(x, mx::right_shift(x, mx::array(n, mx::uint32)));
  };
  x = mx::multiply(shifted(x, 16), mx::array(0x21f0aaadu, mx::uint32));
  x = mx::multiply(shifted(x, 15), mx::array(0x735a2d97u, mx::uint32));
  return shifted(x, 15);
}

/** Which weights the kernel keeps, [B, H, L, L]: 16 random bits for each. */
mx::array kept(int B, int H, int L, const mx::array& key, float p) {
  const mx::array k = mx::reshape(key, {2});
  const mx::array first = mx::slice(k, {0}, {1});
  const mx::array second = mx::slice(k, {1}, {2});
  const mx::array rows = mx::arange(0, B * H * L, mx::uint32);
  const mx::array random =
      mx::reshape(mixed(mx::bitwise_xor(mixed(rows + first), second)), {-1, 1});
  const mx::array pairs = mx::reshape(
      mx::arange(0, L / 2, mx::uint32) * mx::array(0x9e3779b9u, mx::uint32),
      {1, -1});
  const mx::array bits = mixed(random + pairs); // [B H L, L / 2]
  const mx::array low = mx::bitwise_and(bits, mx::array(0xffffu, mx::uint32));
  const mx::array high = mx::right_shift(bits, mx::array(16, mx::uint32));
  const mx::array both = mx::reshape(mx::stack({low, high}, -1), {B, H, L, L});
  const auto limit = static_cast<uint32_t>(std::lround(p * 65536.0f));
  return mx::greater_equal(both, mx::array(limit, mx::uint32));
}

} // namespace

TEST_CASE(
    "gpu: attention that drops weights is its plain form" *
    doctest::skip(!has_cuda())) {
  const OnGpu gpu;
  const int B = 2, H = 3, L = 192, C = 64 * H;
  const mx::array qkv = mx::astype(
      mx::random::normal({B, L, 3 * C}, mx::float32, 0, 1, mx::random::key(1)),
      mx::bfloat16);
  const mx::array dy = mx::astype(
      mx::random::normal({B, L, C}, mx::float32, 0, 1, mx::random::key(2)),
      mx::bfloat16);
  const mx::array key = mx::random::key(3);
  for (float p : {0.0f, 0.25f}) {
    const auto fused = [&](const std::vector<mx::array>& in) {
      return std::vector<mx::array>{nn::dropping_attention(in[0], H, key, p)};
    };
    const auto plain = [&](const std::vector<mx::array>& in) {
      const auto parts = mx::split(mx::astype(in[0], mx::float32), 3, -1);
      const mx::array w = nn::attention_weights(
          nn::split_heads(parts[0], H), nn::split_heads(parts[1], H));
      const mx::array mask = kept(B, H, L, key, p);
      const mx::array dropped = mx::where(mask, w / (1 - p), mx::array(0.0f));
      return std::vector<mx::array>{
          nn::merge_heads(mx::matmul(dropped, nn::split_heads(parts[2], H)))};
    };
    const auto [y, dx] = mx::vjp(fused, {qkv}, {dy});
    const auto [plain_y, plain_dx] =
        mx::vjp(plain, {qkv}, {mx::astype(dy, mx::float32)});
    CAPTURE(p);
    CHECK(distance(y[0], plain_y[0]) < 5e-3);
    CHECK(distance(dx[0], plain_dx[0]) < 8e-3);
    // The same bits again.
    CHECK(mx::array_equal(dx[0], mx::vjp(fused, {qkv}, {dy}).second[0])
              .item<bool>());
  }
}

TEST_CASE(
    "gpu: dropout drops as often as it says, and scales the rest" *
    doctest::skip(!has_gpu())) {
  const OnGpu gpu;
  const mx::array x = mx::ones({512, 768});
  const mx::array y = nn::dropped(x, mx::random::key(5), 0.2f);
  const double zeros =
      mx::mean(mx::astype(mx::equal(y, mx::array(0.0f)), mx::float32))
          .item<float>();
  CHECK(zeros == doctest::Approx(0.2).epsilon(0.02));
  CHECK(mx::max(y).item<float>() == doctest::Approx(1.25));
  const mx::array other = nn::dropped(x, mx::random::key(6), 0.2f);
  const double same =
      mx::mean(mx::astype(mx::equal(y, other), mx::float32)).item<float>();
  CHECK(same == doctest::Approx(0.68).epsilon(0.02));
}

TEST_CASE(
    "gpu: the gradient of a small table is a sum over equal ids" *
    doctest::skip(!has_gpu())) {
  const OnGpu gpu;
  nn::Embedding table(17, 24);
  const mx::array weight = mx::random::normal({17, 24}, mx::random::key(7));
  const mx::array ids =
      mx::random::randint(0, 17, {4, 33}, mx::int32, mx::random::key(8));
  const mx::array dy = mx::random::normal({4, 33, 24}, mx::random::key(9));
  const auto ours = [&](const std::vector<mx::array>& in) {
    nn::Embedding e = table;
    e.weight = in[0];
    return std::vector<mx::array>{e(ids)};
  };
  const auto plain = [&](const std::vector<mx::array>& in) {
    return std::vector<mx::array>{mx::take(in[0], ids, 0)};
  };
  const auto a = mx::vjp(ours, {weight}, {dy});
  const auto b = mx::vjp(plain, {weight}, {dy});
  CHECK(mx::array_equal(a.first[0], b.first[0]).item<bool>());
  CHECK(distance(a.second[0], b.second[0]) < 1e-3); // TF32 by default
}

namespace {

mx::array noise(const mx::Shape& shape, uint64_t seed) {
  return mx::random::normal(shape, mx::float32, 0, 1, mx::random::key(seed));
}

mx::array half(const mx::array& x) {
  return mx::astype(x, mx::bfloat16);
}

using Arrays = std::vector<mx::array>;

/** f in bfloat16 and in float32, its result and its gradients. */
template <class F, class G>
void check_near(const F& f, const G& plain, const Arrays& in, double most) {
  Arrays exact;
  for (const mx::array& x : in) {
    exact.push_back(mx::astype(x, mx::float32));
  }
  const mx::array dy = half(noise(in[0].shape(), 77));
  const auto a = mx::vjp(f, in, {dy});
  const auto b = mx::vjp(plain, exact, {mx::astype(dy, mx::float32)});
  CHECK(a.first[0].dtype() == mx::bfloat16);
  CHECK(distance(a.first[0], b.first[0]) < most);
  for (size_t i = 0; i < in.size(); ++i) {
    CAPTURE(i);
    CHECK(distance(a.second[i], b.second[i]) < most);
  }
}

} // namespace

TEST_CASE(
    "gpu: layer norm and gelu are their plain forms" *
    doctest::skip(!has_gpu())) {
  const OnGpu gpu;
  for (int C : {64, 384, 1024}) {
    const mx::array x = half(noise({3, 37, C}, 1) * 2.0f + 0.5f);
    const mx::array w = half(noise({C}, 2)), b = half(noise({C}, 3));
    CAPTURE(C);
    check_near(
        [](const Arrays& in) {
          return Arrays{nn::layer_norm(in[0], in[1], in[2], 1e-5f)};
        },
        [](const Arrays& in) {
          return Arrays{mx::fast::layer_norm(in[0], in[1], in[2], 1e-5f)};
        },
        {x, w, b},
        6e-3);
    check_near(
        [](const Arrays& in) {
          return Arrays{nn::layer_norm(in[0], in[1], {}, 1e-5f)};
        },
        [](const Arrays& in) {
          return Arrays{mx::fast::layer_norm(in[0], in[1], {}, 1e-5f)};
        },
        {x, w},
        6e-3);
    check_near(
        [](const Arrays& in) {
          return Arrays{nn::apply(nn::Activation::gelu, in[0])};
        },
        [](const Arrays& in) {
          return Arrays{
              in[0] * 0.5f * (1.0f + mx::erf(in[0] / std::sqrt(2.0f)))};
        },
        {x},
        6e-3);
  }
}

TEST_CASE(
    "gpu: an update of all parameters at once is the CPU's" *
    doctest::skip(!has_gpu())) {
  const nn::Parameters p = {
      {"a", noise({70, 90}, 1)}, {"b", noise({33}, 2)}, {"c", noise({9}, 3)}};
  const nn::Parameters g = {
      {"a", noise({70, 90}, 4)}, {"b", noise({33}, 5)}, {"c", noise({9}, 6)}};
  for (const char* name : {"adamw", "adam", "lion"}) {
    OptimizerConfig config{.name = name};
    config.weight_decay = std::string(name) == "adam" ? 0.0f : 0.1f;
    const Optimizer optimizer(config);
    const mx::array lr(0.01f), one(1.0f), scale(0.5f);
    const auto update = [&](const std::optional<mx::array>& good) {
      const nn::Parameters zeros = optimizer.init(p);
      OptimizerStep s = optimizer.step(p, g, zeros, lr, one, scale);
      const mx::array two(2.0f);
      s = optimizer.step(s.params, g, s.state, lr, two, scale, good);
      Arrays all = {global_norm(g)};
      for (const auto* list : {&s.params, &s.state}) {
        for (const auto& [path, array] : *list) {
          all.push_back(array);
        }
      }
      mx::eval(all);
      return all;
    };
    start_mlx("cpu");
    const Arrays expected = update({});
    Arrays received, bad;
    {
      const OnGpu gpu;
      received = update({});
      bad = update(mx::array(false));
      const OptimizerStep once =
          optimizer.step(p, g, optimizer.init(p), lr, one, scale);
      CHECK(mx::array_equal(bad[1], once.params.at("a")).item<bool>());
    }
    CAPTURE(name);
    for (size_t i = 0; i < expected.size(); ++i) {
      CHECK(distance(received[i], expected[i]) < 1e-5);
    }
  }
}

TEST_CASE(
    "gpu: GPT-2 in one is what its layers compute" *
    doctest::skip(!has_cuda())) {
  const OnGpu gpu;
  const int B = 2, L = 128, C = 128;
  GPTConfig config{.vocab_size = 65, .n_positions = 192, .n_embd = C};
  config.n_layer = 3;
  config.n_head = 2;
  config.activation = nn::Activation::gelu;
  config.bias = false;
  const mx::array tokens =
      mx::random::randint(0, 65, {B, L}, mx::int32, mx::random::key(1));
  for (float p : {0.0f, 0.2f}) {
    config.dropout = p;
    GPT model(config);
    std::vector<std::string> names;
    Arrays in;
    uint64_t seed = 10;
    for (const auto& [path, a] : nn::parameters(model)) {
      const float size = a.ndim() == 1 ? 1.0f : 0.1f;
      names.push_back(path);
      in.push_back(half(noise(a.shape(), seed++) * size));
    }
    nn::set_dropout_key(model, mx::random::key(5));
    const auto with = [&](const Arrays& in) {
      nn::Parameters values;
      for (size_t i = 0; i < names.size(); ++i) {
        values.emplace(names[i], in[i]);
      }
      nn::assign(model, values);
    };
    const auto in_one = [&](const Arrays& in) {
      with(in);
      const auto y = model.in_one(tokens);
      REQUIRE(y);
      return Arrays{*y};
    };
    const auto by_layers = [&](const Arrays& in) {
      with(in);
      const mx::array at = mx::arange(0, L, mx::int32);
      mx::array x = model.drop(mx::add(model.wte(tokens), model.wpe(at)));
      for (const GPTBlock& block : model.h) {
        x = block(x);
      }
      return Arrays{model.ln_f(x)};
    };
    const mx::array dy = half(noise({B, L, C}, 2));
    const auto a = mx::vjp(in_one, in, {dy});
    const auto b = mx::vjp(by_layers, in, {dy});
    CAPTURE(p);
    CHECK(distance(a.first[0], b.first[0]) < 6e-3);
    for (size_t i = 0; i < in.size(); ++i) {
      CAPTURE(names[i]);
      CHECK(distance(a.second[i], b.second[i]) < 1.5e-2);
    }
    // The same bits again.
    const auto again = mx::vjp(in_one, in, {dy});
    for (size_t i = 0; i < in.size(); ++i) {
      CHECK(mx::array_equal(a.second[i], again.second[i]).item<bool>());
    }
  }
}

TEST_CASE(
    "gpu: losses over a large vocabulary are as exact as float32 can be" *
    doctest::skip(!has_gpu())) {
  const OnGpu gpu;
  for (int V : {65, 1000, 49152}) {
    const mx::array logits = noise({64, V}, 1) * 3.0f;
    const mx::array targets =
        mx::random::randint(0, V, {64}, mx::int32, mx::random::key(2));
    const mx::array found = nn::token_losses(logits, targets);
    mx::eval(found);
    start_mlx("cpu");
    const mx::array x = mx::astype(logits, mx::float64);
    const mx::array exact = mx::subtract(
        mx::logsumexp(x, -1),
        mx::squeeze(
            mx::take_along_axis(x, mx::expand_dims(targets, -1), -1), -1));
    CAPTURE(V);
    CHECK(distance(found, exact) < 1e-6);
    start_mlx("gpu");
  }
}

TEST_CASE(
    "gpu: an update is begun, and nothing waits for it" *
    doctest::skip(!has_gpu())) {
  const OnGpu gpu;
  const int B = 256, L = 256, V = 65; // some 20 ms, begun in fewer
  const Json config = {
      {"model_type", "gpt2"},
      {"vocab_size", V},
      {"n_positions", L},
      {"n_embd", 384},
      {"n_layer", 6},
      {"n_head", 6},
      {"activation_function", "gelu"},
      {"bias", false},
      {"resid_pdrop", 0.2}};
  const auto model = make_model(config);
  model->initialize(1);
  const mx::array ids =
      mx::random::randint(0, V, {B, L}, mx::int32, mx::random::key(3));
  const TrainBatch batch(Batch{ids, ids});
  const TrainStep step(*model, {.name = "adamw"}, 1.0f, mx::bfloat16);
  TrainState state{step.trained(), {}};
  state.optimizer = step.initial_optimizer_state(state.parameters);
  state = step(state, {batch}, 0, 1e-3f, 1).state; // kernels are compiled
  const PendingStep first = step.start(state, {batch}, 1, 1e-3f, 2);
  const PendingStep second = step.start(first.state, {batch}, 2, 1e-3f, 3);
  CHECK_FALSE(second.norm.is_available());
  CHECK(step.finish(second).loss < step.finish(first).loss);
}
