// SPDX-License-Identifier: MIT

#include "llm/tokenizers/bpe.h"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <random>
#include <set>

#include "llm/core/error.h"
#include "llm/core/utf8.h"
#include "llm/tokenizers/byte_alphabet.h"
#include "llm/tokenizers/word_cache.h"

using llm::BpeTokenizer;
using Ids = std::vector<int32_t>;

namespace {

constexpr const char* verse =
    "the cat sat on the mat, the rat sat on that cat; it's 1999 and they'll "
    "sit there: ÄÖÜ日本語日本 naïve naïve 👍🏽👍🏽 \n\n  the end\t.\n";

BpeTokenizer small_tokenizer(const std::string& form = "") {
  return BpeTokenizer::train(
      verse,
      {.vocab_size = 320,
       .special_tokens = {"<|endoftext|>", "<|end|>", "<|end|>x"},
       .normal_form = form});
}

/// Ids in minbpe's numbering: the byte's value, then 256 + number of the merge.
int minbpe_id(const BpeTokenizer& tokenizer, int32_t id) {
  const std::string bytes = tokenizer.decode_bytes(id);
  return bytes.size() == 1 ? static_cast<unsigned char>(bytes[0]) : id;
}

} // namespace

TEST_CASE("bpe: trains the toy case") {
  // Wikipedia's example, with the ids of minbpe: Z = aa, Y = ab or Za, ...
  const auto tokenizer = BpeTokenizer::train(
      "aaabdaaabac", {.vocab_size = 259, .special_tokens = {}});
  const auto& merges = tokenizer.merges();
  REQUIRE(merges.size() == 3);
  CHECK(tokenizer.decode_bytes(256) == "aa");
  CHECK(tokenizer.decode_bytes(257) == "ab"); // as often as (aa, a): smaller
  CHECK(tokenizer.decode_bytes(258) == "aaab");
  std::vector<int> ids;
  for (int32_t id : tokenizer.encode("aaabdaaabac")) {
    ids.push_back(minbpe_id(tokenizer, id));
  }
  CHECK(ids == std::vector<int>{258, 100, 258, 97, 99});
}

TEST_CASE("bpe: ids are special tokens, bytes in alphabet order, merges") {
  const auto tokenizer = small_tokenizer();
  CHECK(tokenizer.token(0) == "<|endoftext|>");
  CHECK(tokenizer.token(2) == "<|end|>x");
  CHECK(tokenizer.token(3) == "!");
  CHECK(tokenizer.token(258) == "Ń"); // the byte 0xad
  CHECK(tokenizer.decode_bytes(258) == "\xad");
  CHECK(tokenizer.vocab_size() == 320);
  CHECK(tokenizer.merges().size() == 320 - 259);
  CHECK(tokenizer.token_id("Ġthe").has_value());
  CHECK(tokenizer.eos_id() == 0);
  CHECK(tokenizer.special_ids() == Ids{0, 1, 2});
  CHECK_FALSE(tokenizer.token_id("no such token"));
}

TEST_CASE("bpe: training ends when no pair is left") {
  const auto tokenizer = BpeTokenizer::train("ab ab", {.vocab_size = 5000});
  CHECK(tokenizer.vocab_size() == 257 + 2); // "ab" and " ab"
  CHECK(BpeTokenizer::train("", {}).vocab_size() == 257);
}

TEST_CASE("bpe: progress counts up to the size") {
  int last = 0;
  BpeTokenizer::train(verse, {.vocab_size = 300}, [&](int done, int wanted) {
    CHECK(done >= last);
    CHECK(wanted == 300);
    last = done;
  });
  CHECK(last == 300);
}

TEST_CASE("bpe: special tokens only when asked, the longest first") {
  const auto tokenizer = small_tokenizer();
  const std::string text = "<|end|>x<|end|>y<|endoftext|><|end|";
  const Ids with = tokenizer.encode(text, {.special = true});
  CHECK(with[0] == 2);
  CHECK(with[1] == 1);
  CHECK(with[3] == 0);
  for (int32_t id : tokenizer.encode(text)) {
    CHECK(id > 2);
  }
  CHECK(tokenizer.decode(with) == text);
  CHECK(tokenizer.decode(tokenizer.encode(text)) == text);
}

TEST_CASE("bpe: special tokens in the text are not learned from") {
  const auto tokenizer = BpeTokenizer::train(
      "<|end|><|end|><|end|>xy<|end|>xy",
      {.vocab_size = 300, .special_tokens = {"<|end|>"}});
  REQUIRE(tokenizer.merges().size() == 1);
  CHECK(tokenizer.token(257) == "xy");
}

TEST_CASE("bpe: normal forms") {
  const std::string decomposed = "e\u0301";
  CHECK(
      small_tokenizer().decode(small_tokenizer().encode(decomposed)) ==
      decomposed);
  const auto nfc = small_tokenizer("NFC");
  CHECK(nfc.decode(nfc.encode(decomposed)) == "é");
  const auto nfkc = small_tokenizer("NFKC");
  CHECK(nfkc.decode(nfkc.encode("ﬁ①")) == "fi1");
  const auto nfd = small_tokenizer("NFD");
  CHECK(nfd.decode(nfd.encode("é")) == decomposed);
}

TEST_CASE("bpe: wrong options are refused") {
  using llm::BpeOptions;
  const auto refuses = [](const BpeOptions& options) {
    CHECK_THROWS_AS(BpeTokenizer::train("abc", options), llm::UsageError);
  };
  refuses({.vocab_size = 256}); // one special token and 256 bytes
  refuses({.vocab_size = -1});
  refuses({.special_tokens = {""}});
  refuses({.special_tokens = {"a"}});
  refuses({.special_tokens = {"<é>"}}); // would decode as the byte 0xe9
  refuses({.special_tokens = {"<a>", "<a>"}});
  refuses({.special_tokens = {std::string(2000, 'x')}});
  refuses({.normal_form = "nfc"});
  CHECK_THROWS_AS(BpeTokenizer::train("a\xff", {}), llm::InputError);
  CHECK_THROWS_AS(BpeTokenizer::train("a", {.pattern = "(a"}), llm::InputError);
  CHECK_THROWS_AS(small_tokenizer().encode("\xed\xa0\x80"), llm::InputError);
  CHECK_THROWS_AS(small_tokenizer().decode({320}), llm::InputError);
  CHECK_THROWS_AS(small_tokenizer().decode({-1}), llm::InputError);
}

TEST_CASE("bpe: decode inverts encode for every text") {
  const auto tokenizer = small_tokenizer();
  const auto loaded = llm::parse_tokenizer(llm::tokenizer_json_text(tokenizer));
  CHECK(rc::check("bytes that were made UTF-8", [&] {
    const auto bytes = *rc::gen::container<std::string>(rc::gen::oneOf(
        rc::gen::arbitrary<char>(), rc::gen::elementOf(std::string(verse))));
    const std::string text = llm::replace_invalid_utf8(bytes);
    for (const bool special : {false, true}) {
      const Ids ids = tokenizer.encode(text, {.special = special});
      RC_ASSERT(tokenizer.decode(ids) == text);
      RC_ASSERT(loaded->encode(text, {.special = special}) == ids);
      RC_ASSERT(loaded->decode(ids) == text);
    }
  }));
  CHECK(rc::check("any code points", [&] {
    std::string text;
    for (char32_t c : *rc::gen::arbitrary<std::vector<uint32_t>>()) {
      c %= 0x110000;
      llm::append_utf8(text, c >= 0xd800 && c < 0xe000 ? U'x' : c);
    }
    RC_ASSERT(tokenizer.decode(tokenizer.encode(text)) == text);
  }));
}

TEST_CASE("bpe: a million equal letters") {
  const std::string text(1'000'000, 'a');
  const auto tokenizer = BpeTokenizer::train(
      std::string(1024, 'a'), {.vocab_size = 264, .special_tokens = {}});
  CHECK(tokenizer.decode_bytes(263) == std::string(256, 'a'));
  const Ids ids = tokenizer.encode(text);
  // 1,000,000 = 3906 * 256 + 64: the merges double, so the rest is one token.
  CHECK(ids.size() == 3907);
  CHECK(tokenizer.decode(ids) == text);
  const std::string spaces(1'000'000, ' ');
  CHECK(tokenizer.decode(tokenizer.encode(spaces + "x")) == spaces + "x");
  const std::string marks = "e" + [] {
    std::string out;
    for (int i = 0; i < 100'000; ++i) {
      out += "\u0301\u0323"; // classes 230 and 220: all must change places
    }
    return out;
  }();
  const auto nfc = small_tokenizer("NFC");
  const std::string composed = nfc.decode(nfc.encode(marks));
  CHECK(composed.size() == marks.size()); // "ẹ" has 3 bytes, as "e" + U+0323
  CHECK(composed.starts_with("ẹ\u0323\u0323"));
  CHECK(composed.ends_with("\u0301\u0301"));
}

TEST_CASE("bpe: short and long words merge alike") {
  // Words of fewer than 48 bytes take another way through the code.
  const auto tokenizer = small_tokenizer();
  CHECK(rc::check("a word alone and as part of what cannot merge", [&] {
    const auto n = *rc::gen::inRange<size_t>(2, 47);
    const auto word = *rc::gen::container<std::string>(
        n, rc::gen::elementOf(std::string("thecatsiond")));
    const Ids alone = tokenizer.encode(word);
    // Q is in no merge; letters before it merge as they did alone.
    const std::string padding(60, 'Q');
    const Ids padded = tokenizer.encode(word + padding);
    RC_ASSERT(padded.size() == alone.size() + padding.size());
    RC_ASSERT(std::equal(alone.begin(), alone.end(), padded.begin()));
  }));
}

TEST_CASE("bpe: remembered words give what they gave alone") {
  // 60,000 words in a text, more than are remembered: they displace each other.
  const auto tokenizer = small_tokenizer();
  std::mt19937 random(7);
  const std::vector<std::string> parts = {
      "t", "h", "e", "at", "s", "it", "日", "本", "ï", "1", "👍"};
  std::vector<std::string> words;
  for (int i = 0; i < 30'000; ++i) {
    std::string word = " ";
    for (uint32_t n = 1 + random() % 12; n > 0; --n) {
      word += parts[random() % parts.size()];
    }
    words.push_back(word);
  }
  std::string text;
  Ids expected;
  for (int i = 0; i < 60'000; ++i) {
    const std::string& word = words[random() % (i % 2 ? 100 : words.size())];
    const Ids alone = tokenizer.encode(word + "\n");
    expected.insert(expected.end(), alone.begin(), alone.end());
    text += word + "\n";
  }
  CHECK(tokenizer.encode(text) == expected);
}

TEST_CASE("bpe: words that share a place are told apart") {
  llm::WordCache cache(0);
  std::vector<std::string> words;
  for (int i = 0; i < 1000; ++i) {
    words.push_back("word" + std::to_string(i));
  }
  for (size_t i = 0; i < words.size(); ++i) {
    auto& entry = cache.at(words[i]);
    REQUIRE(entry.word != words[i]);
    entry = {words[i], i, 1};
    REQUIRE(cache.at(words[i]).begin == i);
  }
  std::set<const void*> places;
  for (const std::string& word : words) {
    places.insert(&cache.at(word));
  }
  CHECK(places.size() == 16); // all are used, and there are no more
}

TEST_CASE("bpe: the alphabet of bytes") {
  CHECK(llm::token_of_bytes(" a\n\xad") == "ĠaĊŃ");
  for (int byte = 0; byte < 256; ++byte) {
    const std::string bytes(1, static_cast<char>(byte));
    CHECK(llm::bytes_of_token(llm::token_of_bytes(bytes)) == bytes);
  }
  CHECK(llm::bytes_of_token("Ġa b") == "Ġa b"); // a space is no member
}
