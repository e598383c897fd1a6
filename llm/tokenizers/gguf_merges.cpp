// SPDX-License-Identifier: MIT

#include "llm/tokenizers/gguf_merges.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <unordered_map>

#include "llm/core/error.h"
#include "llm/core/utf8.h"
#include "llm/tokenizers/bpe.h"

namespace llm {
namespace {

enum TokenType { normal = 1, unknown, control, user_defined, unused, byte };

constexpr size_t max_tokens = size_t{1} << 24;
constexpr size_t longest_token = 1024; // bytes; a cut is tried at each

using Ids = std::unordered_map<std::string_view, int32_t>;

Ids ids_of(const GgufVocabulary& v) {
  Ids ids;
  for (size_t id = 0; id < v.tokens.size(); ++id) {
    ids.emplace(v.tokens[id], static_cast<int32_t>(id));
  }
  return ids;
}

int type_of(const GgufVocabulary& v, size_t id) {
  return v.types.empty() ? normal : v.types[id];
}

void check_length(
    size_t length,
    const GgufVocabulary& v,
    const char* key,
    const std::string& where) {
  if (length != v.tokens.size()) {
    throw InputError(
        where,
        std::string(key) + ": expected " + std::to_string(v.tokens.size()) +
            " values, one for each token, but received " +
            std::to_string(length) + "; get the file again.");
  }
}

void check_id(
    std::optional<int32_t> id,
    const GgufVocabulary& v,
    const char* key,
    const std::string& where) {
  if (id && (*id < 0 || static_cast<size_t>(*id) >= v.tokens.size())) {
    throw InputError(
        where,
        std::string(key) + ": expected an id from 0 to " +
            std::to_string(v.tokens.size() - 1) + " but received " +
            std::to_string(*id) + "; get the file again.");
  }
}

void check_tokens(const GgufVocabulary& v, const std::string& where) {
  if (v.tokens.empty() || v.tokens.size() > max_tokens) {
    throw InputError(
        where,
        "tokenizer.ggml.tokens: expected 1 to " + std::to_string(max_tokens) +
            " tokens but received " + std::to_string(v.tokens.size()) + ".");
  }
  for (size_t id = 0; id < v.tokens.size(); ++id) {
    const std::string& token = v.tokens[id];
    if (token.empty() || token.size() > longest_token ||
        find_utf8_error(token)) {
      throw InputError(
          where,
          "tokenizer.ggml.tokens[" + std::to_string(id) + "]: expected 1 to " +
              std::to_string(longest_token) + " bytes of UTF-8 but received " +
              quote(token) + "; get the file again.");
    }
  }
}

} // namespace

void check_gguf_vocabulary(const GgufVocabulary& v, const std::string& where) {
  if (v.model != "gpt2" && v.model != "llama") {
    throw InputError(
        where,
        "tokenizer.ggml.model: expected gpt2 or llama but received " +
            quote(v.model) +
            ", which is not supported; use the model's folder.");
  }
  check_tokens(v, where);
  if (!v.types.empty()) {
    check_length(v.types.size(), v, "tokenizer.ggml.token_type", where);
  }
  if (v.model == "llama") {
    check_length(v.scores.size(), v, "tokenizer.ggml.scores", where);
    for (size_t id = 0; id < v.scores.size(); ++id) {
      if (std::isnan(v.scores[id])) {
        throw InputError(
            where,
            "tokenizer.ggml.scores[" + std::to_string(id) +
                "]: expected a number but received NaN; get the file again.");
      }
    }
  }
  check_id(v.bos, v, "tokenizer.ggml.bos_token_id", where);
  check_id(v.eos, v, "tokenizer.ggml.eos_token_id", where);
  check_id(v.unk, v, "tokenizer.ggml.unknown_token_id", where);
}

std::vector<AddedToken> gguf_added_tokens(const GgufVocabulary& v) {
  std::vector<AddedToken> added;
  for (size_t id = 0; id < v.tokens.size(); ++id) {
    const int type = type_of(v, id);
    if (type == control || type == unknown || type == user_defined) {
      AddedToken token;
      token.id = static_cast<int32_t>(id);
      token.special = type != user_defined;
      added.push_back(token);
    }
  }
  return added;
}

bool gguf_has_bytes(const GgufVocabulary& v) {
  return std::find(v.tokens.begin(), v.tokens.end(), fallback_token(0)) !=
      v.tokens.end();
}

std::vector<BpeMerge> merges_of_lines(
    const GgufVocabulary& v,
    const std::string& where) {
  const Ids ids = ids_of(v);
  std::vector<BpeMerge> merges;
  for (size_t i = 0; i < v.merges.size(); ++i) {
    const std::string_view line = v.merges[i];
    const size_t space = std::min(line.find(' ', 1), line.size());
    const std::string_view left = line.substr(0, space);
    const std::string_view right =
        line.substr(std::min(space + 1, line.size()));
    const std::string result = std::string(left) + std::string(right);
    BpeMerge merge;
    for (const auto& [token, id] :
         {std::pair(left, &merge.left),
          std::pair(right, &merge.right),
          std::pair(std::string_view(result), &merge.result)}) {
      const auto known = ids.find(token);
      if (known == ids.end()) {
        throw InputError(
            where,
            "tokenizer.ggml.merges[" + std::to_string(i) +
                "]: expected two tokens with one space between that are, like "
                "their union, in tokenizer.ggml.tokens, but received " +
                quote(line) + "; get the file again.");
      }
      *id = known->second;
    }
    merges.push_back(merge);
  }
  return merges;
}

std::vector<BpeMerge> merges_of_scores(const GgufVocabulary& v) {
  Ids ids; // what merging may take and make
  for (size_t id = 0; id < v.tokens.size(); ++id) {
    const int type = type_of(v, id);
    if (type != control && type != unknown && type != byte) {
      ids.emplace(v.tokens[id], static_cast<int32_t>(id));
    }
  }
  struct Candidate {
    float score;
    size_t left_bytes;
    BpeMerge merge;
  };
  std::vector<Candidate> found;
  for (const auto& [token, id] : ids) {
    for (size_t cut = 1; cut < token.size(); ++cut) {
      const auto left = ids.find(token.substr(0, cut));
      if (left == ids.end()) {
        continue;
      }
      const auto right = ids.find(token.substr(cut));
      if (right != ids.end()) {
        const float score = v.scores[static_cast<size_t>(id)];
        found.push_back({score, cut, {left->second, right->second, id}});
      }
    }
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    return std::tuple(-a.score, a.merge.result, -double(a.left_bytes)) <
        std::tuple(-b.score, b.merge.result, -double(b.left_bytes));
  });
  std::vector<BpeMerge> merges;
  for (const Candidate& candidate : found) {
    merges.push_back(candidate.merge);
  }
  return merges;
}

} // namespace llm
