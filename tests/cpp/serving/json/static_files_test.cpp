// SPDX-License-Identifier: MIT
//
// Which files a client can name, and what it gets.

#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include "../../core/temporary_folder.h"
#include "llm/core/sha256.h"
#include "llm/serving/static_files.h"

using namespace llm;
using namespace llm::serving;
namespace fs = std::filesystem;

TEST_CASE("static files: exact names of regular files with a known type") {
  const test::TemporaryFolder outside;
  const fs::path folder = outside / "web";
  fs::create_directories(folder / "js");
  fs::create_directories(folder / ".git");
  for (const char* name :
       {"index.html",
        "styles.css",
        "js/api.js",
        "x.cpp",
        "README.md",
        ".x.js",
        ".git/a.json",
        "no_suffix",
        "a b.js"}) {
    test::put(folder / name, "content");
  }
  test::put(outside / "secret.json", "secret");
  fs::create_symlink(folder / "styles.css", folder / "link.css");
  fs::create_symlink("/etc", folder / "etc");

  StaticFiles files;
  files.add(folder, "/app/", ".md");
  for (const char* name :
       {"/app/", "/app/index.html", "/app/styles.css", "/app/js/api.js"}) {
    CAPTURE(name);
    CHECK(files.find(name) != nullptr);
  }
  CHECK(files.find("/app/js/api.js")->type == "text/javascript; charset=utf-8");
  for (const char* name :
       {"",
        "/",
        "/app",
        "/app/js",
        "/app/js/",
        "/app/x.cpp",
        "/app/README.md",
        "/app/.x.js",
        "/app/.git/a.json",
        "/app/no_suffix",
        "/app/a b.js",
        "/app/link.css",
        "/app/etc/hostname",
        "/app/../secret.json",
        "/app//index.html",
        "/app/./index.html",
        "/app/index.html/",
        "/app/INDEX.html",
        "index.html",
        "/styles.css"}) {
    CAPTURE(name);
    CHECK(files.find(name) == nullptr);
  }
}

TEST_CASE("static files: sources are text, whatever they are") {
  const test::TemporaryFolder root;
  fs::create_directories(root / "llm/nn");
  fs::create_directories(root / "llm/.git");
  for (const char* name :
       {"llm/nn/gelu.h",
        "llm/nn/gelu.cpp",
        "llm/notes.md",
        "llm/page.html",
        "llm/script.js",
        "llm/.git/config.txt",
        "README.md",
        "secret.md"}) {
    test::put(root / name, "content");
  }
  fs::create_symlink(root / "secret.md", root / "llm/link.md");
  fs::create_symlink(root / "secret.md", root / "linked.md");
  StaticFiles files;
  for (const char* name : {"llm", "README.md", "linked.md", "missing"}) {
    files.add_sources(root.path(), name);
  }
  for (const char* name :
       {"/llm/nn/gelu.h", "/llm/nn/gelu.cpp", "/llm/notes.md", "/README.md"}) {
    CAPTURE(name);
    REQUIRE(files.find(name) != nullptr);
    CHECK(files.find(name)->type == "text/plain; charset=utf-8");
  }
  for (const char* name :
       {"/secret.md",
        "/linked.md",
        "/llm/link.md",
        "/llm/page.html",
        "/llm/script.js",
        "/llm/.git/config.txt",
        "/llm",
        "/llm/",
        "/missing"}) {
    CAPTURE(name);
    CHECK(files.find(name) == nullptr);
  }
}

TEST_CASE("static files: read when asked for, not through a new link") {
  const test::TemporaryFolder folder;
  test::put(folder / "a.txt", "one");
  StaticFiles files;
  files.add(folder.path(), "/");
  const StaticFiles::File* file = files.find("/a.txt");
  REQUIRE(file != nullptr);
  CHECK(files.read(*file) == "one");
  test::put(folder / "a.txt", "two");
  CHECK(files.read(*file) == "two");
  fs::remove(folder / "a.txt");
  CHECK_FALSE(files.read(*file).has_value());
  test::put(folder / "b.txt", "secret");
  fs::create_symlink(folder / "b.txt", folder / "a.txt");
  CHECK_FALSE(files.read(*file).has_value());
  files.add(folder.path() / "missing", "/m/"); // no error, no files
  CHECK(entity_tag("x") == '"' + sha256_hex("x").substr(0, 32) + '"');
}

TEST_CASE("static files: the outline of a page has GitHub's ids") {
  const Json outline = page_outline(
      "# What it is\r\n"
      "text # no heading\n"
      "## Set-up & `./tutorial start`\n"
      "```bash\n# a comment\n```\n"
      "### Caf\xc3\xa9\n"
      "## Twice ##\n## Twice\n#none\n####### seven\n## \n");
  CHECK(outline["title"] == "What it is");
  std::string all;
  for (const Json& h : outline["headings"]) {
    all += std::to_string(h["level"].get<int>()) +
        h["text"].get<std::string>() + "=" + h["id"].get<std::string>() + ";";
  }
  CHECK(
      all ==
      "2Set-up & ./tutorial start=set-up--tutorial-start;"
      "3Caf\xc3\xa9=caf\xc3\xa9;2Twice=twice;2Twice=twice-1;2=;");
}

TEST_CASE("static files: the index of the docs") {
  const test::TemporaryFolder folder;
  test::put(folder / "b-page.md", "# B\n");
  test::put(folder / "a.md", "# A\n## One\n");
  test::put(folder / "Not-a-slug.md", "# C\n");
  test::put(folder / "picture.svg", "<svg/>");
  StaticFiles files;
  files.add(folder.path(), "/docs/");
  CHECK(
      files.docs_index().dump() ==
      R"([{"slug":"a","title":"A","headings":[{"level":2,"text":"One","id":"one"}]},)"
      R"({"slug":"b-page","title":"B","headings":[]}])");
}
