// SPDX-License-Identifier: MIT
//
// From examples to batches: which tokens count, padding, packing, the order.

#include <doctest/doctest.h>

#include <set>

#include "llm/core/error.h"
#include "llm/data/instruction_batches.h"
#include "llm/data/instruction_report.h"
#include "llm/tokenizers/bpe.h"

using namespace llm;

namespace {

const BpeTokenizer& bytes() {
  static const auto tokenizer = BpeTokenizer::train("a", {.vocab_size = 257});
  return tokenizer;
}

Example conversation(const std::vector<std::string>& turns) {
  Example e;
  e.messages = Json::array();
  for (size_t i = 0; i < turns.size(); ++i) {
    e.messages.push_back(
        {{"role", i % 2 == 0 ? "user" : "assistant"}, {"content", turns[i]}});
  }
  return e;
}

/** The text of the tokens that count. */
std::string counted_text(const Encoded& e) {
  std::vector<int32_t> ids;
  for (size_t i = 0; i < e.ids.size(); ++i) {
    if (e.counts[i] != 0) {
      ids.push_back(e.ids[i]);
    }
  }
  return bytes().decode(ids);
}

Encoded of_length(int n, int32_t id) {
  Encoded e;
  e.ids.assign(n, id);
  e.counts.assign(n, 1);
  e.counts[0] = 0;
  e.length = n;
  return e;
}

} // namespace

TEST_CASE("encoded: the prompt is masked, every answer counts") {
  EncodeRules rules{bytes()};
  CHECK(
      counted_text(encode_example(conversation({"hi", "hello"}), rules)) ==
      "hello<|im_end|>\n");
  CHECK(
      counted_text(encode_example(conversation({"a", "b", "c", "d"}), rules)) ==
      "b<|im_end|>\nd<|im_end|>\n");
  rules.mask_prompt = false;
  const Encoded all = encode_example(conversation({"hi", "hello"}), rules);
  CHECK(all.counted() == static_cast<int64_t>(all.ids.size()) - 1);
  CHECK(
      bytes().decode(all.ids) ==
      "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"
      "hello<|im_end|>\n");
  rules.format = plain_text;
  rules.mask_prompt = true;
  CHECK(
      counted_text(encode_example(conversation({"hi", "hello"}), rules)) ==
      "hello");
}

TEST_CASE("encoded: a text ends with the end-of-text token") {
  const EncodeRules rules{bytes()};
  Example text;
  text.text = "abc";
  const Encoded e = encode_example(text, rules);
  CHECK(e.ids.back() == *bytes().eos_id());
  CHECK(e.ids.size() == 4);
  CHECK(e.counted() == 3); // nothing predicts the first
}

TEST_CASE("encoded: too long examples lose their end, or are left out") {
  EncodeRules rules{bytes()};
  const auto e = conversation({"hi", "hello"});
  const Encoded whole = encode_example(e, rules);
  rules.max_length = static_cast<int>(whole.ids.size()) - 4;
  const Encoded part = encode_example(e, rules);
  CHECK(part.truncated());
  CHECK(part.length == whole.length);
  CHECK(part.counted() == whole.counted() - 4);
  rules.max_length = 20; // inside the prompt
  CHECK_THROWS_AS(encode_examples({e}, rules), InputError);
  rules.max_length = 60;
  const auto some =
      encode_examples({conversation({std::string(60, 'x'), "y"}), e}, rules);
  CHECK(some.size() == 1);
}

TEST_CASE("encoded: pairs and examples are not mixed") {
  const EncodeRules rules{bytes()};
  Example pair = conversation({"q"});
  pair.chosen = "good";
  pair.rejected = "bad";
  CHECK_THROWS_AS(encode_examples({pair}, rules), InputError);
  CHECK_THROWS_AS(encode_pairs({conversation({"a", "b"})}, rules), InputError);
  const auto pairs = encode_pairs({pair}, rules);
  CHECK(counted_text(pairs[0].chosen) == "good<|im_end|>\n");
  CHECK(counted_text(pairs[0].rejected) == "bad<|im_end|>\n");
}

TEST_CASE("instruction batches: padding does not count") {
  const Encoded a = of_length(5, 7), b = of_length(40, 9);
  const MaskedBatch short_one = pad_batch({&a}, 256);
  CHECK(short_one.x.shape() == mx::Shape{1, 32}); // 1 + 32 tokens
  CHECK(short_one.scored == 4);
  CHECK(mx::sum(short_one.mask).item<float>() == 4);
  const MaskedBatch both = pad_batch({&a, &b}, 256);
  CHECK(both.x.shape() == mx::Shape{2, 64});
  CHECK(both.scored == 4 + 39);
  const int* y = both.y.data<int>();
  CHECK(y[3] == 7);
  CHECK(y[4] == 0);
  CHECK(pad_batch({&b}, 40).x.shape() == mx::Shape{1, 39}); // never beyond it
  CHECK(pad_batch({&a, &b}, 256, true).scored == 4 + 39 + 2);
}

TEST_CASE("instruction batches: the targets that count, with their places") {
  const Encoded a = of_length(3, 7), b = of_length(5, 9);
  const MaskedBatch batch = pad_batch({&a, &b}, 256); // [2, 32]
  const CountedTargets c = counted_targets(batch);
  CHECK(c.places.shape() == mx::Shape{64});
  CHECK(mx::sum(c.weights).item<float>() == 2 + 4);
  const int32_t* places = c.places.data<int32_t>();
  const int32_t* targets = c.targets.data<int32_t>();
  const std::vector<int32_t> expected = {0, 1, 32, 33, 34, 35};
  CHECK(std::vector<int32_t>(places, places + 6) == expected);
  CHECK(
      std::vector<int32_t>(targets, targets + 3) ==
      std::vector<int32_t>{7, 7, 9});
}

TEST_CASE("instruction batches: packing keeps every token once") {
  const std::vector<Encoded> examples = {
      of_length(10, 1), of_length(30, 2), of_length(20, 3), of_length(6, 4)};
  const auto rows = pack_examples(examples, 36);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].ids.size() == 36); // 30 and 6
  CHECK(rows[1].ids.size() == 30); // 20 and 10
  CHECK(rows[0].counted() + rows[1].counted() == 9 + 29 + 19 + 5);
  CHECK(rows[0].counts[30] == 0); // no example predicts the next one's start
}

TEST_CASE("instruction batches: an epoch reads every row once, from its seed") {
  std::vector<int64_t> lengths;
  for (int i = 0; i < 103; ++i) {
    lengths.push_back(i * 37 % 101 + 2);
  }
  BatchRules rules;
  rules.batch = 4;
  rules.seed = 5;
  const auto first = epoch_order(lengths, rules, 0);
  CHECK(first.size() == 25);
  std::set<size_t> seen;
  int64_t padding = 0;
  for (const auto& batch : first) {
    int64_t longest = 0, sum = 0;
    for (const size_t i : batch) {
      CHECK(seen.insert(i).second);
      longest = std::max(longest, lengths[i]);
      sum += lengths[i];
    }
    padding += longest * 4 - sum;
  }
  CHECK(padding < 103 * 10); // rows of like length; at random it is 30 a row
  CHECK(epoch_order(lengths, rules, 0) == first);
  CHECK(epoch_order(lengths, rules, 1) != first);
  rules.seed = 6;
  CHECK(epoch_order(lengths, rules, 0) != first);
  rules.shuffle = false;
  CHECK(epoch_order(lengths, rules, 3)[1] == std::vector<size_t>{4, 5, 6, 7});
}

TEST_CASE("instruction batches: batch n follows from n alone") {
  std::vector<Encoded> examples;
  for (int i = 0; i < 9; ++i) {
    examples.push_back(of_length(5 + i, i + 1));
  }
  BatchRules rules;
  rules.batch = 2;
  const InstructionBatches batches(examples, rules);
  CHECK(batches.per_epoch() == 4);
  const MaskedBatch late = batches.at(11);
  CHECK(mx::array_equal(late.x, InstructionBatches(examples, rules).at(11).x)
            .item<bool>());
  rules.batch = 10;
  CHECK_THROWS_AS(InstructionBatches(examples, rules), InputError);
}

TEST_CASE("instruction report: lengths, cuts, duplicates, kinds") {
  EncodeRules rules{bytes()};
  rules.max_length = 60;
  InstructionData data;
  data.train = {
      conversation({"hi", "hello"}),
      conversation({"hi", "hello"}),
      conversation({std::string(100, 'x'), "y"})};
  data.train[0].kind = "greeting";
  data.validation = {conversation({"hi", "hello"})};
  const auto reports = report_on(data, rules);
  REQUIRE(reports.size() == 2);
  const SplitReport& r = reports[0];
  CHECK(r.examples == 3);
  CHECK(r.shortest == 68);
  CHECK(r.median == 68);
  CHECK(r.longest == 162);
  CHECK(r.truncated == 3);
  CHECK(r.lost == 1);
  CHECK(r.duplicates == 1);
  CHECK(reports[1].duplicates == 1); // of a training example
  CHECK(r.kinds.at("greeting") == 1);
  CHECK(r.histogram[6] == 2); // 64 to 127
  CHECK(to_text(reports, 60).find("--max-length 60") != std::string::npos);
}
