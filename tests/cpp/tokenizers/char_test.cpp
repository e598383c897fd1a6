// SPDX-License-Identifier: MIT

#include "llm/tokenizers/char.h"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "llm/core/error.h"
#include "llm/core/utf8.h"

using llm::CharTokenizer;
using Ids = std::vector<int32_t>;

TEST_CASE("char: ids follow the code points") {
  const auto tokenizer = CharTokenizer::train("héllo wörld\nhello");
  CHECK(tokenizer.vocab_size() == 11);
  CHECK(tokenizer.token(0) == "\n");
  CHECK(tokenizer.token(1) == " ");
  CHECK(tokenizer.token(10) == "ö");
  CHECK(tokenizer.token_id("é") == 9);
  CHECK_FALSE(tokenizer.token_id("x"));
  CHECK_FALSE(tokenizer.token_id("he"));
  CHECK_FALSE(tokenizer.token_id("\xff"));
  CHECK(tokenizer.encode("o\né") == Ids{6, 0, 9});
  CHECK(tokenizer.decode({6, 0, 9}) == "o\né");
  CHECK(tokenizer.kind() == "char");
  CHECK_FALSE(tokenizer.eos_id());
}

TEST_CASE("char: unknown characters are named, each once, at most ten") {
  const auto tokenizer = CharTokenizer::train("abc");
  CHECK_THROWS_WITH_AS(
      tokenizer.encode("café, é"),
      "[char tokenizer] unknown characters 'f' (U+0066), 'é' (U+00E9), ',' "
      "(U+002C), ' ' (U+0020); the model knows: \"abc\"; remove or replace "
      "what it does not know.",
      llm::InputError);
  CHECK_THROWS_WITH_AS(
      tokenizer.encode("a\n"),
      "[char tokenizer] unknown character '\\n' (U+000A); the model knows: "
      "\"abc\"; remove or replace what it does not know.",
      llm::InputError);
  try {
    tokenizer.encode("defghijklmnopq");
    FAIL("expected an error");
  } catch (const llm::InputError& error) {
    const std::string message = error.what();
    CHECK(message.find("'m' (U+006D), ...;") != std::string::npos);
    CHECK(message.find("'n'") == std::string::npos);
  }
}

TEST_CASE("char: bad input is refused") {
  CHECK_THROWS_AS(CharTokenizer::train(""), llm::InputError);
  CHECK_THROWS_AS(CharTokenizer::train("a\xff"), llm::InputError);
  CHECK_THROWS_AS(CharTokenizer({'a', 'b', 'a'}), llm::InputError);
  const auto tokenizer = CharTokenizer::train("a\nb");
  CHECK_THROWS_AS(tokenizer.decode({3}), llm::InputError);
  CHECK_THROWS_AS(tokenizer.decode({-1}), llm::InputError);
  CHECK_THROWS_WITH_AS(
      tokenizer.encode("a\nb\xc3"),
      "[char tokenizer] expected UTF-8 text but received an invalid byte at "
      "2:2 (unexpected end of data); convert the text to UTF-8.",
      llm::InputError);
}

TEST_CASE("char: decode inverts encode, also after saving") {
  CHECK(rc::check("decode(encode(text)) == text", [] {
    const auto bytes = *rc::gen::nonEmpty(rc::gen::string<std::string>());
    const std::string text = llm::replace_invalid_utf8(bytes);
    const auto tokenizer = CharTokenizer::train(text);
    const auto loaded =
        llm::parse_tokenizer(llm::tokenizer_json_text(tokenizer));
    const Ids ids = tokenizer.encode(text);
    RC_ASSERT(tokenizer.decode(ids) == text);
    RC_ASSERT(loaded->encode(text) == ids);
    RC_ASSERT(loaded->decode(ids) == text);
  }));
}
