// SPDX-License-Identifier: MIT
//
// Every kernel beside its twin in operations of MLX (twins.h), over shapes that
// do not fill whole vectors and over inputs that do not lie in rows. Products
// and dropout: products_test.cpp.

#ifdef LLM_KERNELS // where they are not built, there is nothing to compare

#include <atomic>
#include <cmath>
#include <limits>
#include <utility>

#include "llm/kernels/thread_pool.h"
#include "llm/nn/activation.h"
#include "llm/nn/attention.h"
#include "llm/nn/categorical.h"
#include "llm/nn/embedding.h"
#include "llm/nn/loss.h"
#include "llm/nn/matmul.h"
#include "llm/nn/norm.h"
#include "llm/nn/rope.h"
#include "llm/training/optimizers.h"
#include "tests/cpp/kernels/twins.h"

using namespace twins;

TEST_CASE_FIXTURE(Fast, "kernels: chosen on the CPU for float32 alone") {
  const mx::array x = noise({3, 5}, 1);
  const auto gelu = [](const mx::array& x) {
    return nn::apply(nn::Activation::gelu, x);
  };
  CHECK(is_kernel(gelu(x), "activation"));
  CHECK_FALSE(is_kernel(gelu(mx::astype(x, mx::bfloat16)), "activation"));
  CHECK_FALSE(is_kernel(gelu(mx::zeros({0, 5})), "activation"));
  const Plain off;
  CHECK_FALSE(is_kernel(gelu(x), "activation"));
}

TEST_CASE_FIXTURE(Fast, "kernels: activations") {
  for (const auto which :
       {nn::Activation::gelu, nn::Activation::gelu_new, nn::Activation::silu}) {
    CAPTURE(nn::to_string(which));
    const auto f = [which](const Arrays& in) {
      return Arrays{nn::apply(which, in[0])};
    };
    for (const int n : {1, 7, 16, 33, 20000}) {
      check_twins(f, {noise({n}, n) * 3.0f});
    }
    check_twins(f, {mx::array({-200.0f, -60.0f, -9.0f, 0.0f, 9.0f, 200.0f})});
    check_twins(f, {mx::transpose(noise({6, 5}, 2))});
    const mx::array bad =
        mx::array({std::numeric_limits<float>::quiet_NaN(), 1.0f});
    CHECK(std::isnan(mx::sum(nn::apply(which, bad)).item<float>()));
  }
}

TEST_CASE_FIXTURE(Fast, "kernels: swiglu") {
  const auto f = [](const Arrays& in) {
    return Arrays{nn::swiglu(in[0], in[1])};
  };
  check_twins(f, {noise({3, 5, 7}, 1), noise({3, 5, 7}, 2)});
  check_twins(f, {noise({4, 9000}, 1), noise({4, 9000}, 2)});
}

TEST_CASE_FIXTURE(Fast, "kernels: norms") {
  for (const int n : {1, 8, 15, 16, 31, 130}) {
    CAPTURE(n);
    const mx::array x = noise({2, 3, n}, 1) * 2.0f + 0.5f;
    const mx::array w = noise({n}, 2), b = noise({n}, 3);
    const float near = n == 1 ? 1e-3f : 1e-5f; // 1 / sqrt(eps) magnifies
    check_twins(
        [](const Arrays& in) {
          return Arrays{nn::rms_norm(in[0], in[1], 1e-5f)};
        },
        {x, w},
        near);
    const auto layer = [](const Arrays& in) {
      const auto bias = in.size() > 2 ? std::optional(in[2]) : std::nullopt;
      return Arrays{nn::layer_norm(in[0], in[1], bias, 1e-5f)};
    };
    if (n > 1) {
      check_twins(layer, {x, w}, near);
      check_twins(layer, {x, w, b}, near);
    }
  }
  // Heads: rows with gaps between them.
  const auto heads = [](const Arrays& in) {
    return Arrays{nn::rms_norm(nn::split_heads(in[0], 3), in[1], 1e-6f)};
  };
  check_twins(heads, {noise({2, 5, 24}, 1), noise({8}, 2)}, 1e-5f);
}

TEST_CASE_FIXTURE(Fast, "kernels: sum and norm") {
  const auto rms = [](const Arrays& in) {
    nn::RMSNorm norm(in[2].shape(0), 1e-5f);
    norm.weight = in[2];
    const auto [sum, normed] = nn::add_norm(in[0], in[1], norm);
    return Arrays{sum, normed};
  };
  const auto layer = [](const Arrays& in) {
    nn::LayerNorm norm(in[2].shape(0), 1e-5f, false);
    norm.weight = in[2];
    if (in.size() > 3) {
      norm.bias = in[3];
    }
    const auto [sum, normed] = nn::add_norm(in[0], in[1], norm);
    return Arrays{sum, normed};
  };
  for (const int n : {2, 8, 15, 16, 31, 130}) {
    CAPTURE(n);
    const mx::array x = noise({2, 3, n}, 1) * 2.0f + 0.5f;
    const mx::array r = noise({2, 3, n}, 4), w = noise({n}, 2);
    check_twins(rms, {x, r, w}, 1e-5f);
    check_twins(layer, {x, r, w}, 1e-5f);
    check_twins(layer, {x, r, w, noise({n}, 3)}, 1e-5f);
  }
  // One sum, norms of which only the gradient of one counts.
  const auto only = [&](const Arrays& in) { return Arrays{rms(in)[1]}; };
  check_twins(only, {noise({5, 9}, 1), noise({5, 9}, 2), noise({9}, 3)});
  // Another shape or type: MLX's own operations.
  nn::RMSNorm norm(8);
  const auto [sum, normed] =
      nn::add_norm(noise({3, 8}, 1), noise({1, 8}, 2), norm);
  CHECK(sum.shape() == mx::Shape{3, 8});
  CHECK(largest(mx::subtract(norm(sum), normed)) == 0);
}

TEST_CASE_FIXTURE(Fast, "kernels: rope") {
  for (const int start : {0, 5}) {
    const auto f = [start](const Arrays& in) {
      return Arrays{nn::rope(in[0], 10000.0f, start)};
    };
    for (const int D : {2, 6, 32, 36}) {
      check_twins(f, {noise({2, 3, 9, D}, D)}, 1e-5f);
    }
    const auto heads = [start](const Arrays& in) {
      return Arrays{nn::rope(nn::split_heads(in[0], 4), 500.0f, start)};
    };
    check_twins(heads, {noise({2, 70, 32}, 1)}, 1e-5f);
  }
}

TEST_CASE_FIXTURE(Fast, "kernels: causal attention") {
  const auto f = [](const Arrays& in) {
    return Arrays{nn::causal_attention(in[0], in[1], in[2])};
  };
  struct Shape {
    int B, H, K, L, S, D;
  };
  for (const Shape s :
       {Shape{1, 1, 1, 8, 8, 4},
        Shape{2, 4, 2, 50, 50, 8},
        Shape{1, 6, 1, 17, 17, 20},
        Shape{1, 2, 2, 9, 30, 16}, // a prompt that follows cached tokens
        Shape{1, 2, 1, 130, 130, 36}}) {
    CAPTURE(s.L);
    check_twins(
        f,
        {noise({s.B, s.H, s.L, s.D}, 1),
         noise({s.B, s.K, s.S, s.D}, 2),
         noise({s.B, s.K, s.S, s.D}, 3)},
        1e-5f);
  }
  // From packed queries, keys and values, and with large scores.
  const auto packed = [](const Arrays& in) {
    const Arrays qkv = mx::split(in[0], 3, -1);
    return Arrays{nn::merge_heads(nn::causal_attention(
        nn::split_heads(qkv[0], 4),
        nn::split_heads(qkv[1], 4),
        nn::split_heads(qkv[2], 4)))};
  };
  check_twins(packed, {noise({2, 33, 96}, 4)}, 1e-5f);
  for (const mx::Shape& shape :
       {mx::Shape{1, 8, 12}, mx::Shape{2, 33, 96}, mx::Shape{3, 130, 192}}) {
    const auto together = [](const Arrays& in) {
      return Arrays{nn::packed_attention(in[0], 4)};
    };
    const mx::array qkv = noise(shape, 6);
    CHECK(is_kernel(together({qkv})[0], "packed_attention"));
    check_twins(together, {qkv}, 1e-5f);
    CHECK(mx::array_equal(together({qkv})[0], packed({qkv})[0]).item<bool>());
  }
  // Scores of some hundreds: no further from float64 than the twin.
  const mx::array large = noise({1, 16, 96}, 5) * 8.0f;
  const Arrays fast = everything(packed, {large});
  mx::eval(fast);
  const Plain off;
  const Arrays plain = everything(packed, {large});
  const Arrays exact = everything(packed, {mx::astype(large, mx::float64)});
  for (size_t i = 0; i < exact.size(); ++i) {
    const auto error = [&](const mx::array& a) {
      return distance(mx::astype(a, mx::float64), exact[i]);
    };
    CHECK(error(fast[i]) < std::max(1e-5f, 2 * error(plain[i])));
  }
}

TEST_CASE_FIXTURE(
    Fast,
    "kernels: attention rows sum to one and never look ahead") {
  const mx::array q = noise({1, 2, 60, 8}, 1) * 50.0f,
                  k = noise({1, 2, 60, 8}, 2);
  const mx::array ones = nn::causal_attention(q, k, mx::ones({1, 2, 60, 8}));
  CHECK(distance(ones, mx::ones_like(ones)) < 1e-5f);
  mx::array v = noise({1, 2, 60, 8}, 3);
  const mx::array before = nn::causal_attention(q, k, v);
  const mx::array late = mx::greater_equal(mx::arange(60), mx::array(40));
  v = mx::where(mx::reshape(late, {60, 1}), mx::array(7.0f), v);
  const mx::array after = nn::causal_attention(q, k, v);
  const auto head = [](const mx::array& a) {
    return mx::slice(a, {0, 0, 0, 0}, {1, 2, 40, 8});
  };
  CHECK(mx::array_equal(head(before), head(after)).item<bool>());
}

TEST_CASE_FIXTURE(Fast, "kernels: rows of a table") {
  nn::Embedding layer(1, 1);
  for (const auto& [V, C] :
       {std::pair{1, 1}, std::pair{5, 3}, std::pair{65, 40}}) {
    CAPTURE(V);
    for (const mx::Shape& shape : {mx::Shape{17}, mx::Shape{3, 70}}) {
      const mx::array ids =
          mx::random::randint(-V, V, shape, mx::int32, mx::random::key(1));
      const auto f = [&](const Arrays& in) {
        layer.weight = in[0];
        return Arrays{layer(ids)};
      };
      CHECK(is_kernel(f({noise({V, C}, 2)})[0], "table_rows"));
      check_twins(f, {noise({V, C}, 2)}, 1e-5f);
    }
  }
  // One beyond the end reads nothing.
  layer.weight = mx::ones({2, 3});
  mx::array sum = mx::sum(layer(mx::full({20}, 2, mx::int32)));
  CHECK(sum.item<float>() == 0.0f);
}

TEST_CASE_FIXTURE(Fast, "kernels: cross entropy") {
  for (const int V : {1, 5, 16, 55, 1000}) {
    CAPTURE(V);
    const mx::array targets =
        mx::random::randint(0, V, {3, 13}, mx::int32, mx::random::key(1));
    const auto f = [&](const Arrays& in) {
      return Arrays{nn::token_losses(in[0], targets)};
    };
    check_twins(f, {noise({3, 13, V}, 2) * 4.0f}, 1e-5f);
  }
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const int at : {0, 17}) {
    mx::array row = mx::where(
        mx::equal(mx::arange(20), mx::array(at)),
        mx::array(nan),
        mx::zeros({20}));
    mx::array loss =
        nn::token_losses(mx::reshape(row, {1, 20}), mx::array({3}));
    CHECK(std::isnan(loss.item<float>()));
  }
}

// A model that is sure of one token of 49,152 gives each other one at most the
// last bit that float32 holds beside 1; together they are a two-hundredth.
TEST_CASE_FIXTURE(Fast, "kernels: sums over a large vocabulary lose nothing") {
  const int V = 49152;
  for (const float others : {-16.0f, -16.9f}) {
    const mx::array row = mx::where(
        mx::equal(mx::arange(V), mx::array(7)),
        mx::array(0.0f),
        mx::array(others));
    const double e = std::exp(static_cast<double>(others));
    const double sum = 1 + (V - 1) * e, lse = std::log(sum);
    const double entropy = lse - (V - 1) * e * others / sum;
    const mx::array rows = mx::reshape(row, {1, V}), target = mx::array({7});
    const mx::array reference = // where float32 would be too little
        nn::token_losses(mx::astype(rows, mx::float64), target);
    CHECK(reference.dtype() == mx::float64);
    const nn::Spread spread = nn::spread(row);
    for (auto [found, exact] :
         {std::pair{nn::token_losses(rows, target), lse},
          {mx::astype(reference, mx::float32), lse},
          {spread.log_sum_exp, lse},
          {spread.entropy, entropy}}) {
      CHECK(std::abs(found.item<float>() - exact) < 3e-7);
    }
  }
}

TEST_CASE_FIXTURE(Fast, "kernels: spread of a distribution") {
  const auto f = [](const Arrays& in) {
    const nn::Spread s = nn::spread(in[0]);
    return Arrays{s.log_sum_exp, s.entropy};
  };
  for (const int V : {1, 5, 16, 55}) {
    CAPTURE(V);
    check_twins(f, {noise({3, 13, V}, 2) * 4.0f}, 1e-5f);
  }
  // Over many tokens the twin itself is no closer than 2e-5 to float64.
  const mx::array wide = noise({5000}, 7) * 4.0f;
  mx::eval(wide);
  double sum = 0, weighted = 0;
  for (int i = 0; i < 5000; ++i) {
    const double x = wide.data<float>()[i];
    sum += std::exp(x);
    weighted += std::exp(x) * x;
  }
  const double entropy = std::log(sum) - weighted / sum;
  CHECK(std::abs(f({wide})[0].item<float>() - std::log(sum)) < 4e-6);
  CHECK(std::abs(f({wide})[1].item<float>() - entropy) < 2e-6);
  // Removed tokens count nothing.
  const float gone = -std::numeric_limits<float>::infinity();
  const mx::array all = noise({40}, 3);
  const mx::array kept = mx::less(mx::arange(40), mx::array(23));
  const nn::Spread some = nn::spread(mx::where(kept, all, mx::array(gone)));
  const nn::Spread same = nn::spread(mx::slice(all, {0}, {23}));
  CHECK(distance(some.entropy, same.entropy) < 1e-6f);
  CHECK(distance(some.log_sum_exp, same.log_sum_exp) < 1e-6f);
}

TEST_CASE_FIXTURE(Fast, "kernels: a draw is MLX's own") {
  for (const int V : {1, 2, 3, 16, 17, 61, 257, 5000, 49152}) {
    CAPTURE(V);
    const float gone = -std::numeric_limits<float>::infinity();
    const mx::array logits = mx::where(
        mx::less(noise({V}, 5), mx::array(1.0f)),
        noise({V}, V),
        mx::array(gone));
    for (int seed = 0; seed < (V > 1000 ? 40 : 200); ++seed) {
      const mx::array key = mx::random::key(seed);
      mx::array ours = nn::categorical(logits, key);
      REQUIRE(is_kernel(ours.inputs()[0], "categorical"));
      CHECK(
          ours.item<int32_t>() ==
          static_cast<int32_t>(
              mx::random::categorical(logits, -1, key).item<uint32_t>()));
    }
  }
}

TEST_CASE_FIXTURE(Fast, "kernels: optimizers") {
  nn::Parameters params, grads;
  int seed = 0;
  for (const mx::Shape& shape :
       {mx::Shape{7},
        mx::Shape{33},
        mx::Shape{5, 9},
        mx::Shape{40, 24},
        mx::Shape{24, 300},
        mx::Shape{1, 17},
        mx::Shape{20000}}) {
    const std::string name = "w" + std::to_string(seed);
    params.emplace(name, noise(shape, ++seed));
    grads.emplace(name, noise(shape, ++seed));
  }
  for (const std::string name : {"adamw", "muon"}) {
    CAPTURE(name);
    const Optimizer optimizer({.name = name, .adamw_lr_scale = 0.5f});
    const auto run = [&] {
      OptimizerStep now{params, optimizer.init(params)};
      for (int t = 1; t <= 3; ++t) {
        now = optimizer.step(
            now.params,
            grads,
            now.state,
            mx::array(0.02f),
            mx::array(static_cast<float>(t)));
      }
      Arrays out;
      for (const nn::Parameters* part : {&now.params, &now.state}) {
        for (const auto& [path, array] : *part) {
          out.push_back(array);
        }
      }
      mx::eval(out);
      return out;
    };
    const Arrays fast = run();
    const Plain off;
    const Arrays plain = run();
    for (size_t i = 0; i < plain.size(); ++i) {
      CHECK(distance(fast[i], plain[i]) < 1e-5f);
    }
  }
}

TEST_CASE_FIXTURE(Fast, "kernels: vmap falls back to plain operations") {
  const auto f = [](const Arrays& in) {
    return Arrays{
        nn::apply(nn::Activation::gelu, in[0]),
        nn::rms_norm(in[0], in[1], 1e-5f)};
  };
  const Arrays in = {noise({4, 3, 8}, 1), noise({8}, 2)};
  const Arrays mapped = mx::vmap(f, {0, -1})(in);
  const Arrays direct = f(in);
  CHECK(distance(mapped[0], direct[0]) < 2e-6f);
  CHECK(distance(mapped[1], direct[1]) < 2e-6f);
}

TEST_CASE_FIXTURE(Fast, "kernels: the same bits whatever the threads") {
  const auto result = [](int threads) {
    kernels::set_threads(threads);
    const auto f = [](const Arrays& in) {
      const mx::array h = nn::layer_norm(in[0], in[1], std::nullopt, 1e-5f);
      const mx::array q = nn::split_heads(h, 2);
      nn::Embedding layer(1, 1);
      layer.weight = mx::reshape(in[0], {-1, 32});
      const mx::array ids = mx::remainder(mx::arange(50), mx::array(3));
      return Arrays{
          nn::causal_attention(q, q, q),
          nn::packed_attention(mx::concatenate({h, h, h}, -1), 2),
          global_norm({{"h", h}}),
          layer(ids)};
    };
    const Arrays out = everything(f, {noise({3, 90, 32}, 1), noise({32}, 2)});
    mx::eval(out);
    return out;
  };
  const Arrays one = result(1), three = result(3);
  kernels::set_threads(0);
  for (size_t i = 0; i < one.size(); ++i) {
    CHECK(mx::array_equal(one[i], three[i]).item<bool>());
  }
}

TEST_CASE_FIXTURE(Fast, "kernels: the pool runs every task once") {
  for (const int threads : {1, 2, 5}) {
    kernels::set_threads(threads);
    for (const int count : {0, 1, 3, 1000}) {
      std::vector<std::atomic<int>> runs(count);
      kernels::parallel_for(count, [&](int64_t i) { ++runs[i]; });
      for (const auto& n : runs) {
        CHECK(n == 1);
      }
    }
    // A task may itself ask for the pool.
    std::atomic<int> inner{0};
    kernels::parallel_for(4, [&](int64_t) {
      kernels::parallel_for(5, [&](int64_t) { ++inner; });
    });
    CHECK(inner == 20);
  }
  kernels::set_threads(0);
}

#endif // LLM_KERNELS
