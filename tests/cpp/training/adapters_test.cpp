// SPDX-License-Identifier: MIT
//
// Adapters: where they go, that they change nothing at first, merging, files.

#include <doctest/doctest.h>
#include <mlx/mlx.h>

#include <cmath>

#include "llm/core/error.h"
#include "llm/io/safetensors.h"
#include "llm/models/quantize.h"
#include "llm/training/adapter_files.h"
#include "tests/cpp/core/temporary_folder.h"
#include "tests/cpp/training/finetune_setup.h"

using namespace llm;
using namespace llm::test;

TEST_CASE("adapters: a pattern matches names and their last part") {
  CHECK(matches("q_proj", "q_proj"));
  CHECK_FALSE(matches("q_proj", "self_attn.q_proj"));
  CHECK(matches("*.q_proj", "self_attn.q_proj"));
  CHECK(matches("*_proj", "gate_proj"));
  CHECK(matches("*", ""));
  CHECK_FALSE(matches("*x", "abc"));
  CHECK(matches("a*b*c", "a1b2b3c"));
  // No exponential time for a name from a file.
  CHECK_FALSE(matches(std::string(60, '*') + "b", std::string(200, 'a')));
  const LayerPath inside = layer_path("model.layers.12.self_attn.q_proj");
  CHECK(inside.block == 12);
  CHECK(inside.name == "self_attn.q_proj");
  CHECK(layer_path("h.0.attn.c_attn").name == "attn.c_attn");
  CHECK(layer_path("lm_head").block == -1);
}

TEST_CASE("adapters: they go to the last layers that the targets name") {
  const auto model = small::qwen();
  AdapterConfig c;
  c.layers = 1;
  CHECK(
      target_paths(*model, c) ==
      std::vector<std::string>{
          "model.layers.1.self_attn.q_proj",
          "model.layers.1.self_attn.v_proj"});
  c.layers = -1;
  c.targets = {"mlp.*"};
  CHECK(target_paths(*model, c).size() == 6);
  c.targets = {};
  CHECK(target_paths(*model, c).size() == 14);
  c.targets = {"q_proj", "query"};
  try {
    target_paths(*model, c);
    FAIL("no error");
  } catch (const UsageError& error) {
    const std::string what = error.what();
    CHECK(what.find("received query;") != std::string::npos);
    CHECK(what.find("self_attn.k_proj") != std::string::npos);
  }
  c.targets = {"q_proj"};
  c.rank = 0;
  CHECK_THROWS_AS(add_adapters(*model, c, 1), UsageError);
}

TEST_CASE("adapters: at first the model computes what it computed before") {
  for (const bool packed : {false, true}) {
    for (const bool dora : {false, true}) {
      CAPTURE(packed);
      CAPTURE(dora);
      const auto model = packed ? packed_qwen() : small::qwen();
      const mx::array x = small::row(small::prompt);
      const mx::array before = model->logits(x);
      AdapterConfig c;
      c.dora = dora;
      c.targets = {};
      add_adapters(*model, c, 1);
      CHECK(small::distance(before, model->logits(x)) < 1e-4);
      CHECK_THROWS_AS(add_adapters(*model, c, 1), UsageError);
      const auto arrays = adapter_parameters(*model);
      CHECK(arrays.size() == size_t{14} * (dora ? 3 : 2));
      const mx::array& a =
          arrays.at("model.layers.0.self_attn.q_proj.lora_a"); // [32, 8]
      const float most = mx::max(mx::abs(a)).item<float>();
      CHECK(most <= 1 / std::sqrt(32.0f));
      CHECK(most > 0.9f / std::sqrt(32.0f));
      remove_adapters(*model);
      CHECK(adapter_parameters(*model).empty());
    }
  }
}

TEST_CASE("adapters: merged = unmerged, for LoRA and DoRA") {
  for (const bool dora : {false, true}) {
    CAPTURE(dora);
    const auto model = small::qwen();
    add_random_adapters(*model, dora);
    const mx::array x = small::row(small::prompt);
    const mx::array with = model->logits(x);
    fuse_adapters(*model);
    CHECK(adapter_parameters(*model).empty());
    CHECK(small::distance(with, model->logits(x)) < 1e-4);
    remove_adapters(*model);
    CHECK(small::distance(with, model->logits(x)) < 1e-4);
  }
  // Unpacked first, then merged: no rounding in between.
  const auto packed = packed_qwen();
  add_random_adapters(*packed, false);
  const mx::array x = small::row(small::prompt);
  const mx::array with = packed->logits(x);
  dequantize_model(*packed);
  fuse_adapters(*packed);
  CHECK(small::distance(with, packed->logits(x)) < 1e-4);
  // Packed again: as good as the bits allow, and still packed.
  const auto again = packed_qwen();
  add_random_adapters(*again, false);
  fuse_adapters(*again);
  CHECK(again->parameters().contains("model.layers.0.self_attn.q_proj.scales"));
  CHECK(small::distance(with, again->logits(x)) < 0.5);
}

TEST_CASE("adapters: files come back, another model is refused untouched") {
  const TemporaryFolder home;
  for (const bool dora : {false, true}) {
    CAPTURE(dora);
    const auto model = small::qwen();
    AdapterConfig c = add_random_adapters(*model, dora);
    const auto folder = home / (dora ? "dora" : "lora");
    save_adapters(*model, c, folder, {{"note", "kept"}});
    CHECK(holds_adapter(folder));
    const auto other = small::qwen();
    load_adapters(*other, folder);
    const mx::array x = small::row(small::prompt);
    CHECK(small::distance(model->logits(x), other->logits(x)) == 0);
    const Json json = read_json_file(folder / "adapter_config.json");
    CHECK(json["fine_tune_type"] == (dora ? "dora" : "lora"));
    CHECK(json["note"] == "kept");
    CHECK(
        json["lora_parameters"]["keys"] ==
        Json{"self_attn.q_proj", "self_attn.v_proj"});
    CHECK(json["lora_parameters"]["scale"] == 20);
  }
  const auto wide = wide_qwen();
  const mx::array x = small::row(small::prompt);
  const mx::array before = wide->logits(x);
  try {
    load_adapters(*wide, home / "lora");
    FAIL("no error");
  } catch (const InputError& error) {
    const std::string what = error.what();
    CHECK(what.find("belongs to another model") != std::string::npos);
    CHECK(what.find("q_proj.lora_a expected (64,8)") != std::string::npos);
  }
  CHECK(small::distance(before, wide->logits(x)) == 0);
  const auto gpt = small::gpt();
  CHECK_THROWS_AS(load_adapters(*gpt, home / "lora"), InputError);
  CHECK_THROWS_AS(load_adapters(*wide, home / "none"), InputError);
}

TEST_CASE("adapters: a damaged configuration is refused with the field") {
  const TemporaryFolder home;
  const auto model = small::qwen();
  const AdapterConfig c = add_random_adapters(*model, false);
  save_adapters(*model, c, home / "a");
  const auto refusal = [&](const std::string& text) {
    put(home / "a" / "adapter_config.json", text);
    const auto fresh = small::qwen();
    try {
      load_adapters(*fresh, home / "a");
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  CHECK(refusal("{").find("expected JSON") != std::string::npos);
  CHECK(refusal("{}").find("lora_parameters") != std::string::npos);
  CHECK(
      refusal(R"({"fine_tune_type": "full"})").find("fine_tune_type") !=
      std::string::npos);
  CHECK(
      refusal(R"({"lora_parameters": {"rank": 8}})").find("scale") !=
      std::string::npos);
  CHECK(
      refusal(R"({"lora_parameters": {"rank": -8, "scale": 1}})")
          .find("rank") != std::string::npos);
  CHECK(
      refusal(R"({"lora_parameters": {"rank": 8, "scale": 1, "keys": [1]}})")
          .find("keys") != std::string::npos);
}

TEST_CASE("adapters: PEFT's files follow its formula") {
  const TemporaryFolder home;
  const auto model = small::qwen();
  const AdapterConfig c = add_random_adapters(*model, true);
  save_peft(*model, c, "some/model", home / "p");
  const Json json = read_json_file(home / "p" / "adapter_config.json");
  CHECK(json["peft_type"] == "LORA");
  CHECK(json["lora_alpha"] == 160); // 20 * 8
  CHECK(json["use_dora"] == true);
  CHECK(json["layers_to_transform"] == Json{0, 1});
  const Arrays arrays =
      load_safetensors(home / "p" / "adapter_model.safetensors").arrays;
  const std::string name = "base_model.model.model.layers.1.self_attn.v_proj";
  // W' = m (W + alpha / r B A) / |W + alpha / r B A|, by rows.
  model->for_each_linear([&](const std::string& path, nn::Linear& layer) {
    if ("base_model.model." + path != name) {
      return;
    }
    const mx::array w = mx::add(
        layer.weight,
        mx::multiply(
            mx::matmul(
                arrays.at(name + ".lora_B.weight"),
                arrays.at(name + ".lora_A.weight")),
            mx::array(160.0f / 8)));
    const mx::array m = arrays.at(name + ".lora_magnitude_vector");
    const mx::array expected = mx::multiply(
        mx::expand_dims(m, 1),
        mx::divide(w, mx::linalg::norm(w, std::vector<int>{1}, true)));
    CHECK(small::distance(expected, layer.merged_weight()) < 1e-5);
  });
  CHECK(arrays.size() == 12);
}

TEST_CASE("adapters: GPT-2's have mlx-lm's names, and come back") {
  const TemporaryFolder home;
  const auto model = small::gpt();
  AdapterConfig c;
  c.targets = {"attn.c_attn", "mlp.*"};
  add_adapters(*model, c, 1);
  save_adapters(*model, c, home / "a");
  const Arrays arrays =
      load_safetensors(home / "a/adapters.safetensors").arrays;
  CHECK(arrays.size() == 2 * 3 * 2);
  CHECK(arrays.contains("model.h.1.mlp.c_fc.lora_b"));
  const auto again = small::gpt();
  load_adapters(*again, home / "a");
  CHECK(adapter_parameters(*again).contains("h.1.mlp.c_fc.lora_b"));
}
