// SPDX-License-Identifier: MIT
//
// GGUF files, the bundled model and adapters in the registry.

#include <filesystem>

#include <doctest/doctest.h>

#include "tests/cpp/core/gguf_file.h"
#include "tests/cpp/serving/json/model_folders.h"

using namespace llm;
using namespace llm::serving;
using namespace llm::test;
namespace fs = std::filesystem;

TEST_CASE("registry: GGUF files") {
  const TemporaryFolder models;
  GgufFile file;
  file.pairs = {
      gguf_pair("general.architecture", "llama"),
      gguf_pair<uint32_t>("llama.block_count", 4, 30),
      gguf_pair<uint32_t>("llama.attention.head_count", 4, 9),
      gguf_pair<uint32_t>("llama.attention.head_count_kv", 4, 3),
      gguf_pair<uint32_t>("llama.context_length", 4, 8192),
      gguf_pair("tokenizer.chat_template", "{{ messages }}")};
  file.tensors = {
      {"token_embd.weight", {32, 3}, 2, 0}, // Q4_0 [3, 32]: 54 bytes
      {"norm.weight", {5}, 1, 64},          // F16 [5]: 10 bytes
      {"rope_freqs.weight", {2}, 0, 96}};   // F32 [2]: 8 bytes
  file.data = std::string(104, '\0');
  put(models / "my.gguf", file.bytes());
  fs::create_directory(models / "owner--name");
  put(models / "owner--name/x.gguf", file.bytes());
  const auto list = list_models(models.path());
  const ModelInfo m = find(list, "my.gguf");
  CHECK(m.error == "");
  CHECK(m.arch == "llama");
  CHECK(m.params == 101);
  CHECK(m.n_layers == 30);
  CHECK(m.n_heads == 9);
  CHECK(m.n_kv_heads == 3);
  CHECK(m.n_ctx == 8192);
  CHECK(m.vocab == 3);
  CHECK(m.dtype == "4 bit");
  CHECK(m.tokenizer == "bpe");
  CHECK(m.capabilities.size() == 4);
  CHECK(m.path == models / "my.gguf");
  const ModelInfo fetched = find(list, "owner--name");
  CHECK(fetched.name == "owner/name");
  CHECK(fetched.path == models / "owner--name/x.gguf");

  // The bundled model once it is there: one entry, from its file.
  fs::create_directory(models / "smollm2");
  put(models / "smollm2/s.gguf", file.bytes());
  const auto again = list_models(models.path());
  CHECK(again.size() == 3);
  const ModelInfo bundled = find(again, "smollm2");
  CHECK(bundled.downloaded);
  CHECK(bundled.name == "SmolLM2-135M-Instruct");
  CHECK(bundled.path == models / "smollm2/s.gguf");
  CHECK(bundled.bytes == static_cast<int64_t>(file.bytes().size()));
}

TEST_CASE("registry: adapters follow their base") {
  const TemporaryFolder models;
  put_model(models / "tales-1");
  set_age(models / "tales-1/model.safetensors", 1000);
  put_adapter(models / "chat-1", (models / "tales-1").string());
  set_age(models / "chat-1/adapters.safetensors", 500);
  put_adapter(models / "chat-2", "/moved/models/tales-1/");
  set_age(models / "chat-2/adapters.safetensors", 400);
  put_adapter(models / "chat-3", "/x/models/smollm2/S.Q4_1.gguf");
  set_age(models / "chat-3/adapters.safetensors", 300);
  const auto list = list_models(models.path());
  CHECK(
      ids(list) ==
      "smollm2+chat-3* tales-1+chat-2 tales-1+chat-1 tales-1 smollm2");
  const ModelInfo m = find(list, "tales-1+chat-1");
  CHECK(m.base == "tales-1");
  CHECK(m.state == "unloaded");
  CHECK(m.arch == "gpt2");
  CHECK(m.tokenizer == "char");
  CHECK(m.params == 6);
  CHECK(m.bytes == static_cast<int64_t>(2 * small_weights().size()));
  CHECK(m.path == models / "tales-1");
  CHECK(m.adapter == models / "chat-1");
  CHECK(is_model_id(m.id));
  CHECK_FALSE(list[0].downloaded); // its base has to be fetched
  fs::create_directory_symlink("chat-1", models / "latest");
  CHECK(find(list_models(models.path()), "tales-1+chat-1").is_default);
}

TEST_CASE("registry: adapters that cannot be used") {
  const TemporaryFolder models;
  const auto error_of = [&](const std::string& id) {
    const ModelInfo m = find(list_models(models.path()), id);
    CHECK(m.state == "failed");
    CHECK(m.error.find(models.path().string()) == std::string::npos);
    return m.error;
  };
  const auto has = [](const std::string& text, const std::string& part) {
    CAPTURE(text);
    return text.find(part) != std::string::npos;
  };
  put_adapter(models / "alone", "/home/me/models/gone");
  CHECK(has(error_of("alone"), "its base \"gone\" among the models"));
  CHECK_FALSE(has(error_of("alone"), "/home"));
  put_adapter(models / "half", "smollm2");
  fs::remove(models / "half/adapters.safetensors");
  CHECK(has(error_of("half"), "adapters.safetensors is missing"));
  put(models / "half/adapter_config.json", R"({"peft_type":"LORA"})");
  CHECK(has(error_of("half"), "PEFT"));
  put_adapter(models / "cut", "smollm2");
  put(models / "cut/adapters.safetensors", small_weights().substr(0, 60));
  CHECK(has(error_of("cut"), "adapters.safetensors: "));
  put_adapter(models / "nameless", "x");
  put(models / "nameless/adapter_config.json", "{}");
  CHECK(has(error_of("nameless"), "model"));
  put_model(models / "base", "[]");
  put_adapter(models / "on-base", (models / "base").string());
  CHECK(has(error_of("base+on-base"), "its base cannot be used: config.json"));
}
