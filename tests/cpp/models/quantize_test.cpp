// SPDX-License-Identifier: MIT
//
// Models with packed matrices, and in half precision: what is packed, counted,
// unpacked and refused. (Against mlx-lm: tests/python/test_model_families.py.)

#include "llm/models/quantize.h"

#include "llm/core/error.h"
#include "llm/models/load.h"
#include "tests/cpp/models/cached.h"

using namespace cached;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("quantize: packs what fits and names what does not") {
  const auto model = golden_model("llama"); // rows of 32 and 48 values
  const mx::array tokens = random_tokens(2, 12, 1);
  const mx::array exact = model->logits(tokens);
  const auto left = quantize_model(
      *model, 32, 8, [](const std::string& path) { return path != "lm_head"; });
  CHECK(
      left ==
      std::vector<std::string>{
          "model.layers.0.mlp.down_proj", "model.layers.1.mlp.down_proj"});
  CHECK(model->quantization().size() == 1 + 2 * 6); // with embed_tokens
  CHECK_FALSE(model->quantization().contains("lm_head"));
  const mx::array packed = model->logits(tokens);
  CHECK(distance(packed, exact) > 1e-5);
  CHECK(distance(packed, exact) < 0.1);

  const Json settings = model->config()["quantization"];
  CHECK(settings["group_size"] == 32);
  CHECK(settings["bits"] == 8);
  quantize_model(*model, 32, 4, [](const std::string& path) {
    return path == "model.layers.1.self_attn.q_proj"; // again, in fewer bits
  });
  const Json mixed = model->config()["quantization"];
  CHECK(mixed["bits"] == 8);
  CHECK(mixed["model.layers.1.self_attn.q_proj"]["bits"] == 4);

  const mx::array before = model->logits(tokens);
  dequantize_model(*model);
  CHECK(model->quantization().empty());
  CHECK_FALSE(model->config().contains("quantization"));
  CHECK(distance(model->logits(tokens), before) < 1e-5);
}

TEST_CASE("quantize: what does not exist is refused") {
  const auto model = golden_model("llama");
  CHECK_THROWS_AS(quantize_model(*model, 48, 4), UsageError);
  CHECK_THROWS_AS(quantize_model(*model, 32, 7), UsageError);
  CHECK(model->quantization().empty());
}

TEST_CASE("describe: packed matrices count as what they stand for") {
  const auto model = golden_model("llama");
  const int64_t count = nn::count(model->parameters());
  const std::string total = std::to_string(count);
  CHECK(has(describe(*model), total));
  CHECK(has(describe(*model), "32.0 bits per parameter"));
  quantize_model(*model, 32, 4);
  const std::string text = describe(*model);
  CHECK(has(text, total));
  CHECK(has(text, "(61,32) 4 bit"));
  CHECK_FALSE(has(text, "scales"));
  double bytes = 0;
  for (const auto& [path, array] : model->parameters()) {
    bytes += static_cast<double>(array.nbytes());
  }
  char line[64];
  std::snprintf(
      line, sizeof line, "(%.1f bits per parameter)", 8 * bytes / count);
  CHECK(has(text, line));
  CHECK(8 * bytes / count < 16);
}

TEST_CASE("load: halves become float32 on a CPU, and a model runs in them") {
  for (const char* name : {"llama_llama3", "qwen3_window", "gemma3"}) {
    for (const mx::Dtype type : {mx::float16, mx::bfloat16}) {
      CAPTURE(name);
      const auto half = golden_model(name), full = golden_model(name);
      nn::Parameters halves = half->parameters();
      for (auto& [path, array] : halves) {
        array = mx::astype(array, type);
      }
      half->assign(halves); // as on a GPU
      set_weights(*full, halves, "test");
      for (const auto& [path, array] : full->parameters()) {
        CHECK(array.dtype() == mx::float32);
      }
      const mx::array tokens = random_tokens(2, 12, 2);
      const mx::array exact = full->logits(tokens);
      KVCache cache = half->make_cache();
      for (int at = 0; at < 12; at += 4) {
        const mx::array logits =
            half->logits(columns(tokens, at, at + 4), &cache);
        CHECK(logits.dtype() == type);
        const mx::array wanted = columns(exact, at, at + 4);
        // Every one of some fifty operations in a row rounds by this much.
        const double eps = type == mx::float16 ? 1.0 / 2048 : 1.0 / 256;
        const double scale = mx::max(mx::abs(exact)).item<float>();
        CHECK(
            distance(mx::astype(logits, mx::float32), wanted) <
            100 * eps * scale);
      }
    }
  }
}

TEST_CASE("load: whole numbers where weights belong are refused") {
  const auto model = golden_model("llama");
  nn::Parameters arrays = model->parameters();
  const mx::array before = arrays.at("model.norm.weight");
  arrays.at("model.norm.weight") = mx::zeros(before.shape(), mx::int32);
  CHECK_THROWS_WITH_AS(
      set_weights(*model, arrays, "test"),
      doctest::Contains("model.norm.weight: expected numbers of type float32 "
                        "but received int32"),
      InputError);
  CHECK(distance(model->parameters().at("model.norm.weight"), before) == 0);
}

TEST_CASE("load: layouts that we do not read are named") {
  for (const char* method : {"gptq", "awq", "bitsandbytes"}) {
    CHECK_THROWS_WITH_AS(
        check_quantization_method(
            {{"quantization_config", {{"quant_method", method}}}}),
        doctest::Contains(method),
        InputError);
  }
  CHECK_NOTHROW(check_quantization_method({{"model_type", "llama"}}));
  CHECK_NOTHROW(check_quantization_method(
      {{"quantization", {{"group_size", 64}, {"bits", 4}}}}));
}
