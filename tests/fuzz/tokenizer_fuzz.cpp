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
#include "llm/tokenizers/byte_alphabet.h"
#include "llm/tokenizers/char.h"
#include "llm/tokenizers/gguf_vocabulary.h"
#include "llm/tokenizers/stream_decoder.h"

namespace {

void require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

/// Whether decoding must give back every text: nothing normalizes, adds spaces,
/// drops bytes or takes white space along.
bool is_exact(const llm::Tokenizer& tokenizer) {
  const llm::Json file = tokenizer.to_json();
  const std::string steps = file["pre_tokenizer"].dump();
  bool exact = file["normalizer"].is_null() &&
      steps.find("\"add_prefix_space\":true") == steps.npos &&
      steps.find("Metaspace") == steps.npos &&
      steps.find("Removed") == steps.npos;
  for (const llm::Json& token : file["added_tokens"]) {
    exact = exact && token["special"];
  }
  for (const std::string& byte : llm::byte_alphabet()) {
    exact = exact && (tokenizer.kind() == "char" || tokenizer.token_id(byte));
  }
  return exact &&
      (tokenizer.kind() == "char" || file["decoder"]["type"] == "ByteLevel");
}

void check(const llm::Tokenizer& tokenizer, const std::string& text) {
  // Writing and reading again changes nothing.
  const std::string saved = llm::tokenizer_json_text(tokenizer);
  const auto again = llm::parse_tokenizer(saved);
  require(llm::tokenizer_json_text(*again) == saved);

  const bool exact = is_exact(tokenizer);
  for (const bool special : {false, true}) {
    const auto ids = tokenizer.encode(text, {.special = special});
    require(again->encode(text, {.special = special}) == ids);
    const std::string decoded = tokenizer.decode(ids);
    // A special token may spell other bytes, see bytes_of_token.
    require(!exact || special || decoded == text);
    llm::StreamDecoder stream(tokenizer);
    std::string joined;
    for (int32_t id : ids) {
      joined += stream.push(id);
    }
    require(joined + stream.finish() == decoded);
  }
}

/// Llama 2's kind: characters, bytes as a last resort, Metaspace.
llm::Json sentencepiece() {
  llm::GgufVocabulary v;
  v.model = "llama";
  v.tokens = {"<unk>", "<s>", "\u2581", "t", "h", "e", "\u2581t", "he", "the"};
  for (int byte = 0; byte < 256; ++byte) {
    v.tokens.push_back(llm::fallback_token(static_cast<unsigned char>(byte)));
  }
  v.types.assign(v.tokens.size(), 6);
  std::fill_n(v.types.begin(), 9, 1);
  v.types[0] = v.types[1] = 3;
  for (size_t id = 0; id < v.tokens.size(); ++id) {
    v.scores.push_back(-static_cast<float>(id));
  }
  v.bos = 1;
  v.unk = 0;
  return llm::read_gguf_tokenizer(v, "fuzz")->to_json();
}

/// Good files to damage: characters, and BPE in four ways.
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
        sentencepiece(),
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
        llm::parse_tokenizer(file_text(data[0] % 7, input.substr(0, end)));
    check(*tokenizer, input.substr(std::min(end + 1, input.size())));
  } catch (const llm::Error&) {
    // The documented way to refuse.
  }
  return 0;
}
