// SPDX-License-Identifier: MIT
//
// config.json as the Hub's models have it: the keys that decide what is
// computed, read and written again.

#include <doctest/doctest.h>

#include "llm/core/error.h"
#include "llm/models/gemma3.h"
#include "llm/models/language_model.h"
#include "llm/models/layer_types.h"
#include "llm/models/llama.h"

using namespace llm;

namespace {

Json decoder(const std::string& type, const Json& more) {
  Json out = {
      {"model_type", type},
      {"vocab_size", 100},
      {"max_position_embeddings", 32768},
      {"hidden_size", 64},
      {"intermediate_size", 96},
      {"num_hidden_layers", 4},
      {"num_attention_heads", 4},
      {"num_key_value_heads", 2},
      {"hidden_act", "silu"}};
  out.update(more);
  return out;
}

LlamaConfig read(const std::string& type, const Json& more) {
  return LlamaConfig::from_json(decoder(type, more));
}

using Windows = std::vector<int>;

} // namespace

TEST_CASE("config: SmolLM2 and Llama 3.2") {
  const LlamaConfig smol = read(
      "llama",
      {{"rope_interleaved", false},
       {"rope_scaling", nullptr},
       {"rope_theta", 100000},
       {"tie_word_embeddings", true}});
  CHECK(smol.head_dim == 16);
  CHECK(smol.rope.theta == 100000);
  CHECK(smol.rope.scaling.is_null());
  CHECK(smol.tie_word_embeddings);
  const Json scaling = {
      {"factor", 32.0},
      {"high_freq_factor", 4.0},
      {"low_freq_factor", 1.0},
      {"original_max_position_embeddings", 8192},
      {"rope_type", "llama3"}};
  const LlamaConfig llama = read(
      "llama",
      {{"head_dim", 64}, {"rope_scaling", scaling}, {"rope_theta", 500000.0}});
  CHECK(llama.head_dim == 64);
  CHECK_FALSE(llama.tie_word_embeddings);
  const Json written = llama.to_json();
  CHECK(written["rope_theta"] == 500000.0);
  for (const auto& [key, value] : scaling.items()) {
    CHECK(written["rope_scaling"][key] == value);
  }
}

TEST_CASE("config: Mistral with a window, with none, and by default") {
  CHECK(
      read("mistral", {{"sliding_window", 4096}}).windows == Windows(4, 4096));
  CHECK(read("mistral", Json::object()).windows == Windows(4, 4096));
  const LlamaConfig none = read("mistral", {{"sliding_window", nullptr}});
  CHECK(none.windows == Windows(4, 0));
  CHECK(none.to_json()["sliding_window"].is_null());
  CHECK(LlamaConfig::from_json(none.to_json()).windows == Windows(4, 0));
}

TEST_CASE("config: Qwen's window is off unless it is switched on") {
  const Json off = {
      {"use_sliding_window", false},
      {"sliding_window", 8},
      {"max_window_layers", 2}};
  Json on = off;
  on["use_sliding_window"] = true;
  for (const char* type : {"qwen2", "qwen3"}) {
    CHECK(read(type, off).windows == Windows(4, 0));
    CHECK(read(type, on).windows == Windows{0, 0, 8, 8});
    CHECK_FALSE(read(type, off).to_json().contains("sliding_window"));
    const LlamaConfig again = LlamaConfig::from_json(read(type, on).to_json());
    CHECK(again.windows == Windows{0, 0, 8, 8});
  }
  CHECK(read("llama", on).windows.empty()); // no Llama looks at it
  CHECK(read("qwen3", off).head_dim == 128);
  CHECK(read("qwen2", off).head_dim == 16);
  const Json yarn = {
      {"rope_scaling",
       {{"factor", 4.0},
        {"original_max_position_embeddings", 32768},
        {"type", "yarn"}}}};
  CHECK(read("qwen2", yarn).rope.scaling["rope_type"] == "yarn");
}

TEST_CASE("config: Gemma 3 of 1B, 270M and 4B") {
  const Json one = decoder(
      "gemma3_text",
      {{"num_hidden_layers", 7},
       {"head_dim", 256},
       {"rope_local_base_freq", 10000},
       {"rope_theta", 1000000},
       {"rope_scaling", nullptr},
       {"sliding_window", 512},
       {"sliding_window_pattern", 6}});
  const Gemma3Config c = Gemma3Config::from_json(one);
  CHECK(c.windows == Windows{512, 512, 512, 512, 512, 0, 512});
  CHECK(c.tie_word_embeddings);
  CHECK(c.query_pre_attn_scalar == 256);
  CHECK(c.to_json()["sliding_window_pattern"] == 6);

  Json small = one; // as newer files spell it
  small.erase("sliding_window_pattern");
  small["_sliding_window_pattern"] = 6;
  small["layer_types"] = layer_types(c.windows);
  CHECK(Gemma3Config::from_json(small).windows == c.windows);

  const Json large = {
      {"model_type", "gemma3"},
      {"eos_token_id", {1, 106}},
      {"vision_config", {{"hidden_size", 1152}}},
      {"text_config",
       {{"hidden_size", 2560},
        {"intermediate_size", 10240},
        {"model_type", "gemma3_text"},
        {"num_hidden_layers", 34},
        {"rope_scaling", {{"factor", 8.0}, {"rope_type", "linear"}}},
        {"sliding_window", 1024}}}};
  const Gemma3Config four = Gemma3Config::from_json(large);
  CHECK(four.vocab_size == 262208);
  CHECK(four.num_key_value_heads == 4);
  CHECK(four.rope.theta == 1e6f);
  CHECK(four.rope.scaling["factor"] == 8.0);
  const auto model = make_model(large); // its arrays are not made yet
  CHECK(model->model_type() == "gemma3_text");
  CHECK(model->config()["eos_token_id"] == Json({1, 106}));
  CHECK(model->layer_windows()[5] == 0);
}

TEST_CASE("config: what would change the result is not ignored") {
  const auto message = [](const std::string& type, const Json& more) {
    try {
      make_model(decoder(type, more));
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  const auto refused =
      [&](const std::string& type, const Json& more, const std::string& word) {
        return message(type, more).find(word) != std::string::npos;
      };
  CHECK(refused("llama", {{"hidden_act", "gelu"}}, "hidden_act"));
  CHECK(refused(
      "llama", {{"partial_rotary_factor", 0.5}}, "partial_rotary_factor"));
  CHECK(refused("mistral", {{"sliding_window", 0}}, "sliding_window"));
  CHECK(refused("qwen2", {{"layer_types", {"full_attention"}}}, "of 4 names"));
  CHECK(refused(
      "qwen2",
      {{"layer_types", Json(4, "sliding_attention")}},
      "sliding_window: expected a number"));
  CHECK(refused("qwen3", {{"layer_types", Json(4, "chunked")}}, "chunked"));
  CHECK(refused(
      "gemma3_text", {{"hidden_activation", "gelu"}}, "hidden_activation"));
  CHECK(refused(
      "gemma3_text", {{"use_bidirectional_attention", true}}, "bidirectional"));
  CHECK(refused("gemma3_text", {{"sliding_window_pattern", 0}}, "pattern"));
  CHECK(refused("phi3", Json::object(), "gemma3, gemma3_text, gpt2, llama"));
}
