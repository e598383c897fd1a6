// SPDX-License-Identifier: MIT

#include "llm/tokenizers/stream_decoder.h"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "llm/core/utf8.h"
#include "llm/tokenizers/bpe.h"

using Ids = std::vector<int32_t>;

namespace {

/// 256 bytes, one special token, and merges that end inside of characters.
llm::BpeTokenizer byte_tokenizer() {
  return llm::BpeTokenizer::train(
      "日月日月日月 ééé 👍👍👍", {.vocab_size = 270});
}

} // namespace

TEST_CASE("stream decoder: characters come out whole") {
  const auto tokenizer = llm::BpeTokenizer::train("", {.vocab_size = 257});
  llm::StreamDecoder decoder(tokenizer);
  const Ids ids = tokenizer.encode("a日👍"); // 1 + 3 + 4 bytes
  const std::vector<std::string> expected = {
      "a", "", "", "日", "", "", "", "👍"};
  REQUIRE(ids.size() == expected.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    CHECK(decoder.push(ids[i]) == expected[i]);
  }
  CHECK(decoder.finish() == "");
  CHECK(decoder.push(ids[1]) == "");
  CHECK(decoder.finish() == "\uFFFD");
  CHECK(decoder.finish() == "");
}

TEST_CASE("stream decoder: the pieces joined are the whole") {
  const auto tokenizer = byte_tokenizer();
  const auto id = rc::gen::inRange<int32_t>(0, tokenizer.vocab_size());
  // Bytes that begin or continue characters come up more often.
  const auto hard =
      rc::gen::elementOf(tokenizer.encode("\u0080é日👍\U0010ffff"));
  CHECK(rc::check("any ids", [&] {
    const auto ids = *rc::gen::container<Ids>(rc::gen::oneOf(id, hard, hard));
    llm::StreamDecoder decoder(tokenizer);
    std::string joined;
    for (int32_t one : ids) {
      const std::string piece = decoder.push(one);
      RC_ASSERT(!llm::find_utf8_error(piece));
      joined += piece;
    }
    joined += decoder.finish();
    RC_ASSERT(joined == tokenizer.decode(ids));
  }));
}
