// SPDX-License-Identifier: MIT

#include "llm/tokenizers/special_tokens.h"

#include <algorithm>

#include <utf8proc.h>

namespace llm {
namespace {

uint64_t edge_key(uint32_t node, char byte) {
  return (uint64_t{node} << 8) | static_cast<unsigned char>(byte);
}

size_t character_before(std::string_view text, size_t at) {
  do {
    --at;
  } while (at > 0 && (text[at] & 0xc0) == 0x80);
  return at;
}

/// The character at byte `at`; returns the bytes it takes.
size_t character_at(std::string_view text, size_t at, utf8proc_int32_t& c) {
  const auto n = utf8proc_iterate(
      reinterpret_cast<const utf8proc_uint8_t*>(text.data()) + at,
      static_cast<utf8proc_ssize_t>(text.size() - at),
      &c);
  return n < 1 ? 1 : static_cast<size_t>(n);
}

/// Unicode's White_Space, which \s stands for.
bool is_space(utf8proc_int32_t c) {
  return (c >= 9 && c <= 13) || c == 0x85 ||
      utf8proc_category(c) == UTF8PROC_CATEGORY_ZS ||
      utf8proc_category(c) == UTF8PROC_CATEGORY_ZL ||
      utf8proc_category(c) == UTF8PROC_CATEGORY_ZP;
}

/// Unicode Technical Standard #18's \w: letters, marks, digits, connectors.
bool is_word(utf8proc_int32_t c) {
  const auto category = utf8proc_category(c);
  const bool letter_or_mark = category >= UTF8PROC_CATEGORY_LU &&
      category <= UTF8PROC_CATEGORY_NL; // Lu Ll Lt Lm Lo Mn Mc Me Nd Nl
  const bool circled = (c >= 0x24b6 && c <= 0x24e9) ||
      (c >= 0x1f130 && c <= 0x1f149) || (c >= 0x1f150 && c <= 0x1f169) ||
      (c >= 0x1f170 && c <= 0x1f189);
  return letter_or_mark || category == UTF8PROC_CATEGORY_PC || circled ||
      c == 0x200c || c == 0x200d;
}

size_t skip_space_back(std::string_view text, size_t at, size_t least) {
  utf8proc_int32_t c = 0;
  while (at > least) {
    const size_t before = character_before(text, at);
    character_at(text, before, c);
    if (before < least || !is_space(c)) {
      break;
    }
    at = before;
  }
  return at;
}

size_t skip_space(std::string_view text, size_t at) {
  utf8proc_int32_t c = 0;
  while (at < text.size()) {
    const size_t length = character_at(text, at, c);
    if (!is_space(c)) {
      break;
    }
    at += length;
  }
  return at;
}

bool touches_word(std::string_view text, size_t begin, size_t end) {
  utf8proc_int32_t c = 0;
  if (begin > 0) {
    character_at(text, character_before(text, begin), c);
    if (is_word(c)) {
      return true;
    }
  }
  if (end < text.size()) {
    character_at(text, end, c);
    return is_word(c);
  }
  return false;
}

} // namespace

void SpecialTokens::add(std::string_view content, const AddedToken& token) {
  uint32_t node = 0;
  for (char byte : content) {
    const auto next = static_cast<uint32_t>(ends_.size());
    const auto [edge, is_new] = edges_.try_emplace(edge_key(node, byte), next);
    if (is_new) {
      ends_.push_back(-1);
    }
    node = edge->second;
  }
  if (ends_[node] >= 0) {
    return;
  }
  ends_[node] = static_cast<int32_t>(tokens_.size());
  tokens_.push_back(token);
  all_special_ = all_special_ && token.special;
  first_[static_cast<unsigned char>(content.front())] = true;
}

SpecialTokens::Match SpecialTokens::longest_at(
    std::string_view text,
    size_t position) const {
  Match best;
  uint32_t node = 0;
  for (size_t i = position; i < text.size(); ++i) {
    const auto edge = edges_.find(edge_key(node, text[i]));
    if (edge == edges_.end()) {
      break;
    }
    node = edge->second;
    if (ends_[node] >= 0) {
      best = {i + 1 - position, ends_[node]};
    }
  }
  return best;
}

void SpecialTokens::split(
    std::string_view text,
    bool special,
    const Piece& piece) const {
  size_t done = 0; // everything before it was handed out
  size_t position = all_special_ && !special ? text.size() : 0;
  while (position < text.size()) {
    Match match;
    if (first_[static_cast<unsigned char>(text[position])]) {
      match = longest_at(text, position);
    }
    if (match.index < 0) {
      ++position;
      continue;
    }
    const AddedToken& token = tokens_[static_cast<size_t>(match.index)];
    size_t begin = position;
    size_t end = position + match.length;
    position = end;
    if ((token.special && !special) ||
        (token.single_word && touches_word(text, begin, end))) {
      continue; // as text; it hides tokens that begin inside of it
    }
    begin = token.lstrip ? skip_space_back(text, begin, done) : begin;
    end = token.rstrip ? skip_space(text, end) : end;
    if (done < begin) {
      piece(text.substr(done, begin - done), -1);
    }
    piece(text.substr(begin, end - begin), token.id);
    done = end;
  }
  if (done < text.size()) {
    piece(text.substr(done), -1);
  }
}

} // namespace llm
