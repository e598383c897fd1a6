// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <filesystem>
#include <functional>

#include "llm/core/error.h"
#include "llm/tokenizers/bpe.h"
#include "llm/tokenizers/char.h"

using llm::Json;
namespace fs = std::filesystem;

namespace {

const llm::BpeTokenizer& good_bpe() {
  static const auto tokenizer = llm::BpeTokenizer::train(
      "the cat sat on the mat",
      {.vocab_size = 264, .special_tokens = {"<|endoftext|>", "<|pad|>"}});
  return tokenizer;
}

std::string error_of(const std::string& text) {
  try {
    llm::parse_tokenizer(text, "t.json");
  } catch (const llm::InputError& error) {
    return error.what();
  }
  return "accepted";
}

using Edit = std::function<void(Json&)>;

std::string error_of(const llm::Tokenizer& good, const Edit& edit) {
  Json json = good.to_json();
  edit(json);
  return error_of(json.dump());
}

void check_error(const Edit& edit, const std::string& path) {
  const std::string error = error_of(good_bpe(), edit);
  CAPTURE(path);
  CHECK_MESSAGE(error.starts_with("[t.json] " + path + ": "), error);
}

Json with_split(const Json& json, const Json& pattern) {
  Json byte_level = json["pre_tokenizer"];
  byte_level["use_regex"] = false;
  const Json split = {
      {"type", "Split"},
      {"pattern", pattern},
      {"behavior", "Isolated"},
      {"invert", false}};
  return {
      {"type", "Sequence"},
      {"pretokenizers", Json::array({split, byte_level})}};
}

} // namespace

TEST_CASE("tokenizer.json: what is saved is read back as it was") {
  const auto chars = llm::CharTokenizer::train("abc é\n");
  const auto bpe = llm::BpeTokenizer::train(
      "some text", {.vocab_size = 260, .normal_form = "NFKD", .pattern = "."});
  for (const llm::Tokenizer* tokenizer :
       {static_cast<const llm::Tokenizer*>(&chars),
        static_cast<const llm::Tokenizer*>(&bpe),
        static_cast<const llm::Tokenizer*>(&good_bpe())}) {
    const std::string text = llm::tokenizer_json_text(*tokenizer);
    const auto loaded = llm::parse_tokenizer(text);
    CHECK(loaded->kind() == tokenizer->kind());
    CHECK(llm::tokenizer_json_text(*loaded) == text);
  }
}

TEST_CASE("tokenizer.json: saved to a folder and loaded from it") {
  const fs::path folder = fs::temp_directory_path() / "tokenizer_json_test";
  fs::remove_all(folder);
  fs::create_directory(folder);
  llm::save_tokenizer(good_bpe(), folder, llm::real_files(), 64);
  CHECK(llm::load_tokenizer(folder)->vocab_size() == 264);
  CHECK(llm::load_tokenizer(folder / "tokenizer.json")->eos_id() == 0);
  const Json config = llm::read_json_file(folder / "tokenizer_config.json");
  CHECK(config["model_max_length"] == 64);
  CHECK(config["eos_token"] == "<|endoftext|>");
  fs::remove_all(folder);
  CHECK_THROWS_AS(llm::load_tokenizer(folder), llm::InputError);
}

TEST_CASE("tokenizer.json: older spellings of the same are read") {
  const auto accepts = [](const Edit& edit) {
    CHECK(error_of(good_bpe(), edit) == "accepted");
  };
  accepts([](Json& j) { // "a b", as before version 0.20 of `tokenizers`
    for (Json& merge : j["model"]["merges"]) {
      merge = merge[0].get<std::string>() + " " + merge[1].get<std::string>();
    }
  });
  accepts([](Json& j) { j["model"]["continuing_subword_prefix"] = ""; });
  accepts([](Json& j) { j["model"].erase("ignore_merges"); });
  accepts([](Json& j) { j["added_tokens"][0]["normalized"] = true; });
  accepts([](Json& j) { j["post_processor"] = j["decoder"]; });
  accepts([](Json& j) { // a special token that only added_tokens has
    j["added_tokens"][0]["content"] = "<new>";
    j["added_tokens"][0]["id"] = 264;
  });
}

TEST_CASE("tokenizer.json: damaged merges") {
  const auto merges = [](const Json& value, const std::string& path) {
    check_error([&](Json& j) { j["model"]["merges"][3] = value; }, path);
  };
  merges(Json::array({"a", "zzz"}), "model.merges[3]");
  merges(Json::array({"a", "!"}), "model.merges[3]"); // "a!" is no token
  merges(Json::array({"a"}), "model.merges[3]");
  merges(Json::array({"a", 1}), "model.merges[3][1]");
  merges("a  b", "model.merges[3]");
  merges("ab", "model.merges[3]");
  merges(7, "model.merges[3]");
  check_error([](Json& j) { j["model"]["merges"] = 7; }, "model.merges");
  check_error([](Json& j) { j["model"].erase("merges"); }, "model.merges");
}

TEST_CASE("tokenizer.json: damaged ids") {
  const auto id_of_a = [](const Json& value) {
    check_error(
        [&](Json& j) { j["model"]["vocab"]["a"] = value; },
        "model.vocab[\"a\"]");
  };
  for (const Json& value :
       {Json(-1),
        Json(264),
        Json(1.5),
        Json("1"),
        Json(nullptr),
        Json(1e300),
        Json(UINT64_MAX),
        Json(INT64_MIN),
        Json(Json::array())}) {
    id_of_a(value);
  }
  // An id twice: named where it comes up again.
  check_error(
      [](Json& j) { j["model"]["vocab"]["b"] = j["model"]["vocab"]["a"]; },
      "model.vocab[\"b\"]");
  check_error(
      [](Json& j) { j["model"]["vocab"].erase("a"); }, // a hole
      "model.vocab[\"on\"]");
  check_error(
      [](Json& j) { j["model"]["vocab"] = Json::object(); }, "model.merges[0]");
  check_error(
      [](Json& j) { j["added_tokens"][1]["id"] = 0; }, "added_tokens[1].id");
  check_error(
      [](Json& j) { j["added_tokens"][1]["id"] = -1; }, "added_tokens[1].id");
  check_error(
      [](Json& j) { j["added_tokens"][1] = j["added_tokens"][0]; },
      "added_tokens[1].content");
  check_error(
      [](Json& j) { j["added_tokens"][1]["content"] = ""; },
      "added_tokens[1].content");
  check_error(
      [](Json& j) {
        j["added_tokens"][1]["content"] = std::string(2000, 'x');
        j["added_tokens"][1]["id"] = 264;
      },
      "added_tokens[1].content");
}

TEST_CASE("tokenizer.json: a vocabulary without a byte") {
  const std::string error = error_of(good_bpe(), [](Json& j) {
    Json& vocab = j["model"]["vocab"];
    vocab["zz"] = vocab["z"];
    vocab.erase("z");
  });
  CHECK(error.starts_with("[t.json] model.vocab: expected a token for each"));
  CHECK(error.find("\"z\" is missing") != std::string::npos);
}

TEST_CASE("tokenizer.json: what is not supported is named") {
  check_error([](Json& j) { j["version"] = "2.0"; }, "version");
  check_error([](Json& j) { j["truncation"] = Json::object(); }, "truncation");
  check_error([](Json& j) { j["padding"] = Json::object(); }, "padding");
  check_error([](Json& j) { j["extra"] = 1; }, "the file");
  check_error([](Json& j) { j["model"]["type"] = "Unigram"; }, "model.type");
  check_error([](Json& j) { j["model"]["dropout"] = 0.1; }, "model.dropout");
  check_error(
      [](Json& j) { j["model"]["byte_fallback"] = true; },
      "model.byte_fallback");
  check_error([](Json& j) { j["model"]["extra"] = 1; }, "model");
  check_error(
      [](Json& j) { j["normalizer"] = {{"type", "Lowercase"}}; },
      "normalizer.type");
  check_error([](Json& j) { j["decoder"] = nullptr; }, "decoder");
  check_error([](Json& j) { j["pre_tokenizer"] = nullptr; }, "pre_tokenizer");
  check_error(
      [](Json& j) { j["pre_tokenizer"]["add_prefix_space"] = 1; },
      "pre_tokenizer.add_prefix_space");
  check_error(
      [](Json& j) { j["pre_tokenizer"] = {{"type", "Whitespace"}}; },
      "pre_tokenizer.type");
  check_error(
      [](Json& j) { j["post_processor"] = {{"type", "Roberta"}}; },
      "post_processor.type");
  check_error(
      [](Json& j) { j["added_tokens"][0]["lstrip"] = "yes"; },
      "added_tokens[0].lstrip");
  for (const char* pattern : {"(a", "(?<=a+)b", R"(\w+)"}) {
    check_error(
        [&](Json& j) {
          j["pre_tokenizer"] = with_split(j, {{"Regex", pattern}});
        },
        "pre_tokenizer.pretokenizers[0].pattern.Regex");
  }
  check_error(
      [&](Json& j) { j["pre_tokenizer"] = with_split(j, {{"String", ""}}); },
      "pre_tokenizer.pretokenizers[0].pattern.String");
}

TEST_CASE("tokenizer.json: damaged character tokenizers") {
  const auto chars = llm::CharTokenizer::train("abc");
  const auto check = [&](const Edit& edit, const std::string& path) {
    const std::string error = error_of(chars, edit);
    CHECK_MESSAGE(error.starts_with("[t.json] " + path + ": "), error);
  };
  check([](Json& j) { j["model"]["vocab"]["ab"] = 3; }, "model.vocab[\"ab\"]");
  check([](Json& j) { j["model"]["vocab"][""] = 3; }, "model.vocab[\"\"]");
  check([](Json& j) { j["model"]["vocab"]["c"] = 0; }, "model.vocab[\"c\"]");
  check([](Json& j) { j["model"]["vocab"]["c"] = 3; }, "model.vocab[\"c\"]");
  check([](Json& j) { j["model"]["vocab"] = Json::object(); }, "model.vocab");
  check([](Json& j) { j["decoder"] = nullptr; }, "decoder");
  check([](Json& j) { j["normalizer"] = {{"type", "NFC"}}; }, "normalizer");
  check(
      [](Json& j) { j["pre_tokenizer"]["pattern"]["Regex"] = "."; },
      "pre_tokenizer.pattern.Regex");
  check([](Json& j) { j["added_tokens"].push_back(1); }, "added_tokens[0]");
}

TEST_CASE("tokenizer.json: hostile files end soon") {
  CHECK(error_of("") != "accepted");
  CHECK(error_of("[]") != "accepted");
  CHECK(error_of(std::string(100'000, '[')) != "accepted");
  // 200,000 special tokens and a text that begins many of them.
  Json json = good_bpe().to_json();
  const Json token = json["added_tokens"][0];
  auto& list = json["added_tokens"];
  for (int i = 0; i < 200'000; ++i) {
    Json next = token;
    next["content"] = "<" + std::to_string(i) + ">";
    next["id"] = 264 + i;
    list.push_back(std::move(next));
  }
  const auto tokenizer = llm::parse_tokenizer(json.dump());
  CHECK(tokenizer->vocab_size() == 200'264);
  CHECK(tokenizer->encode("<199999><1", {.special = true}).front() == 200'263);
}
