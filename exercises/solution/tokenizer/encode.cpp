// SPDX-License-Identifier: MIT
//
// Exercise 1.3 ★★ Encode a text
//
// A merge makes an id that only later merges use, so one walk for each merge,
// in the order they were learned, is enough. Real tokenizers look only at the
// pairs that the text has: see llm/tokenizers/bpe_merges.cpp.

#include "exercises/include/tokenizer.h"

std::vector<int> ex::encode(
    std::string_view text,
    const std::vector<Pair>& merges) {
  std::vector<int> ids;
  for (char c : text) {
    ids.push_back(static_cast<unsigned char>(c));
  }
  int id = 256;
  for (Pair pair : merges) {
    std::vector<int> merged;
    for (size_t i = 0; i < ids.size(); ++i) {
      if (i + 1 < ids.size() && Pair{ids[i], ids[i + 1]} == pair) {
        merged.push_back(id);
        ++i;
      } else {
        merged.push_back(ids[i]);
      }
    }
    ids = merged;
    ++id;
  }
  return ids;
}
