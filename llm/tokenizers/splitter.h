// SPDX-License-Identifier: MIT
//
// Cuts a text into words with a regular expression, compiled once by PCRE2.
// Patterns are written as tokenizer.json has them, for Oniguruma; the two
// engines differ in \s (PCRE2's holds U+180E, Unicode's White_Space does not),
// so \s and \S are rewritten as \p{White_Space} and its complement. What means
// something else in each engine is refused.

#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace llm {

/** GPT-2's pattern: contractions, words, numbers, signs, spaces. */
inline constexpr std::string_view gpt2_pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|)"
    R"(\s+(?!\S)|\s+)";

class Splitter {
 public:
  /** Throws InputError when `pattern` does not compile or is refused. */
  explicit Splitter(std::string_view pattern);
  ~Splitter();
  Splitter(Splitter&&) noexcept;
  Splitter& operator=(Splitter&&) noexcept;

  /** Bytes begin..end of a text: a match, or what lies between two. */
  using Found = std::function<void(size_t begin, size_t end, bool match)>;

  /**
   * Calls `found` for every piece of `text` in order: the matches (empty ones
   * too) and what lies between them. `text` must be valid UTF-8.
   * Throws InputError when the pattern needs too much time or memory.
   */
  void find(std::string_view text, const Found& found) const;

  /** Calls `word` for every piece that is not empty; together: the text. */
  void split(
      std::string_view text,
      const std::function<void(std::string_view)>& word) const;

 private:
  struct Compiled;
  std::unique_ptr<Compiled> compiled_;
};

/** A pattern that matches exactly `text`. */
std::string escape_pattern(std::string_view text);

} // namespace llm
