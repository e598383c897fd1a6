// SPDX-License-Identifier: MIT

#include "llm/nn/joined.h"

#include <string>

#include <doctest/doctest.h>
#include <mlx/mlx.h>

#include "llm/models/language_model.h"

namespace mx = mlx::core;
using namespace llm;

namespace {

mx::array noise(const mx::Shape& shape, uint64_t seed) {
  return mx::random::normal(shape, mx::random::key(seed));
}

nn::Linear layer(int in, int out, uint64_t seed, int bits = 0) {
  nn::Linear l(in, out, bits == 0);
  l.weight = noise({out, in}, seed);
  if (bits > 0) {
    auto [packed, rest] = nn::quantize(l.weight, 32, bits);
    l.weight = packed;
    l.quantization = rest;
  } else {
    l.bias = noise({out}, seed + 100);
  }
  return l;
}

bool near(const mx::array& a, const mx::array& b) {
  return a.shape() == b.shape() && mx::allclose(a, b, 1e-4, 1e-4).item<bool>();
}

} // namespace

TEST_CASE("joined: one product gives what the layers give") {
  for (int bits : {0, 4}) {
    nn::Linear a = layer(64, 96, 1, bits), b = layer(64, 32, 2, bits);
    const nn::Linear a0 = a, b0 = b;
    nn::Joined joined;
    joined.join({&a, &b});
    CAPTURE(bits);
    for (const mx::array& part : {a.weight, b.weight}) {
      CHECK(part.flags().row_contiguous); // no copy for a product
    }
    for (int rows : {1, 5, 100}) {
      const mx::array x = noise({1, rows, 64}, 3);
      const auto [ya, yb] = joined(x, a, b);
      mx::eval(ya, yb); // parts of one array, for one token
      CHECK((ya.data_shared_ptr() == yb.data_shared_ptr()) == (rows == 1));
      CHECK(near(ya, a0(x)));
      CHECK(near(yb, b0(x)));
      CHECK(near(a(x), a0(x))); // the parts are layers as before
    }
    const mx::array x = noise({1, 64}, 4);
    a.weight = a0.weight; // another array: no longer joined
    b = layer(64, 32, 5, bits);
    CHECK(near(joined(x, a, b)[1], b(x)));
  }
}

TEST_CASE("joined: an adapter counts, and what differs stays apart") {
  nn::Linear a = layer(64, 96, 1), b = layer(64, 32, 2);
  nn::Joined joined;
  joined.join({&a, &b});
  const mx::array x = noise({1, 64}, 3);
  const mx::array before = b(x);
  b.lora = nn::LoRA(64, 32, 4, 1.0f, 0.0f, false);
  b.lora->lora_a = noise(b.lora->lora_a.shape(), 6);
  b.lora->lora_b = noise(b.lora->lora_b.shape(), 7);
  CHECK(near(joined(x, a, b)[1], b(x)));
  CHECK_FALSE(near(joined(x, a, b)[1], before));
  nn::Linear packed = layer(64, 32, 8, 4);
  const auto id = packed.weight.id();
  joined.join({&a, &packed});
  CHECK(packed.weight.id() == id);
  CHECK(near(joined(x, a, packed)[1], packed(x)));
}

TEST_CASE("joined: a model writes the same, in the same memory") {
  std::string type;
  SUBCASE("") {
    type = "llama";
  }
  SUBCASE("") {
    type = "gemma3_text";
  }
  CAPTURE(type);
  const Json config = {
      {"model_type", type},
      {"vocab_size", 50},
      {"max_position_embeddings", 64},
      {"hidden_size", 64},
      {"intermediate_size", 96},
      {"num_hidden_layers", 2},
      {"num_attention_heads", 4},
      {"num_key_value_heads", 2},
      {"head_dim", 16},
      {"tie_word_embeddings", true}};
  mx::clear_cache(); // a buffer from there may be larger than what is in it
  const auto model = make_model(config);
  model->initialize(1);
  for (auto& [path, a] : model->parameters()) {
    mx::array(a).eval();
  }
  const mx::array tokens = mx::array({3, 1, 4, 1, 5}, {1, 5}, mx::int32);
  const mx::array expected = model->logits(tokens);
  mx::eval(expected);
  mx::clear_cache();
  const size_t before = mx::get_active_memory();
  model->join();
  CHECK(mx::get_active_memory() <= before);
  CHECK(near(model->logits(tokens), expected));
  KVCache cache = model->make_cache();
  const mx::array next = mx::slice(tokens, {0, 0}, {1, 4});
  mx::eval(model->logits(next, &cache));
  const mx::array last =
      model->logits(mx::slice(tokens, {0, 4}, {1, 5}), &cache);
  CHECK(near(
      mx::reshape(last, {50}),
      mx::reshape(mx::slice(expected, {0, 4, 0}, {1, 5, 50}), {50})));
}
