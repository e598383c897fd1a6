// SPDX-License-Identifier: MIT

#include "llm/tokenizers/splitter.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <array>

#include "llm/core/error.h"
#include "llm/core/utf8.h"
#include "llm/tokenizers/ascii_match.h"

namespace llm {
namespace {

constexpr size_t longest_pattern = 2000;
constexpr uint32_t match_limit = 1'000'000; // steps of backtracking, one match
constexpr uint32_t heap_limit = 64 * 1024;  // KiB

template <class T, void (*free_it)(T*)>
struct Free {
  void operator()(T* pointer) const {
    free_it(pointer);
  }
};
template <class T, void (*free_it)(T*)>
using Owned = std::unique_ptr<T, Free<T, free_it>>;

using Code = Owned<pcre2_code, pcre2_code_free>;
using MatchData = Owned<pcre2_match_data, pcre2_match_data_free>;
using CompileContext = Owned<pcre2_compile_context, pcre2_compile_context_free>;
using MatchContext = Owned<pcre2_match_context, pcre2_match_context_free>;

std::string pcre2_message(int error) {
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(error, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

[[noreturn]] void refuse(std::string_view pattern, std::string_view why) {
  throw InputError(
      "split pattern",
      "expected a regular expression that this program reads as Hugging Face "
      "does but received " +
          quote(pattern) + ": " + std::string(why) + "; change the pattern.");
}

/// The pattern for PCRE2. Walks over it once and refuses what the two engines
/// read differently, or what a split pattern has no need for.
class Translation {
 public:
  explicit Translation(std::string_view pattern) : pattern_(pattern) {}

  std::string run() {
    for (; at_ < pattern_.size(); ++at_) {
      const char c = pattern_[at_];
      if (c == '\\') {
        escape();
        continue;
      }
      in_class_ ? inside_class(c) : outside_class(c);
      out_ += c;
    }
    return out_;
  }

 private:
  bool next_is(std::string_view text) const {
    return pattern_.substr(at_ + 1, text.size()) == text;
  }

  void escape() {
    ++at_;
    const char c = at_ < pattern_.size() ? pattern_[at_] : '\0';
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool digit = c >= '0' && c <= '9';
    if (c == 's' || c == 'S') {
      out_ += c == 's' ? "\\p{White_Space}" : "\\P{White_Space}";
      return;
    }
    const bool known =
        std::string_view("pPdDrntfx").find(c) != std::string_view::npos;
    if (c == '\0' || digit || (letter && !known)) {
      refuse(pattern_, "\\" + std::string(1, c) + " is not supported");
    }
    out_ += '\\';
    out_ += c;
    if ((c == 'p' || c == 'P' || c == 'x') && next_is("{")) {
      while (++at_ < pattern_.size() && pattern_[at_] != '}') {
        out_ += pattern_[at_];
      }
      out_ += '}';
    }
  }

  void inside_class(char c) {
    if (c == '[' || (c == '&' && next_is("&"))) {
      refuse(pattern_, "sets inside a set ([..[..]], &&) are not supported");
    }
    // "[]a]" begins with a literal ] for one engine and is empty for the other.
    if (c == ']' && at_ == class_begin_) {
      refuse(pattern_, "a set that begins with ] is not supported");
    }
    in_class_ = c != ']';
  }

  void outside_class(char c) {
    in_class_ = c == '[';
    class_begin_ = at_ + (next_is("^") ? 2 : 1);
    if (c == '^' || c == '$') {
      refuse(pattern_, "^ and $ are not supported");
    }
    if (c == '{' && next_is(",")) {
      refuse(pattern_, "{,n} is not supported, write {0,n}");
    }
    if (c == '}' && next_is("+")) {
      refuse(pattern_, "{..}+ is not supported");
    }
    if (c != '(' || (!next_is("?") && !next_is("*"))) {
      return;
    }
    for (const char* group : {"?:", "?i:", "?=", "?!", "?<=", "?<!", "?>"}) {
      if (next_is(group)) {
        return;
      }
    }
    refuse(pattern_, "only (?: (?i: (?= (?! (?<= (?<! (?> are supported");
  }

  std::string_view pattern_;
  size_t at_ = 0;
  bool in_class_ = false;
  size_t class_begin_ = 0; // after "[" or "[^"
  std::string out_;
};

size_t next_character(std::string_view text, size_t at) {
  do {
    ++at;
  } while (at < text.size() && (text[at] & 0xc0) == 0x80);
  return at;
}

} // namespace

struct Splitter::Compiled {
  std::string pattern;
  Code code;
  MatchContext context;
  AsciiMatcher ascii = nullptr;

  /**
   * Finds the first match at or after `at`; false when there is none. `data` is
   * made when it is needed.
   */
  bool find(std::string_view text, size_t at, MatchData& data, Match& match)
      const {
    if (ascii && ascii(text, at, match)) {
      return true;
    }
    if (!data) {
      data.reset(pcre2_match_data_create_from_pattern(code.get(), nullptr));
    }
    if (!run(text, at, data.get())) {
      return false;
    }
    const PCRE2_SIZE* bounds = pcre2_get_ovector_pointer(data.get());
    match = {bounds[0], bounds[1]};
    return true;
  }

  bool run(std::string_view text, size_t at, pcre2_match_data* data) const {
    const auto subject = reinterpret_cast<PCRE2_SPTR>(text.data());
    // The text was checked once; checking again for each word is quadratic.
    uint32_t options = PCRE2_NO_UTF_CHECK;
    int result = pcre2_match(
        code.get(), subject, text.size(), at, options, data, context.get());
    if (result == PCRE2_ERROR_JIT_STACKLIMIT) {
      options |= PCRE2_NO_JIT; // slower, on the heap
      result = pcre2_match(
          code.get(), subject, text.size(), at, options, data, context.get());
    }
    if (result < 0 && result != PCRE2_ERROR_NOMATCH) {
      refuse(pattern, pcre2_message(result) + " in a text");
    }
    return result >= 0;
  }
};

Splitter::Splitter(std::string_view pattern)
    : compiled_(std::make_unique<Compiled>()) {
  if (pattern.size() > longest_pattern || find_utf8_error(pattern)) {
    refuse(pattern.substr(0, 60), "it is too long or not UTF-8");
  }
  compiled_->pattern = std::string(pattern);
  compiled_->ascii = ascii_matcher(pattern);
  const std::string translated = Translation(pattern).run();
  CompileContext context(pcre2_compile_context_create(nullptr));
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF); // for the dot
  int error = 0;
  PCRE2_SIZE offset = 0;
  compiled_->code.reset(pcre2_compile(
      reinterpret_cast<PCRE2_SPTR>(translated.data()),
      translated.size(),
      PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C,
      &error,
      &offset,
      context.get()));
  if (!compiled_->code) {
    refuse(pattern, pcre2_message(error));
  }
  // Where the system forbids compiling to machine code the interpreter works.
  pcre2_jit_compile(compiled_->code.get(), PCRE2_JIT_COMPLETE);
  compiled_->context.reset(pcre2_match_context_create(nullptr));
  pcre2_set_match_limit(compiled_->context.get(), match_limit);
  pcre2_set_heap_limit(compiled_->context.get(), heap_limit);
}

Splitter::~Splitter() = default;
Splitter::Splitter(Splitter&&) noexcept = default;
Splitter& Splitter::operator=(Splitter&&) noexcept = default;

void Splitter::find(std::string_view text, const Found& found) const {
  MatchData data;
  Match match;
  size_t done = 0; // everything before it was handed out
  size_t at = 0;
  while (at < text.size() && compiled_->find(text, at, data, match)) {
    const auto [begin, end] = match;
    // An empty match cuts the text, but not where the last match ended.
    if (begin == end && end == done) {
      at = next_character(text, at);
      continue;
    }
    if (done < begin) {
      found(done, begin, false);
    }
    found(begin, end, true);
    done = at = end;
  }
  if (done < text.size()) {
    found(done, text.size(), false);
  }
}

void Splitter::split(
    std::string_view text,
    const std::function<void(std::string_view)>& word) const {
  find(text, [&](size_t begin, size_t end, bool) {
    if (begin < end) {
      word(text.substr(begin, end - begin));
    }
  });
}

std::string escape_pattern(std::string_view text) {
  std::string pattern;
  for (char c : text) {
    if (std::string_view(R"(\^$.|?*+()[]{}#-)").find(c) != text.npos) {
      pattern += '\\';
    }
    pattern += c;
  }
  return pattern;
}

} // namespace llm
