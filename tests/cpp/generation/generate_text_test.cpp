// SPDX-License-Identifier: MIT
//
// A model that recites a script: does the text come out right?

#include "llm/core/utf8.h"
#include "llm/generation/generate.h"
#include "tests/cpp/generation/small_models.h"

using llm::GeneratedToken;
using llm::GenerateOptions;
using llm::Generation;
using namespace small;

namespace {

/** Recites a script: the token at position i follows what stands there. */
class Reciter : public llm::LanguageModel {
 public:
  Reciter(std::vector<int32_t> script, int vocab)
      : script_(std::move(script)), vocab_(vocab) {}

  std::string model_type() const override {
    return "reciter";
  }
  mx::array unembed(const mx::array& x) const override {
    return x;
  }
  int vocab_size() const override {
    return vocab_;
  }
  int context_length() const override {
    return 1000;
  }
  std::vector<int> layer_windows() const override {
    return {};
  }
  llm::Json config() const override {
    return {};
  }
  void initialize(uint64_t) override {}
  llm::nn::Parameters parameters() const override {
    return {};
  }
  void assign(const llm::nn::Parameters&) override {}
  void update(const llm::nn::Parameters&, std::string_view) override {}
  llm::nn::Parameters to_checkpoint() const override {
    return {};
  }
  llm::nn::Parameters translate(llm::nn::Parameters arrays, std::string_view)
      const override {
    return arrays;
  }
  void for_each_linear(
      const std::function<void(const std::string&, llm::nn::Linear&)>&)
      override {}
  void for_each_embedding(
      const std::function<void(const std::string&, llm::nn::Embedding&)>&)
      override {}
  void set_dropout_key(const std::optional<mx::array>&) override {}
  void set_activation_checkpointing(bool) override {}

 protected:
  mx::array forward(const mx::array& tokens, llm::KVCache*) const override {
    const int length = tokens.shape(1);
    const int32_t next = script_.at(length - 1);
    const mx::array hit = mx::equal(mx::arange(vocab_), mx::array(next));
    const mx::array logits = mx::where(hit, mx::array(30.0f), mx::array(0.0f));
    return mx::broadcast_to(logits, {1, length, vocab_});
  }

 private:
  std::vector<int32_t> script_;
  int vocab_;
};

/** Generates what the script says, one token each, and the pieces shown. */
Generation recite(
    const std::string& text,
    GenerateOptions options,
    std::vector<std::string>* pieces = nullptr) {
  const std::vector<int32_t> script = bytes().encode(text);
  const Reciter model(script, vocabulary);
  options.max_tokens = static_cast<int>(script.size());
  options.use_cache = false; // no layers: the length is all it looks at
  options.sampling.temperature = 0;
  return llm::generate(
      model, bytes(), {0}, options, [&](const GeneratedToken& token) {
        if (pieces) {
          pieces->push_back(token.text);
        }
        return true;
      });
}

} // namespace

TEST_CASE(
    "generate: streamed text is whole characters, joined it is the text") {
  for (uint64_t seed = 0; seed < 5; ++seed) {
    GenerateOptions options{.max_tokens = 60};
    options.sampling.seed = seed;
    std::string streamed;
    std::vector<int32_t> ids;
    const Generation all = generate(
        *gpt(), bytes(), prompt, options, [&](const GeneratedToken& token) {
          CHECK_FALSE(llm::find_utf8_error(token.text));
          streamed += token.text;
          ids.push_back(token.id);
          return true;
        });
    CHECK(streamed == all.text);
    CHECK(ids == all.ids);
    CHECK(all.text == bytes().decode(all.ids));
  }
  std::vector<std::string> pieces;
  const std::string text = "né 世界 🙂!";
  CHECK(recite(text, {}, &pieces).text == text);
  CHECK(pieces.size() == text.size()); // a token for each byte
  CHECK(pieces[1] == "");
  CHECK(pieces[2] == "é");
  // Cut in the middle of a character.
  CHECK(
      recite(text, {.eos = {bytes().encode("🙂")[2]}}).text ==
      "né 世界 \uFFFD");
}

TEST_CASE("generate: stop strings and the end token end the text") {
  std::vector<std::string> pieces;
  const Generation stopped =
      recite("One day.\n\nUser: hi", {.stop = {"\n\nUser:", "zzz"}}, &pieces);
  CHECK(stopped.text == "One day.");
  CHECK(stopped.finish_reason == "stop");
  CHECK(stopped.ids.size() == 15);
  CHECK(stopped.logprobs.size() == 15);
  CHECK(pieces[8] == ""); // "\n" is held back, and never comes
  const Generation unfinished =
      recite("One day.\n\nUse", {.stop = {"\n\nUser:"}});
  CHECK(unfinished.text == "One day.\n\nUse");
  CHECK(unfinished.finish_reason == "length");
  const Generation ended = recite("abc.de", {.eos = {bytes().encode(".")[0]}});
  CHECK(ended.text == "abc");
  CHECK(ended.ids.size() == 4);
  CHECK(ended.finish_reason == "eos");
}

TEST_CASE("generate: the caller can interrupt") {
  int calls = 0;
  std::string shown;
  const Generation out = generate(
      *gpt(),
      bytes(),
      prompt,
      {.max_tokens = 30},
      [&](const GeneratedToken& token) {
        shown += token.text;
        return ++calls < 7;
      });
  CHECK(calls == 7);
  CHECK(out.ids.size() == 7);
  CHECK(out.text == shown);
  CHECK(out.finish_reason == "interrupted");
  CHECK(
      generate(*gpt(), bytes(), prompt, {.max_tokens = 0}).finish_reason ==
      "length");
}
