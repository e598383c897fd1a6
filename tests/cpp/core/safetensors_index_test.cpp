// SPDX-License-Identifier: MIT
//
// The index of a model in several files: paths that leave the folder, and parts
// that hold other tensors than it says.

#include <doctest/doctest.h>

#include <string>

#include "llm/core/error.h"
#include "llm/core/safetensors_index.h"
#include "temporary_folder.h"

using namespace llm;
using namespace llm::test;

namespace {

/** The message for an index with this text, "" when accepted. */
std::string rejection(const std::string& text) {
  TemporaryFolder folder;
  put(folder / "index.json", text);
  try {
    read_safetensors_index(folder / "index.json");
    return "";
  } catch (const InputError& e) {
    return e.what();
  }
}

std::string with_file(const std::string& name) {
  return "{\"weight_map\":{\"a\":\"" + name + "\"}}";
}

} // namespace

TEST_CASE("safetensors index: which file holds which tensor") {
  TemporaryFolder folder;
  put(folder / "index.json",
      R"({"metadata": {"total_size": 5}, "weight_map":
         {"a": "m-1-of-2.safetensors", "b": "m-2-of-2.safetensors",
          "c": "m-1-of-2.safetensors"}})");
  const SafetensorsIndex index = read_safetensors_index(folder / "index.json");
  CHECK(
      index ==
      SafetensorsIndex{
          {"m-1-of-2.safetensors", {"a", "c"}},
          {"m-2-of-2.safetensors", {"b"}}});
}

TEST_CASE("safetensors index: no file outside the folder") {
  CHECK(rejection(with_file("model-00001-of-00002.safetensors")) == "");
  for (const char* name :
       {"../m.safetensors",
        "..",
        ".",
        "",
        "/etc/m.safetensors",
        "a/m.safetensors",
        "a//m.safetensors",
        "./m.safetensors",
        ".m.safetensors",
        ".safetensors",
        "..\\\\m.safetensors",
        "C:m.safetensors",
        "%2e%2e%2fm.safetensors",
        "%252e.safetensors",
        "m.safetensors\\u0000.safetensors",
        "m.safetensors.",
        "m.safetensors/",
        "m .safetensors",
        "m\\n.safetensors",
        "\xC3\xA9.safetensors",
        "passwd",
        "m.bin"}) {
    CAPTURE(name);
    CHECK(rejection(with_file(name)).find("same folder") != std::string::npos);
  }
  CHECK(rejection(with_file(std::string(244, 'm') + ".safetensors")) != "");
}

TEST_CASE("safetensors index: damaged") {
  for (const char* text :
       {"",
        "{}",
        "[]",
        "5",
        "{\"weight_map\":{}}",
        "{\"weight_map\":[]}",
        "{\"weight_map\":null}",
        "{\"weight_map\":{\"a\":5}}",
        "{\"weight_map\":{\"a\":null}}",
        "{\"weight_map\":{\"a\":[\"m.safetensors\"]}}",
        "{\"weight_map\":{\"a\":\"m.safetensors\",\"a\":\"n.safetensors\"}}"}) {
    CAPTURE(text);
    CHECK(rejection(text) != "");
  }
}

TEST_CASE("safetensors index: a part holds what the index says") {
  SafetensorsHeader part;
  std::set<std::string> names;
  for (int i = 0; i < 12; ++i) {
    names.insert("t" + std::string(1, static_cast<char>('a' + i)));
  }
  for (const std::string& name : names) {
    part.tensors[name];
  }
  CHECK_NOTHROW(check_safetensors_part(part, names, "part"));
  part.tensors.erase("tb");
  part.tensors["extra"];
  CHECK(
      message_of<InputError>(
          [&] { check_safetensors_part(part, names, "part"); }) ==
      "[part] the file does not fit the index: missing \"tb\"; unexpected "
      "\"extra\"; copy both from the same model.");
  const std::string none = message_of<InputError>(
      [&] { check_safetensors_part({}, names, "part"); });
  CHECK(none.find("\"tj\" and 2 more;") != std::string::npos);
}
