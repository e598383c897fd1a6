// SPDX-License-Identifier: MIT

#include "llm/tokenizers/special_tokens.h"

namespace llm {
namespace {

uint64_t edge_key(uint32_t node, char byte) {
  return (uint64_t{node} << 8) | static_cast<unsigned char>(byte);
}

} // namespace

void SpecialTokens::add(std::string_view content, int32_t id) {
  uint32_t node = 0;
  for (char byte : content) {
    const auto next = static_cast<uint32_t>(ids_.size());
    const auto [edge, is_new] = edges_.try_emplace(edge_key(node, byte), next);
    if (is_new) {
      ids_.push_back(-1);
    }
    node = edge->second;
  }
  ids_[node] = id;
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
    if (ids_[node] >= 0) {
      best = {i + 1 - position, ids_[node]};
    }
  }
  return best;
}

void SpecialTokens::split(std::string_view text, const Piece& piece) const {
  size_t begin = 0; // of the ordinary text that is not handed out yet
  size_t position = 0;
  while (position < text.size()) {
    Match match;
    if (first_[static_cast<unsigned char>(text[position])]) {
      match = longest_at(text, position);
    }
    if (match.id < 0) {
      ++position;
      continue;
    }
    if (begin < position) {
      piece(text.substr(begin, position - begin), -1);
    }
    piece(text.substr(position, match.length), match.id);
    position += match.length;
    begin = position;
  }
  if (begin < text.size()) {
    piece(text.substr(begin), -1);
  }
}

} // namespace llm
