// SPDX-License-Identifier: MIT
//
// BPE as tokenizer.json. What is read: a normalizer that is null or one normal
// form; the pre-tokenizer ByteLevel alone (GPT-2's pattern) or after a Split by
// a Regex; the decoder ByteLevel; the model BPE with its options at rest. The
// rest is refused by name. Another family of tokenizers is another branch here.

#include "llm/tokenizers/bpe_json.h"

#include <unordered_map>

#include "llm/core/error.h"
#include "llm/core/utf8.h"
#include "llm/tokenizers/normal_form.h"

namespace llm {
namespace {

using Ids = std::unordered_map<std::string_view, int32_t>;

std::string read_normalizer(const JsonNode& node) {
  if (node.is_null()) {
    return "";
  }
  node.expect_keys({"type"});
  const std::string& form = node["type"].text();
  try {
    check_normal_form(form);
  } catch (const UsageError&) {
    node["type"].fail(
        "expected NFC, NFD, NFKC or NFKD but received " + quote(form) +
        ", which is not supported; use a tokenizer without it.");
  }
  return form;
}

/// Returns whether GPT-2's pattern is used.
bool read_byte_level(const JsonNode& node) {
  node.expect_keys({"type", "add_prefix_space", "trim_offsets", "use_regex"});
  node["type"].expect("ByteLevel");
  node["add_prefix_space"].expect(false);
  return node["use_regex"].is_null() || node["use_regex"].flag();
}

std::string read_pre_tokenizer(const JsonNode& node) {
  if (node["type"].text() != "Sequence") {
    if (!read_byte_level(node)) {
      node["use_regex"].fail("expected true when no Split comes before it.");
    }
    return std::string(gpt2_pattern);
  }
  node.expect_keys({"type", "pretokenizers"});
  const JsonNode steps = node["pretokenizers"];
  if (steps.array_size() != 2) {
    steps.fail("expected a Split and a ByteLevel; use such a tokenizer.");
  }
  const JsonNode split = steps.at(0);
  split.expect_keys({"type", "pattern", "behavior", "invert"});
  split["type"].expect("Split");
  split["behavior"].expect("Isolated");
  split["invert"].expect(false);
  split["pattern"].expect_keys({"Regex"});
  const JsonNode pattern = split["pattern"]["Regex"];
  try {
    Splitter compiled(pattern.text());
  } catch (const InputError& error) {
    pattern.fail(error.what());
  }
  if (read_byte_level(steps.at(1))) {
    steps.at(1)["use_regex"].fail("expected false after a Split.");
  }
  return pattern.text();
}

void check_rest(const JsonNode& root) {
  if (!root["post_processor"].is_null()) { // it only changes offsets
    root["post_processor"]["type"].expect("ByteLevel");
  }
  root["decoder"]["type"].expect("ByteLevel");
  const JsonNode model = root["model"];
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
  model["unk_token"].expect_null();
  for (const char* key : {"fuse_unk", "byte_fallback", "ignore_merges"}) {
    if (!model[key].is_null()) {
      model[key].expect(false);
    }
  }
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

void check_added_token(const JsonNode& node, bool normalizes) {
  node.expect_keys(
      {"id",
       "content",
       "single_word",
       "lstrip",
       "rstrip",
       "normalized",
       "special"});
  for (const char* key : {"single_word", "lstrip", "rstrip"}) {
    node[key].expect(false);
  }
  // true: look for the token in the normalized text. That is no difference when
  // nothing normalizes (GPT-2's own file has it so).
  if (node["normalized"].flag() && normalizes) {
    node["normalized"].expect(false);
  }
  node["special"].expect(true);
  const size_t size = node["content"].text().size();
  if (size == 0 || size > longest_special) {
    node["content"].fail(
        "expected 1 to " + std::to_string(longest_special) +
        " bytes but received " + std::to_string(size) + ".");
  }
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
    check_added_token(node, !parts.normal_form.empty());
    const std::string& content = node["content"].text();
    const int64_t id = node["id"].integer(0, last);
    const auto [other, is_new] = seen.emplace(content, i);
    if (!is_new) {
      node["content"].fail(
          quote(content) + " is added_tokens[" + std::to_string(other->second) +
          "] already; remove one.");
    }
    if (parts.tokens[static_cast<size_t>(id)] != content) {
      place(parts.tokens, node["id"], id, content);
    }
    parts.special.push_back(static_cast<int32_t>(id));
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

void read_merges(const JsonNode& list, BpeTokenizer::Parts& parts) {
  Ids ids;
  for (size_t id = 0; id < parts.tokens.size(); ++id) {
    ids.emplace(parts.tokens[id], static_cast<int32_t>(id));
  }
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
    parts.merges.push_back({id_of(left), id_of(right), id_of(result)});
  }
}

} // namespace

std::unique_ptr<Tokenizer> read_bpe(
    const JsonNode& root,
    const std::string& where) {
  BpeTokenizer::Parts parts;
  parts.where = where;
  parts.normal_form = read_normalizer(root["normalizer"]);
  parts.pattern = read_pre_tokenizer(root["pre_tokenizer"]);
  check_rest(root);
  read_tokens(root, parts);
  read_merges(root["model"]["merges"], parts);
  return std::make_unique<BpeTokenizer>(std::move(parts));
}

} // namespace llm
