// SPDX-License-Identifier: MIT
//
// What happens around BPE, as tokenizer.json lists it: normalizers change the
// text, pre-tokenizers cut it into words, a post-processor puts tokens around
// the ids, a decoder turns tokens into bytes again. Each family of models is a
// list of small steps (values, not classes); the steps that Llama, Mistral,
// Qwen, SmolLM, Gemma and GPT-2 use are here, with Hugging Face's meaning.

#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "llm/tokenizers/json_node.h"
#include "llm/tokenizers/splitter.h"

namespace llm {

/** SentencePiece's sign for a space, U+2581. */
inline constexpr std::string_view metaspace = "\xe2\x96\x81";

// --- normalizers

struct NormalForm {
  std::string name; ///< "NFC", "NFD", "NFKC" or "NFKD"
};
struct Prepend {
  std::string text; ///< not put before an empty text
};
struct ReplaceText {
  std::string from; ///< not empty
  std::string to;
};
using Normalizer = std::variant<NormalForm, Prepend, ReplaceText>;

/** `text` after each step in turn. */
std::string normalize(
    std::string_view text,
    const std::vector<Normalizer>& steps);

/** `text` with every `from`, from left to right, replaced by `to`. */
std::string replace_all(std::string_view text, const ReplaceText& what);

// --- pre-tokenizers

/** What becomes of the places that a pattern matches. */
enum class SplitBehavior {
  isolated, ///< words of their own
  removed,
  merged_with_previous,
  merged_with_next,
  contiguous ///< neighbours are one word
};
struct SplitStep {
  Splitter pattern;
  SplitBehavior behavior = SplitBehavior::isolated;
  bool invert = false; ///< matches and what lies between change roles
};
/** Every space becomes `sign`; a text may get one before it. */
struct MetaspaceStep {
  enum class Prefix { always, first, never };
  std::string sign;
  Prefix prefix = Prefix::always; ///< first: only where the whole text begins
  std::optional<SplitStep> split; ///< cuts before every sign
};
/** Puts a space before a piece that does not begin with one. */
struct PrefixSpace {};
using PreTokenizerStep = std::variant<SplitStep, MetaspaceStep, PrefixSpace>;

struct PreTokenizer {
  std::vector<PreTokenizerStep> steps;
  bool byte_level = false; ///< words are bytes, not characters

  using Word = std::function<void(std::string_view)>;
  /**
   * Calls `word` for each word of `piece`; `first`: the text begins with it.
   * Changed text is put into `kept`, which must outlive the words.
   */
  void split(
      std::string_view piece,
      bool first,
      std::deque<std::string>& kept,
      const Word& word) const;

 private:
  void run(
      size_t step,
      std::string_view piece,
      bool first,
      std::deque<std::string>& kept,
      const Word& word) const;
};

// --- post-processor and decoder

/** Token ids before and behind a text when special tokens are asked for. */
struct PostProcessor {
  std::vector<int32_t> before;
  std::vector<int32_t> after;
};

struct TokenDecoder {
  bool byte_level = false;
  bool byte_fallback = false;        ///< "<0x41>" is the byte 0x41
  std::vector<ReplaceText> replaces; ///< in each token
  /// In the first token of a text:
  bool strip_space = false; ///< one space at its start goes
  std::string drop = "";    ///< every such sign goes (Metaspace)

  /** The bytes of a token; `first`: a text begins with it. */
  std::string bytes(std::string_view token, bool first) const;
};

/** The byte that "<0x41>" stands for, if it is such a token. */
std::optional<unsigned char> byte_of_token(std::string_view token);

/** "<0x41>" */
std::string fallback_token(unsigned char byte);

// --- readers; each throws InputError with the key path of what is not
// supported. `node` is the value of "normalizer", "pre_tokenizer", ...

std::vector<Normalizer> read_normalizers(const JsonNode& node);
PreTokenizer read_pre_tokenizer(const JsonNode& node);
/** `n_tokens`: ids must be less. */
PostProcessor read_post_processor(const JsonNode& node, size_t n_tokens);
TokenDecoder read_decoder(const JsonNode& node);

} // namespace llm
