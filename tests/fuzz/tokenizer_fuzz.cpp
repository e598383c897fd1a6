// SPDX-License-Identifier: MIT
//
// libFuzzer target: the first bytes, up to a NUL byte, are a tokenizer.json,
// the rest is a text. Whatever they are, only llm::Error may come out, and a
// tokenizer that was accepted gives back a text that it could encode.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "llm/core/error.h"
#include "llm/tokenizers/bpe.h"
#include "llm/tokenizers/char.h"
#include "llm/tokenizers/stream_decoder.h"

namespace {

void require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

void check(const llm::Tokenizer& tokenizer, const std::string& text) {
  // Writing and reading again changes nothing.
  const std::string saved = llm::tokenizer_json_text(tokenizer);
  const auto again = llm::parse_tokenizer(saved);
  require(llm::tokenizer_json_text(*again) == saved);

  const bool normalizes = !tokenizer.to_json()["normalizer"].is_null();
  for (const bool special : {false, true}) {
    const auto ids = tokenizer.encode(text, {.special = special});
    require(again->encode(text, {.special = special}) == ids);
    const std::string decoded = tokenizer.decode(ids);
    // A special token may spell other bytes, see bytes_of_token.
    require(normalizes || special || decoded == text);
    llm::StreamDecoder stream(tokenizer);
    std::string joined;
    for (int32_t id : ids) {
      joined += stream.push(id);
    }
    require(joined + stream.finish() == decoded);
  }
}

/// Good files to damage: characters, and BPE in three ways.
const std::vector<llm::Json>& good_files() {
  static const auto files = [] {
    const std::string text = "the cat's 12 hats\n e\u0323\u0301 aaaaaaaa";
    const auto bpe = [&](const llm::BpeOptions& options) {
      return llm::BpeTokenizer::train(text, options).to_json();
    };
    return std::vector<llm::Json>{
        llm::CharTokenizer::train(text).to_json(),
        bpe({.vocab_size = 264}),
        bpe({.vocab_size = 264, .normal_form = "NFC"}),
        bpe({.vocab_size = 264, .pattern = R"(\p{N}{1,3}|\s+(?!\S)|[^\r\n])"}),
    };
  }();
  return files;
}

std::string file_text(size_t choice, const std::string& json) {
  if (choice >= good_files().size()) {
    return json;
  }
  llm::Json file = good_files()[choice];
  if (!json.empty()) {
    file.merge_patch(llm::parse_json(json, "patch"));
  }
  return file.dump();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::string input(reinterpret_cast<const char*>(data + 1), size - 1);
  const size_t end = std::min(input.find('\0'), input.size());
  try {
    const auto tokenizer =
        llm::parse_tokenizer(file_text(data[0] % 6, input.substr(0, end)));
    check(*tokenizer, input.substr(std::min(end + 1, input.size())));
  } catch (const llm::Error&) {
    // The documented way to refuse.
  }
  return 0;
}
