// SPDX-License-Identifier: MIT

#include "llm/tokenizers/pipeline.h"

#include <algorithm>

#include "llm/tokenizers/byte_alphabet.h"
#include "llm/tokenizers/normal_form.h"

namespace llm {
namespace {

struct Range {
  size_t begin;
  size_t end;
  bool match;
};

/// The words of a split: neighbours joined as the behavior wants.
std::vector<Range> join(std::vector<Range> found, SplitBehavior behavior) {
  std::vector<Range> words;
  bool joined = false; // whether the range before could take one in
  const auto add = [&](const Range& range, bool joins) {
    if (joins && !words.empty()) {
      words.back().begin = std::min(words.back().begin, range.begin);
      words.back().end = std::max(words.back().end, range.end);
    } else {
      words.push_back(range);
    }
  };
  const bool backwards = behavior == SplitBehavior::merged_with_next;
  if (backwards) {
    std::reverse(found.begin(), found.end());
  }
  for (const Range& range : found) {
    if (behavior == SplitBehavior::contiguous) {
      add(range, !words.empty() && range.match == joined);
    } else if (behavior == SplitBehavior::removed) {
      if (!range.match) {
        words.push_back(range);
      }
    } else { // a match goes to its neighbour, unless that is a match too
      add(range, range.match && !joined);
    }
    joined = range.match;
  }
  if (backwards) {
    std::reverse(words.begin(), words.end());
  }
  return words;
}

/// Calls `word(piece, at_start)` for the words of one split.
template <class Word>
void split_piece(const SplitStep& step, std::string_view piece, Word word) {
  if (step.behavior == SplitBehavior::isolated) {
    step.pattern.find(piece, [&](size_t begin, size_t end, bool) {
      if (begin < end) {
        word(piece.substr(begin, end - begin), begin == 0);
      }
    });
    return;
  }
  std::vector<Range> found;
  step.pattern.find(piece, [&](size_t begin, size_t end, bool match) {
    found.push_back({begin, end, match != step.invert});
  });
  for (const Range& r : join(std::move(found), step.behavior)) {
    if (r.begin < r.end) {
      word(piece.substr(r.begin, r.end - r.begin), r.begin == 0);
    }
  }
}

int hex_digit(char c) {
  return c >= '0' && c <= '9' ? c - '0'
      : c >= 'A' && c <= 'F'  ? c - 'A' + 10
                              : -1;
}

} // namespace

std::string replace_all(std::string_view text, const ReplaceText& what) {
  std::string out;
  size_t done = 0;
  size_t at = text.find(what.from);
  while (at != text.npos) {
    out += text.substr(done, at - done);
    out += what.to;
    done = at + what.from.size();
    at = text.find(what.from, done);
  }
  out += text.substr(done);
  return out;
}

std::string normalize(
    std::string_view text,
    const std::vector<Normalizer>& steps) {
  std::string out(text);
  for (const Normalizer& step : steps) {
    if (const auto* form = std::get_if<NormalForm>(&step)) {
      out = normalize(out, form->name);
    } else if (const auto* replace = std::get_if<ReplaceText>(&step)) {
      out = replace_all(out, *replace);
    } else if (!out.empty()) {
      out.insert(0, std::get<Prepend>(step).text);
    }
  }
  return out;
}

void PreTokenizer::split(
    std::string_view piece,
    bool first,
    std::deque<std::string>& kept,
    const Word& word) const {
  run(0, piece, first, kept, word);
}

void PreTokenizer::run(
    size_t i,
    std::string_view piece,
    bool first,
    std::deque<std::string>& kept,
    const Word& word) const {
  if (i == steps.size()) {
    word(piece);
    return;
  }
  const auto next = [&](std::string_view part, bool at_start) {
    run(i + 1, part, first && at_start, kept, word);
  };
  if (const auto* split = std::get_if<SplitStep>(&steps[i])) {
    split_piece(*split, piece, next);
    return;
  }
  if (std::get_if<PrefixSpace>(&steps[i])) {
    next(
        piece.starts_with(' ') ? piece
                               : kept.emplace_back(" " + std::string(piece)),
        true);
    return;
  }
  const auto& meta = std::get<MetaspaceStep>(steps[i]);
  std::string& text = kept.emplace_back(replace_all(piece, {" ", meta.sign}));
  using Prefix = MetaspaceStep::Prefix;
  const bool wanted =
      meta.prefix == Prefix::always || (meta.prefix == Prefix::first && first);
  if (wanted && !text.starts_with(meta.sign)) {
    text.insert(0, meta.sign);
  }
  if (meta.split) {
    split_piece(*meta.split, text, next);
  } else {
    next(text, true);
  }
}

std::string TokenDecoder::bytes(std::string_view token, bool first) const {
  std::string text(token);
  if (byte_level) {
    text = bytes_of_token(token);
  }
  if (first && !drop.empty()) {
    text = replace_all(text, {drop, ""});
  }
  for (const ReplaceText& replace : replaces) {
    text = replace_all(text, replace);
  }
  if (const auto byte = byte_of_token(text); byte && byte_fallback) {
    text.assign(1, static_cast<char>(*byte));
  }
  if (first && strip_space && text.starts_with(' ')) {
    text.erase(0, 1);
  }
  return text;
}

std::optional<unsigned char> byte_of_token(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') {
    return std::nullopt;
  }
  const int high = hex_digit(token[3]);
  const int low = hex_digit(token[4]);
  if (high < 0 || low < 0) {
    return std::nullopt;
  }
  return static_cast<unsigned char>(high * 16 + low);
}

std::string fallback_token(unsigned char byte) {
  constexpr const char* digits = "0123456789ABCDEF";
  return {'<', '0', 'x', digits[byte / 16], digits[byte % 16], '>'};
}

} // namespace llm
