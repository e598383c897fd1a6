// SPDX-License-Identifier: MIT
//
// The small interface every tokenizer has: text to ids and ids to text.
// A tokenizer is saved as `tokenizer.json`, the format of Hugging Face's
// `tokenizers` library, and that library gives the same ids for what is saved
// here. Text is UTF-8; a token may hold a part of a character, so `decode`
// joins the bytes first and replaces what is not UTF-8 by U+FFFD.
// Nothing here changes after construction: threads may share a tokenizer.

#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "llm/core/files.h"
#include "llm/core/json.h"

namespace llm {

/** How `Tokenizer::encode` reads a text. */
struct EncodeOptions {
  /// true: special tokens such as "<|endoftext|>" are recognised in the text.
  /// false: they are ordinary characters (what a user's text should get).
  bool special = false;
  /// true: the tokens that the model wants around a text (bos, eos) are added,
  /// as the post-processor says.
  bool add_special = false;
};

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /**
   * The token ids of `text` (UTF-8).
   * Throws InputError on invalid UTF-8 and on characters that the tokenizer
   * cannot represent (they are named).
   */
  virtual std::vector<int32_t> encode(
      std::string_view text,
      EncodeOptions options = {}) const = 0;

  /** The bytes of one token; not always whole characters. */
  virtual std::string decode_bytes(int32_t id) const = 0;

  /**
   * The bytes of a token that begins a text: Llama 2 and its kin put a space
   * before a text to encode it, and take it away here.
   */
  virtual std::string decode_first(int32_t id) const {
    return decode_bytes(id);
  }

  /** The text of `ids`; bytes that are not UTF-8 become U+FFFD. */
  std::string decode(const std::vector<int32_t>& ids) const;

  /** Number of tokens; ids are 0 .. vocab_size() - 1. */
  virtual int vocab_size() const = 0;

  /** The token as it is written in tokenizer.json, for tables and messages. */
  virtual std::string token(int32_t id) const = 0;

  /** The inverse of `token`. */
  virtual std::optional<int32_t> token_id(std::string_view token) const = 0;

  /** Ids of the special tokens, ascending. */
  virtual std::vector<int32_t> special_ids() const {
    return {};
  }

  /** The token that ends a text ("<|endoftext|>" and the like), if any. */
  virtual std::optional<int32_t> eos_id() const {
    return std::nullopt;
  }

  /** The content of tokenizer.json. */
  virtual Json to_json() const = 0;

  /** "char" or "bpe". */
  virtual std::string kind() const = 0;

 protected:
  /** Throws InputError when `id` is not a token. */
  void check_id(int32_t id) const;

  /** Throws InputError with line:column when `text` is not UTF-8. */
  void check_text(std::string_view text) const;
};

/**
 * Reads a tokenizer.json, or the one in the folder `path`.
 * Throws InputError that names the key path ("model.merges[12]") of what is
 * wrong or not supported.
 */
std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& path);

/** The same from the text of a tokenizer.json; `where` names it in errors. */
std::unique_ptr<Tokenizer> parse_tokenizer(
    std::string_view json_text,
    std::string_view where = "tokenizer.json");

/** The exact bytes that `save_tokenizer` writes to tokenizer.json. */
std::string tokenizer_json_text(const Tokenizer& tokenizer);

/**
 * The content of tokenizer_config.json, with which transformers.AutoTokenizer
 * loads the folder. `max_length` is the model's context in tokens.
 */
Json tokenizer_config_json(
    const Tokenizer& tokenizer,
    std::optional<int> max_length = std::nullopt);

/** Writes tokenizer.json and tokenizer_config.json into `folder`. */
void save_tokenizer(
    const Tokenizer& tokenizer,
    const std::filesystem::path& folder,
    FileSystem& files = real_files(),
    std::optional<int> max_length = std::nullopt);

} // namespace llm
