// SPDX-License-Identifier: MIT
//
// Matrix products, in float32 and in bfloat16, and dropout beside MLX's.

#ifdef LLM_KERNELS // where they are not built, there is nothing to compare

#include <vector>

#include "llm/kernels/thread_pool.h"
#include "llm/nn/dropout.h"
#include "llm/nn/matmul.h"
#include "tests/cpp/kernels/twins.h"

using namespace twins;

TEST_CASE_FIXTURE(Fast, "kernels: matrix products") {
  struct Shape {
    int M, K, N;
  };
  for (const Shape s :
       {Shape{16, 1, 1},
        Shape{17, 5, 55},
        Shape{97, 300, 33},
        Shape{200, 64, 64},
        Shape{1100, 30, 20}}) {
    CAPTURE(s.M);
    const mx::array x = noise({s.M, s.K}, 1), w = noise({s.K, s.N}, 2);
    const auto f = [](const Arrays& in) {
      return Arrays{nn::matmul(in[0], in[1])};
    };
    check_twins(f, {x, w}, 1e-5f);
    const auto turned = [](const Arrays& in) {
      return Arrays{nn::matmul(mx::transpose(in[0]), mx::transpose(in[1]))};
    };
    check_twins(turned, {mx::transpose(x), mx::transpose(w)}, 1e-5f);
    const auto layer = [](const Arrays& in) {
      return Arrays{nn::matmul_transposed(in[0], in[1])};
    };
    check_twins(layer, {x, mx::contiguous(mx::transpose(w))}, 1e-5f);
    const auto gaps = [](const Arrays& in) { // every second column
      const mx::array &x = in[0], &w = in[1];
      return Arrays{nn::matmul(
          mx::slice(x, {0, 0}, x.shape(), {1, 2}),
          mx::slice(w, {0, 0}, w.shape(), {1, 2}))};
    };
    check_twins(
        gaps, {noise({s.M, 2 * s.K}, 3), noise({s.K, 2 * s.N}, 4)}, 1e-5f);
  }
  const auto batch = [](const Arrays& in) {
    return Arrays{nn::matmul(mx::transpose(in[0], {1, 0, 2}), in[1])};
  };
  check_twins(batch, {noise({3, 7, 12}, 3), noise({12, 40}, 4)}, 1e-5f);
}

TEST_CASE_FIXTURE(Fast, "kernels: a layer's gradient lies as its weight") {
  const mx::array x = noise({40, 24}, 1), w = noise({30, 24}, 2);
  const auto f = [](const Arrays& in) {
    return Arrays{nn::matmul_transposed(in[0], in[1])};
  };
  CHECK(is_kernel(f({x, w})[0], "matmul_transposed"));
  mx::array dw = mx::vjp(f, {x, w}, {noise({40, 30}, 3)}).second[1];
  mx::eval(dw);
  CHECK(dw.flags().row_contiguous);
}

TEST_CASE_FIXTURE(Fast, "kernels: the same products whatever the threads") {
  const mx::array x = noise({300, 65}, 1), w = noise({130, 65}, 2);
  const auto result = [&](int threads) {
    kernels::set_threads(threads);
    const Arrays out = everything(
        [](const Arrays& in) {
          return Arrays{nn::matmul_transposed(in[0], in[1])};
        },
        {x, w});
    mx::eval(out);
    return out;
  };
  const Arrays one = result(1), three = result(3);
  kernels::set_threads(0);
  for (size_t i = 0; i < one.size(); ++i) {
    CHECK(mx::array_equal(one[i], three[i]).item<bool>());
  }
}

TEST_CASE_FIXTURE(Fast, "kernels: matrix products in bfloat16") {
  if (!kernels::has_bf16_dot()) {
    MESSAGE("this processor has no such products");
    return;
  }
  struct InBf16 {
    InBf16() {
      kernels::set_bf16_products(true);
    }
    ~InBf16() {
      kernels::set_bf16_products(false);
    }
  } in_bf16;
  const auto rounded = [](const mx::array& x) {
    return mx::astype(mx::astype(x, mx::bfloat16), mx::float32);
  };
  struct Shape {
    int M, K, N;
  };
  for (const Shape& s : std::vector<Shape>{
           {16, 1, 1},
           {17, 3, 33},
           {29, 64, 64},
           {96, 257, 31},
           {131, 600, 70},
           {40, 1025, 129}}) {
    const int M = s.M, K = s.K, N = s.N;
    CAPTURE(M);
    CAPTURE(K);
    const mx::array x = noise({M, K}, 1), w = noise({K, N}, 2);
    // The rounded numbers' products are exact in float32, so only the order of
    // the sums differs.
    const mx::array expected = mx::matmul(rounded(x), rounded(w));
    const mx::array y = nn::matmul(x, w);
    CHECK(distance(y, expected) < 1e-5f);
    const mx::array xt = mx::contiguous(mx::transpose(x));
    const mx::array wt = mx::contiguous(mx::transpose(w));
    CHECK(mx::array_equal(nn::matmul(mx::transpose(xt), mx::transpose(wt)), y)
              .item<bool>());
    CHECK(distance(y, mx::matmul(x, w)) > (K > 1 ? 1e-5f : 0.0f)); // it rounds
    const mx::array dy = noise({M, N}, 3);
    const auto grads =
        mx::vjp(
            [](const Arrays& in) { return Arrays{nn::matmul(in[0], in[1])}; },
            {x, w},
            {dy})
            .second;
    CHECK(
        distance(grads[0], mx::matmul(rounded(dy), mx::transpose(rounded(w)))) <
        1e-5f);
    CHECK(
        distance(grads[1], mx::matmul(mx::transpose(rounded(x)), rounded(dy))) <
        1e-5f);
  }
}

TEST_CASE_FIXTURE(Fast, "kernels: dropout at the edge of its probability") {
  // Words that are kept or not by how MLX rounds the probability.
  const mx::array x = mx::ones({1 << 22});
  for (const int seed : {2, 8}) {
    const mx::array key = mx::random::key(seed);
    const mx::array fast = nn::dropped(x, key, 0.1f);
    mx::eval(fast);
    kernels::set_fast_cpu(false);
    const mx::array plain = nn::dropped(x, key, 0.1f);
    kernels::set_fast_cpu(true);
    CHECK(mx::array_equal(fast, plain).item<bool>());
  }
}

TEST_CASE_FIXTURE(Fast, "kernels: dropout draws MLX's own numbers") {
  const mx::array key = mx::random::key(77);
  for (const float p : {0.05f, 0.1f, 0.5f, 0.9f}) {
    for (const int n : {1, 2, 5, 31, 64, 1001, 40000}) {
      CAPTURE(p);
      CAPTURE(n);
      const auto f = [&](const Arrays& in) {
        return Arrays{nn::dropped(in[0], key, p)};
      };
      check_twins(f, {noise({n}, n)});
      const mx::array x = mx::ones({n});
      const mx::array fast = nn::dropped(x, key, p);
      CHECK(is_kernel(fast, "dropout"));
      kernels::set_fast_cpu(false);
      const mx::array plain = nn::dropped(x, key, p);
      kernels::set_fast_cpu(true);
      CHECK(mx::array_equal(fast, plain).item<bool>());
    }
  }
}

#endif // LLM_KERNELS
