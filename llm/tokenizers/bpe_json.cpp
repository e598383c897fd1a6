// SPDX-License-Identifier: MIT
//
// The model BPE of a tokenizer.json, its vocabulary, merges and added tokens.
// Dropout and the marks of other kinds (WordPiece's "##") are refused by name.

#include "llm/tokenizers/bpe_json.h"

#include <unordered_map>

#include "llm/core/error.h"
#include "llm/core/utf8.h"

namespace llm {
namespace {

using Ids = std::unordered_map<std::string_view, int32_t>;

/// model's options at rest, and those that BPE has here.
void read_options(const JsonNode& model, BpeTokenizer::Parts& parts) {
  model.expect_keys(
      {"type",
       "dropout",
       "unk_token",
       "continuing_subword_prefix",
       "end_of_word_suffix",
       "fuse_unk",
       "byte_fallback",
       "ignore_merges",
       "vocab",
       "merges"});
  model["dropout"].expect_null();
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (!model[key].is_null()) {
      model[key].expect(""); // as GPT-2's own file has it
    }
  }
  const auto flag = [&](const char* key) {
    return !model[key].is_null() && model[key].flag();
  };
  parts.fuse_unk = flag("fuse_unk");
  parts.byte_fallback = flag("byte_fallback");
  parts.ignore_merges = flag("ignore_merges");
}

/// Puts the token at its id; an id may be used once, and all ids are used.
void place(
    std::vector<std::string>& tokens,
    const JsonNode& node,
    int64_t id,
    const std::string& token) {
  std::string& slot = tokens[static_cast<size_t>(id)];
  if (!slot.empty()) {
    node.fail(
        "the id " + std::to_string(id) + " belongs to " + quote(slot) +
        " already; give each token its own id.");
  }
  slot = token;
}

AddedToken read_added_token(const JsonNode& node, int64_t last) {
  node.expect_keys(
      {"id",
       "content",
       "single_word",
       "lstrip",
       "rstrip",
       "normalized",
       "special"});
  const size_t size = node["content"].text().size();
  if (size == 0 || size > longest_special) {
    node["content"].fail(
        "expected 1 to " + std::to_string(longest_special) +
        " bytes but received " + std::to_string(size) + ".");
  }
  AddedToken token;
  token.id = static_cast<int32_t>(node["id"].integer(0, last));
  token.special = node["special"].flag();
  token.lstrip = node["lstrip"].flag();
  token.rstrip = node["rstrip"].flag();
  token.single_word = node["single_word"].flag();
  token.normalized = node["normalized"].flag();
  return token;
}

/// Fills `parts.tokens` from model.vocab and added_tokens.
void read_tokens(const JsonNode& root, BpeTokenizer::Parts& parts) {
  const JsonNode vocab_node = root["model"]["vocab"];
  const auto& vocab = vocab_node.object();
  const JsonNode added = root["added_tokens"];
  const size_t n_added = added.is_null() ? 0 : added.array_size();
  Ids ids;
  for (const auto& [token, id] : vocab) {
    ids.emplace(token, 0);
  }
  size_t n = vocab.size();
  for (size_t i = 0; i < n_added; ++i) {
    n += ids.emplace(added.at(i)["content"].text(), 0).second ? 1 : 0;
  }
  const auto last = static_cast<int64_t>(n) - 1; // no holes: ids are 0 .. n-1
  parts.tokens.resize(n);
  for (const auto& [token, id] : vocab) {
    const JsonNode node = vocab_node.child(token, id);
    if (token.empty()) {
      node.fail("expected a token of one or more bytes.");
    }
    place(parts.tokens, node, node.integer(0, last), token);
    ids[token] = id.get<int32_t>();
  }
  std::unordered_map<std::string_view, size_t> seen;
  for (size_t i = 0; i < n_added; ++i) {
    const JsonNode node = added.at(i);
    AddedToken token = read_added_token(node, last);
    const std::string& content = node["content"].text();
    const auto [other, is_new] = seen.emplace(content, i);
    if (!is_new) {
      node["content"].fail(
          quote(content) + " is added_tokens[" + std::to_string(other->second) +
          "] already; remove one.");
    }
    token.in_vocab = parts.tokens[static_cast<size_t>(token.id)] == content;
    if (!token.in_vocab) {
      place(parts.tokens, node["id"], token.id, content);
    }
    parts.added.push_back(token);
  }
}

/// The two tokens of a merge: ["a", "b"] or, in older files, "a b".
std::pair<std::string_view, std::string_view> merge_pair(const JsonNode& node) {
  if (node.value().is_string()) {
    const std::string_view text = node.text();
    const size_t space = text.find(' ');
    if (space == text.npos || text.find(' ', space + 1) != text.npos) {
      node.fail(
          "expected two tokens with one space between but received " +
          quote(text) + "; correct the file.");
    }
    return {text.substr(0, space), text.substr(space + 1)};
  }
  if (node.array_size() != 2) {
    node.fail("expected a list of two tokens; correct the file.");
  }
  return {node.at(0).text(), node.at(1).text()};
}

Ids ids_of(const std::vector<std::string>& tokens) {
  Ids ids;
  for (size_t id = 0; id < tokens.size(); ++id) {
    ids.emplace(tokens[id], static_cast<int32_t>(id));
  }
  return ids;
}

void read_merges(
    const JsonNode& list,
    const Ids& ids,
    std::vector<BpeMerge>& merges) {
  const size_t n = list.array_size();
  for (size_t i = 0; i < n; ++i) {
    const JsonNode node = list.at(i);
    const auto id_of = [&](std::string_view token) {
      const auto known = ids.find(token);
      if (known == ids.end()) {
        node.fail(
            "the token " + quote(token) +
            " is not in model.vocab; correct the file.");
      }
      return known->second;
    };
    const auto [left, right] = merge_pair(node);
    const std::string result = std::string(left) + std::string(right);
    merges.push_back({id_of(left), id_of(right), id_of(result)});
  }
}

} // namespace

std::unique_ptr<Tokenizer> read_bpe(
    const JsonNode& root,
    const std::string& where) {
  BpeTokenizer::Parts parts;
  parts.where = where;
  for (const char* key :
       {"normalizer", "pre_tokenizer", "post_processor", "decoder"}) {
    parts.pipeline[key] = root[key].value();
  }
  const JsonNode model = root["model"];
  read_options(model, parts);
  read_tokens(root, parts);
  const Ids ids = ids_of(parts.tokens);
  read_merges(model["merges"], ids, parts.merges);
  if (const JsonNode unk = model["unk_token"]; !unk.is_null()) {
    const auto known = ids.find(unk.text());
    if (known == ids.end()) {
      unk.fail(quote(unk.text()) + " is not in model.vocab; correct the file.");
    }
    parts.unk = known->second;
  }
  return std::make_unique<BpeTokenizer>(std::move(parts));
}

} // namespace llm
