// SPDX-License-Identifier: MIT
//
// What a folder of models holds. The counts of the golden models are those that
// Python's safetensors gives.

#include "llm/serving/registry.h"

#include <sys/stat.h>

#include <filesystem>

#include <doctest/doctest.h>

#include "tests/cpp/serving/json/model_folders.h"

using namespace llm;
using namespace llm::serving;
using namespace llm::test;
namespace fs = std::filesystem;

TEST_CASE("registry: ids are names, never paths") {
  for (const char* good :
       {"a",
        "tales-1",
        "smollm2",
        "A_b.c-9",
        "a..b",
        "model.gguf",
        "smollm2+chat-1",
        "x."}) {
    CHECK(is_model_id(good));
  }
  CHECK(is_model_id(std::string(64, 'a')));
  CHECK(is_model_id(std::string(64, 'a') + "+" + std::string(64, 'b')));
  for (const std::string& bad :
       {std::string(),
        std::string("."),
        std::string(".."),
        std::string(".tmp-1"),
        std::string("a/b"),
        std::string("../a"),
        std::string("a\\b"),
        std::string("a b"),
        std::string("a+"),
        std::string("+a"),
        std::string("a+b+c"),
        std::string("a+../b"),
        std::string("a%2e"),
        std::string("é"),
        std::string("a\0b", 3),
        std::string("a\n"),
        std::string("/a"),
        std::string("C:"),
        std::string(65, 'a')}) {
    CAPTURE(bad);
    CHECK_FALSE(is_model_id(bad));
  }
}

TEST_CASE("registry: without a folder there is the bundled model") {
  const TemporaryFolder home;
  for (const fs::path& models : {home / "no-models", home.path()}) {
    const auto list = list_models(models);
    REQUIRE(ids(list) == "smollm2*");
    CHECK_FALSE(list[0].downloaded);
    CHECK(list[0].state == "unloaded");
  }
  // As its config.json and its GGUF file say (gguf's Python reader).
  CHECK(
      to_json(list_models(home.path())[0]) ==
      Json::parse(R"({"id":"smollm2","name":"SmolLM2-135M-Instruct",
        "arch":"llama","params":134515008,"n_layers":30,"n_heads":9,
        "n_kv_heads":3,"n_ctx":8192,"vocab":49152,"dtype":"4 bit",
        "bytes":92871040,"state":"unloaded","downloaded":false,"default":true,
        "base":null,"tokenizer":"bpe",
        "capabilities":["chat","attention","lens","whatif"],"error":null})"));
}

TEST_CASE("registry: what a folder tells") {
  const TemporaryFolder models;
  put_model(models / "tales-1");
  const ModelInfo m = find(list_models(models.path()), "tales-1");
  CHECK(
      to_json(m) ==
      Json::parse(
          R"({"id":"tales-1","name":"tales-1","arch":"gpt2","params":6,
        "n_layers":2,"n_heads":4,"n_kv_heads":4,"n_ctx":24,"vocab":61,
        "dtype":"float32","bytes":)" +
          std::to_string(small_weights().size()) +
          R"(,"state":"unloaded","downloaded":true,"default":true,
        "base":null,"tokenizer":"char",
        "capabilities":["attention","lens","whatif"],"error":null})"));
  CHECK(m.path == models / "tales-1");
  put(models.path() / "tales-1/chat_template.jinja", "x");
  put(models.path() / "tales-1/tokenizer.json", bpe_tokenizer);
  const ModelInfo chat = find(list_models(models.path()), "tales-1");
  CHECK(chat.capabilities.front() == "chat");
  CHECK(chat.tokenizer == "bpe");
}

TEST_CASE("registry: a chat template in tokenizer_config.json") {
  const TemporaryFolder models;
  put_model(models / "a");
  const fs::path config = models / "a/tokenizer_config.json";
  for (const char* none :
       {"{}", R"({"chat_template":null})", R"({"chat_template":""})"}) {
    put(config, none);
    CHECK(find(list_models(models.path()), "a").capabilities.size() == 3);
  }
  put(config, R"({"chat_template":"{{ messages }}"})");
  CHECK(find(list_models(models.path()), "a").capabilities.size() == 4);
}

TEST_CASE("registry: parameters of the golden models") {
  const TemporaryFolder models;
  for (const auto& [name, params] : std::map<std::string, int64_t>{
           {"gpt2", 28192},
           {"gemma3", 22880},
           {"llama", 19424},
           {"llama_tied", 17472},
           {"mistral", 19424},
           {"qwen2", 17600},
           {"qwen3", 23680}}) {
    CAPTURE(name);
    fs::copy(fs::path(LLM_GOLDEN_DIR) / name, models / name);
    put(models.path() / name / "tokenizer.json", bpe_tokenizer);
    const ModelInfo m = find(list_models(models.path()), name);
    CHECK(m.error == "");
    CHECK(m.params == params);
    CHECK(m.n_layers == (name == "gemma3" ? 4 : 2));
    CHECK(m.n_heads == 4);
    CHECK(m.n_kv_heads == (name == "gpt2" ? 4 : 2));
    CHECK(m.n_ctx == 24);
    CHECK(m.vocab == 61);
    CHECK(m.dtype == "float32");
    fs::remove_all(models / name);
  }
}

TEST_CASE("registry: constants and packed weights in a file") {
  const TemporaryFolder models;
  const std::string config =
      R"({"model_type":"llama","tie_word_embeddings":true,"quantization":)"
      R"({"group_size":64,"bits":4,"b":{"group_size":32,"bits":8}}})";
  put_model(
      models / "packed",
      config,
      weights(
          {{"a.weight", {.dtype = "U32", .shape = {2, 16}}}, // [2, 128]
           {"a.scales", {.dtype = "F16", .shape = {2, 2}}},
           {"a.biases", {.dtype = "F16", .shape = {2, 2}}},
           {"b.weight", {.dtype = "U32", .shape = {1, 16}}}, // [1, 64]
           {"b.scales", {.dtype = "F16", .shape = {1, 2}}},
           {"b.biases", {.dtype = "F16", .shape = {1, 2}}},
           {"norm.weight", {.dtype = "F16", .shape = {10}}},
           {"lm_head.weight", {.dtype = "F16", .shape = {7, 7}}},
           {"l.rotary_emb.inv_freq", {.dtype = "F32", .shape = {3}}}}));
  const ModelInfo m = find(list_models(models.path()), "packed");
  CHECK(m.params == 256 + 64 + 10);
  CHECK(m.dtype == "4 bit");
  // How they are packed is not said: the number is not known.
  put(models / "packed/config.json", R"({"model_type":"llama"})");
  CHECK_FALSE(find(list_models(models.path()), "packed").params);
}

TEST_CASE("registry: weights in parts") {
  const TemporaryFolder models;
  put_model(models / "a");
  fs::remove(models / "a/model.safetensors");
  put(models / "a/model.safetensors.index.json",
      R"({"weight_map":{"w":"one.safetensors","x":"two.safetensors"}})");
  put(models / "a/one.safetensors", small_weights());
  ModelInfo m = find(list_models(models.path()), "a");
  CHECK(m.state == "failed");
  put(models / "a/two.safetensors",
      weights({{"x", {.dtype = "BF16", .shape = {100}}}}));
  m = find(list_models(models.path()), "a");
  CHECK(m.state == "unloaded");
  CHECK(m.params == 106);
  CHECK(m.dtype == "bfloat16");
}

TEST_CASE("registry: newest first, and which is the default") {
  const TemporaryFolder models;
  for (int i = 1; i <= 3; ++i) {
    put_model(models / ("t-" + std::to_string(i)));
    set_age(models / ("t-" + std::to_string(i)) / "model.safetensors", i * 100);
  }
  CHECK(ids(list_models(models.path())) == "t-1* t-2 t-3 smollm2");
  fs::create_directory_symlink("t-2", models / "latest");
  CHECK(ids(list_models(models.path())) == "t-1 t-2* t-3 smollm2");
  CHECK(ids(list_models(models.path(), "t-3")) == "t-1 t-2 t-3* smollm2");
  CHECK(ids(list_models(models.path(), "smollm2")) == "t-1 t-2 t-3 smollm2*");
  CHECK(ids(list_models(models.path(), "none")) == "t-1 t-2* t-3 smollm2");
  // A damaged one is no default.
  fs::remove(models / "t-2/tokenizer.json");
  CHECK(ids(list_models(models.path())) == "t-1* t-2 t-3 smollm2");
}

TEST_CASE("registry: damaged folders are listed with the reason") {
  const TemporaryFolder models;
  const auto error_of = [&](const std::string& id) {
    const ModelInfo m = find(list_models(models.path()), id);
    CHECK(m.state == "failed");
    CHECK(m.error.find(models.path().string()) == std::string::npos);
    CHECK(m.error.find('/') == std::string::npos);
    CHECK(m.error.find('\n') == std::string::npos);
    return m.error;
  };
  const auto has = [](const std::string& text, const std::string& part) {
    CAPTURE(text);
    return text.find(part) != std::string::npos;
  };
  put_model(models / "a");
  fs::remove(models / "a/tokenizer.json");
  CHECK(has(error_of("a"), "tokenizer.json is missing"));
  put_model(models / "b", "{\"model_type\":");
  CHECK(has(error_of("b"), "config.json: 1:15: expected JSON"));
  put_model(models / "c", "[]");
  CHECK(has(error_of("c"), "config.json: "));
  put_model(models / "d");
  put(models / "d/model.safetensors", small_weights().substr(0, 90));
  CHECK(has(error_of("d"), "model.safetensors: "));
  put_model(models / "e");
  fs::remove(models / "e/model.safetensors"); // a copy that is not complete
  CHECK(has(error_of("e"), "model.safetensors is missing"));
  put_model(models / "f");
  put(models / "f/tokenizer.json", R"({"model":{"type":"Unigram"}})");
  CHECK(has(error_of("f"), "Unigram"));
  put_model(models / "g");
  put(models / "g/tokenizer.json", "{\"model\":");
  CHECK(has(error_of("g"), "tokenizer.json: "));
  put_model(models / "h", R"({"model_type":7})");
  CHECK(has(error_of("h"), "model_type"));
  put(models / "i.gguf", "GGUF");
  CHECK(has(error_of("i.gguf"), "i.gguf: "));
  fs::create_directory(models / "j");
  put(models / "j/1.gguf", "x");
  put(models / "j/2.gguf", "x");
  CHECK(has(error_of("j"), "one GGUF file in the folder but found 2"));
  CHECK(find(list_models(models.path()), "smollm2").is_default);
}

TEST_CASE("registry: what is no model is passed over") {
  const TemporaryFolder models;
  fs::create_directories(models / "empty");
  fs::create_directories(models / "run/checkpoints/step-00000010");
  put(models / "run/metrics.jsonl", "{}\n");
  put(models / "run/config.json", "{}"); // its first save has begun
  put_model(models / ".tmp-1");
  put_model(models / "with space");
  put(models / "notes.txt", "x");
  fs::create_directory_symlink("nowhere", models / "latest");
  ::mkfifo((models / "pipe.gguf").c_str(), 0600);
  CHECK(ids(list_models(models.path())) == "smollm2*");
}

TEST_CASE("registry: a link to a model elsewhere is one") {
  const TemporaryFolder models, other;
  put_model(other / "big");
  fs::create_directory_symlink(other / "big", models / "big");
  CHECK(ids(list_models(models.path())) == "big* smollm2");
}
