// SPDX-License-Identifier: MIT
//
// GGUF vocabularies that are wrong, and what the programs need to know about a
// tokenizer. That ids are right is tested in tests/python.

#include "llm/tokenizers/gguf_vocabulary.h"

#include <doctest/doctest.h>

#include <cmath>

#include "../core/temporary_folder.h"
#include "llm/core/error.h"
#include "llm/tokenizers/bpe.h"

using llm::GgufVocabulary;
using Ids = std::vector<int32_t>;

namespace {

/// "llama" with bytes, a few letters and words made of them.
GgufVocabulary small() {
  GgufVocabulary v;
  v.model = "llama";
  const auto add = [&](const std::string& token, float score, int32_t type) {
    v.tokens.push_back(token);
    v.scores.push_back(score);
    v.types.push_back(type);
  };
  add("<unk>", 0, 2);
  add("<s>", 0, 3);
  add("</s>", 0, 3);
  for (int byte = 0; byte < 256; ++byte) {
    add(llm::fallback_token(static_cast<unsigned char>(byte)), 0, 6);
  }
  add("ab", -1, 1); // 259
  add("bc", -2, 1);
  add("▁a", -3, 1);
  add("abc", -4, 1);
  for (const char* letter : {"▁", "a", "b", "c"}) {
    add(letter, -10, 1); // 263 ...
  }
  v.bos = 1;
  v.eos = 2;
  v.unk = 0;
  return v;
}

std::string error_of(const GgufVocabulary& v) {
  try {
    llm::read_gguf_tokenizer(v, "m.gguf");
  } catch (const llm::InputError& error) {
    return error.what();
  }
  return "accepted";
}

} // namespace

TEST_CASE("gguf vocabulary: scores say which neighbours are joined first") {
  const auto tokenizer = llm::read_gguf_tokenizer(small(), "m.gguf");
  CHECK(tokenizer->encode("abc") == Ids{263, 262}); // ab, then abc
  CHECK(tokenizer->encode("bcab") == Ids{263, 260, 259});
  CHECK(tokenizer->encode("a") == Ids{261});
  CHECK(tokenizer->encode("é") == Ids{263, 3 + 0xc3, 3 + 0xa9});
  CHECK(tokenizer->encode("") == Ids{});
  CHECK(tokenizer->encode("", {.add_special = true}) == Ids{1});
  CHECK(tokenizer->encode("</s>a", {.special = true}) == Ids{2, 261});
  CHECK(tokenizer->decode({263, 262, 263, 3 + 0xc3, 3 + 0xa9}) == "abc é");
  GgufVocabulary plain = small();
  plain.add_space_prefix = false;
  plain.add_bos = false;
  plain.add_eos = true;
  const auto other = llm::read_gguf_tokenizer(plain, "m.gguf");
  CHECK(other->encode("abc", {.add_special = true}) == Ids{262, 2});
  CHECK(other->decode({263, 262}) == " abc");
}

TEST_CASE("gguf vocabulary: what does not fit is named") {
  const auto check = [](auto edit, const std::string& start) {
    GgufVocabulary v = small();
    edit(v);
    const std::string error = error_of(v);
    CHECK_MESSAGE(error.starts_with("[m.gguf] " + start), error);
  };
  using V = GgufVocabulary&;
  check([](V v) { v.model = "bert"; }, "tokenizer.ggml.model: expected gpt2");
  check([](V v) { v.tokens.clear(); }, "tokenizer.ggml.tokens: expected 1");
  check([](V v) { v.tokens[5] = ""; }, "tokenizer.ggml.tokens[5]: ");
  check([](V v) { v.tokens[5] = "\xff"; }, "tokenizer.ggml.tokens[5]: ");
  check([](V v) { v.tokens[263] = "ab"; }, "the token \"ab\" exists twice");
  check([](V v) { v.types.pop_back(); }, "tokenizer.ggml.token_type: ");
  check([](V v) { v.scores.pop_back(); }, "tokenizer.ggml.scores: expected");
  check([](V v) { v.scores[9] = NAN; }, "tokenizer.ggml.scores[9]: ");
  check([](V v) { v.bos = -1; }, "tokenizer.ggml.bos_token_id: ");
  check([](V v) { v.eos = 267; }, "tokenizer.ggml.eos_token_id: ");
  check([](V v) { v.unk = 1 << 30; }, "tokenizer.ggml.unknown_token_id: ");
  check([](V v) { v.tokens[9] = "xyz"; }, "model.vocab: expected a token");
  check(
      [](V v) {
        v.model = "gpt2";
        v.pre = "smollm";
        v.merges = {"a b", "a  b"};
      },
      "tokenizer.ggml.merges[1]: ");
}

TEST_CASE("tokenizer info: out of GGUF") {
  GgufVocabulary v = small();
  v.tokens[259] = "<|im_end|>";
  v.types[259] = 3;
  v.chat_template = "x";
  const auto info = llm::read_gguf_tokenizer_info(v);
  CHECK(info.bos == 1);
  CHECK(info.eos == Ids{2, 259});
  CHECK(info.eos_token == "</s>");
  CHECK(info.chat_template == "x");
}

TEST_CASE("tokenizer info: out of a folder") {
  const llm::test::TemporaryFolder folder;
  const auto write = [&](const char* name, const std::string& text) {
    llm::write_file_atomically(folder / name, text);
  };
  const auto tokenizer = llm::BpeTokenizer::train(
      "a", {.vocab_size = 260, .special_tokens = {"<|im_end|>", "<s>"}});
  const auto read = [&] {
    return llm::read_tokenizer_info(folder.path(), tokenizer);
  };
  CHECK(read().eos.empty()); // no files, and no end token to guess
  write("config.json", R"({"eos_token_id": 1})");
  write("generation_config.json", R"({"eos_token_id": [0, 1]})");
  write(
      "tokenizer_config.json",
      R"({"bos_token": {"content": "<s>"}, "eos_token": "<|im_end|>",
          "chat_template": [{"name": "tools", "template": "t"},
                            {"name": "default", "template": "d"}]})");
  CHECK(read().bos == 1);
  CHECK(read().eos == Ids{0, 1});
  CHECK(read().chat_template == "d");
  write("chat_template.jinja", "j");
  CHECK(read().chat_template == "j");
  const llm::Json config = llm::tokenizer_config_json(tokenizer, read(), 64);
  CHECK(config["eos_token"] == "<|im_end|>");
  CHECK(config["chat_template"] == "j");
  const auto fails = [&](const char* name, const std::string& text) {
    write(name, text);
    CHECK_THROWS_AS(read(), llm::InputError);
  };
  fails("config.json", R"({"eos_token_id": 260})");
  fails("config.json", R"({"eos_token_id": "x"})");
  write("config.json", "{}");
  fails("tokenizer_config.json", R"({"eos_token": "<none>"})");
  fails("tokenizer_config.json", R"({"chat_template": [{"name": "x"}]})");
}
