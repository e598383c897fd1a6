// SPDX-License-Identifier: MIT
//
// Data for fine-tuning: every shape, and every way in which a file can be
// wrong, with the place and the field in the message.

#include <doctest/doctest.h>

#include <fstream>

#include "llm/core/error.h"
#include "llm/data/instructions.h"
#include "tests/cpp/core/temporary_folder.h"

using namespace llm;
using namespace llm::test;
namespace fs = std::filesystem;

namespace {

InstructionData read(
    const std::string& text,
    const std::string& name = "d.jsonl",
    int max_errors = 1) {
  const TemporaryFolder home;
  std::ofstream(home / name, std::ios::binary) << text;
  return load_instructions(home / name, max_errors);
}

/** The message of the error, from the file's name on. */
std::string refusal(
    const std::string& text,
    const std::string& name = "d.jsonl",
    int n = 1) {
  try {
    read(text, name, n);
  } catch (const InputError& error) {
    const std::string what = error.what();
    CHECK(what.starts_with("[data] "));
    CHECK(what.find('\n') == std::string::npos);
    const size_t at = what.find(name);
    return at == std::string::npos ? what : what.substr(at);
  }
  return "no error";
}

bool begins(const std::string& text, const std::string& with) {
  const bool right = text.substr(0, with.size()) == with;
  if (!right) {
    MESSAGE(text);
  }
  return right;
}

const std::string good = R"({"prompt": "a", "completion": "b"})"
                         "\n";

} // namespace

TEST_CASE("instructions: every shape becomes messages, a text or a pair") {
  const auto data =
      read(R"({"prompt": "p", "completion": "c", "kind": "k"})"
           "\r\n\r\n"
           R"({"instruction": "i", "input": "x", "output": "o"})"
           "\r\n"
           R"({"instruction": "i", "input": "", "output": "o", "extra": 1})"
           "\r\n"
           R"({"messages": [{"role": "system", "content": "s"},)"
           R"( {"role": "user", "content": "u"},)"
           R"( {"role": "assistant", "content": "a"}]})"
           "\r\n"
           R"({"text": "t"})"
           "\r\n"
           R"({"prompt": "p", "chosen": "good", "rejected": "bad"})");
  REQUIRE(data.train.size() == 6);
  const auto& e = data.train;
  CHECK(
      e[0].messages.dump() ==
      R"([{"role":"user","content":"p"},{"role":"assistant","content":"c"}])");
  CHECK(e[0].kind == "k");
  CHECK(e[1].prompt() == "i\n\nx");
  CHECK(e[1].answer() == "o");
  CHECK(e[2].prompt() == "i");
  CHECK(e[3].messages.size() == 3);
  CHECK(e[3].prompt() == "u");
  CHECK(e[4].text == "t");
  CHECK(e[4].messages.is_null());
  CHECK(e[5].is_pair());
  CHECK(e[5].prompt() == "p");
  CHECK(e[5].answer() == "good");
  CHECK(data.sha256.size() == 64);
}

TEST_CASE("instructions: arrays, objects with splits, folders") {
  const auto array = read("[\n " + good + ", " + good + "]", "d.json");
  CHECK(array.train.size() == 2);
  const auto object = read(
      R"({"name": "n", "train": [)" + good + R"(], "valid": [)" + good + "," +
          good + R"(], "test": []})",
      "d.json");
  CHECK(object.train.size() == 1);
  CHECK(object.validation.size() == 2);
  CHECK(object.split("valid").size() == 2);
  CHECK(object.split("all").size() == 3);
  CHECK_THROWS_AS(object.split("rest"), UsageError);

  const TemporaryFolder home;
  std::ofstream(home / "train.jsonl") << good << good << good;
  std::ofstream(home / "valid.jsonl") << good;
  const auto folder = load_instructions(home.path());
  CHECK(folder.train.size() == 3);
  CHECK(folder.validation.size() == 1);
  const TemporaryFolder empty;
  CHECK_THROWS_AS(load_instructions(empty.path()), InputError);
}

TEST_CASE("instructions: a tenth is held out where the data has no such part") {
  std::string text;
  for (int i = 0; i < 25; ++i) {
    text += R"({"prompt": "p)" + std::to_string(i) +
        R"(", "completion": "c"})"
        "\n";
  }
  auto data = read(text);
  hold_out_validation(data);
  REQUIRE(data.validation.size() == 2);
  CHECK(data.train.size() == 23);
  CHECK(data.validation[1].prompt() == "p19");
  auto few = read(good);
  hold_out_validation(few);
  CHECK(few.validation.empty());
}

TEST_CASE("instructions: JSONL errors name line, column and reason") {
  // Broken JSON: the place is the one inside the file.
  CHECK(begins(
      refusal(good + R"({"prompt": "a" "completion": "b"})"),
      "d.jsonl:2:27: expected JSON but received a syntax error"));
  CHECK(begins(refusal(good + "\xC3\xA9 x"), "d.jsonl:2:1: expected JSON"));
  CHECK(begins(
      refusal(good + "\n[1]\n"),
      "d.jsonl:3:1: expected an object but received an array"));
  CHECK(begins(refusal(good + "  7\n"), "d.jsonl:2:3: expected an object"));
  // Bytes that are no text.
  CHECK(begins(
      refusal(good + std::string(R"({"prompt": ")") + '\0' + "\"}"),
      "d.jsonl:2:13: expected JSON but received a NUL byte"));
  CHECK(begins(
      refusal(good + "{\"prompt\": \"\xC3\xA9\xFF\"}"),
      "d.jsonl:2:14: expected UTF-8 text"));
  CHECK(begins(
      refusal("\xEF\xBB\xBF" + good),
      "d.jsonl:1:1: expected JSON but received a byte order mark"));
  CHECK(begins(
      refusal(R"({"prompt": "a", "prompt": "b", "completion": "c"})"),
      "d.jsonl:1:17: expected each key once"));
  // A line that is too long is not parsed.
  CHECK(begins(
      refusal(good + "{\"text\": \"" + std::string(9 << 20, 'x') + "\"}\n"),
      "d.jsonl:2:1: expected a line of at most 8388608 bytes"));
}

TEST_CASE("instructions: field errors name the field and where it stands") {
  CHECK(begins(
      refusal(good + R"(  {"prompt": "a"})"),
      "d.jsonl:2:3: completion: expected a string but the field is missing"));
  CHECK(begins(
      refusal(R"({"prompt": "\"}", "completion": 5})"),
      "d.jsonl:1:33: completion: expected a string but received 5"));
  CHECK(begins(
      refusal(R"({"instruction": "a", "input": [1], "output": "b"})"),
      "d.jsonl:1:31: input: expected a string but received [1]"));
  CHECK(begins(
      refusal(R"({"instruction": "a", "output": "  \n"})"),
      "d.jsonl:1:32: output: expected some text"));
  CHECK(begins(
      refusal(R"({"prompt": "a", "chosen": "b"})"),
      "d.jsonl:1:1: rejected: expected a string but the field is missing"));
  CHECK(begins(
      refusal(R"({"question": "a", "reply": "b"})"),
      "d.jsonl:1:1: prompt: expected the fields prompt and completion"));
  CHECK(begins(
      refusal(R"({"messages": [{"role": "user", "content": 1}]})"),
      "d.jsonl:1:14: messages: expected message 1 to have the text content"));
  CHECK(begins(
      refusal(R"({"messages": [{"role": "user", "content": "a"}]})"),
      "d.jsonl:1:14: messages: expected the last role to be \"assistant\""));
  CHECK(begins(
      refusal(R"({"messages": []})"), "d.jsonl:1:14: messages: expected an"));
}

TEST_CASE("instructions: the places are right inside arrays and splits") {
  const std::string array =
      "[\n  {\"prompt\": \"a\", \"completion\": \"]}\"},\n"
      "  {\"prompt\": \"\xC3\xA9\", \"completion\": 1}]";
  CHECK(begins(
      refusal(array, "d.json"), "d.json:3:33: completion: expected a string"));
  CHECK(begins(
      refusal("{\"train\": [],\n \"test\": [\n  {\"text\": 3}]}", "d.json"),
      "d.json:3:12: text: expected a string but received 3"));
  CHECK(begins(refusal("[1]", "d.json"), "d.json:1:2: expected an object"));
  CHECK(begins(
      refusal(R"({"rows": []})", "d.json"),
      "d.json:1:1: expected an array of objects"));
  CHECK(begins(
      refusal(R"({"train": 5})", "d.json"), "d.json:1:11: train: expected"));
  CHECK(begins(refusal("[{]", "d.json"), "d.json:1:3: expected JSON"));
}

TEST_CASE("instructions: nothing to read, and several errors at once") {
  for (const std::string text : {"", "\n\n", "\r\n"}) {
    CHECK(begins(refusal(text), "d.jsonl:1:1: expected examples but received"));
  }
  CHECK(begins(refusal("[]", "d.json"), "d.json:1:1: expected examples"));
  const std::string bad = "{}\n{\"text\": 1}\n" + good + "{\"text\": 2}\n";
  const std::string three = refusal(bad, "d.jsonl", 10);
  CHECK(three.find(":2:10: text") != std::string::npos);
  CHECK(three.find(":4:10: text") != std::string::npos);
  CHECK(refusal(bad, "d.jsonl", 2).find(":4:10") == std::string::npos);
  CHECK_THROWS_AS(read(good, "d.jsonl", 0), UsageError);
  CHECK_THROWS_AS(load_instructions("/nonexistent/file.jsonl"), InputError);
}
