// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "faulty_files.h"
#include "llm/core/error.h"
#include "llm/core/files.h"
#include "power_loss.h"
#include "temporary_folder.h"

using namespace llm;
using namespace llm::test;
namespace fs = std::filesystem;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/** Appends to the file it reports on while that file is read. */
std::string growing_read(const fs::path& path) {
  return message_of<InputError>([&] {
    read_file_in_pieces(path, [&](std::string_view) {
      std::ofstream(path, std::ios::app) << "more";
    });
  });
}

} // namespace

TEST_CASE("files: reading regular files") {
  TemporaryFolder folder;
  const std::string bytes = std::string("\0\xff\n", 3) + std::string(5000, 'x');
  put(folder / "a", bytes);
  put(folder / "empty", "");
  fs::create_symlink(folder / "a", folder / "link");
  CHECK(read_file(folder / "a") == bytes);
  CHECK(read_file(folder / "link") == bytes);
  CHECK(read_file(folder / "empty") == "");
  CHECK(read_file(folder / "a", bytes.size()) == bytes);
  CHECK_THROWS_AS(read_file(folder / "a", bytes.size() - 1), InputError);
  uint64_t size = 0;
  CHECK(read_file_start(folder / "a", 3, &size) == bytes.substr(0, 3));
  CHECK(size == bytes.size());
  CHECK(read_file_start(folder / "a", 1 << 20) == bytes);
}

TEST_CASE("files: what is no readable file is refused and named") {
  TemporaryFolder folder;
  const auto message = [&](const fs::path& path) {
    return message_of<Error>([&] { read_file(path); });
  };
  CHECK(contains(message(folder / "none"), "there is no file"));
  CHECK(contains(message(folder.path()), "is a folder"));
  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
  CHECK(contains(message(folder / "fifo"), "is a FIFO")); // and does not hang
  CHECK(contains(message("/dev/zero"), "is a device"));
  fs::create_symlink(folder / "loop", folder / "loop");
  CHECK(contains(message(folder / "loop"), "cannot open"));
  fs::create_symlink(folder / "gone", folder / "dangling");
  CHECK(contains(message(folder / "dangling"), "there is no file"));
  CHECK(contains(message(std::string("a\0b", 3)), "without NUL"));
  CHECK(contains(message(""), "expected a file's path"));
  CHECK(contains(message(folder / "line\nbreak"), "line\\nbreak"));
  put(folder / "secret", "x");
  fs::permissions(folder / "secret", fs::perms::none);
  if (::geteuid() != 0) { // root may read everything
    CHECK_THROWS_AS(read_file(folder / "secret"), IoError);
  }
}

TEST_CASE("files: a file that changes while it is read is noticed") {
  TemporaryFolder folder;
  put(folder / "a", std::string(3'000'000, 'a'));
  CHECK(contains(growing_read(folder / "a"), "changed while it was read"));
  const std::string message = message_of<InputError>([&] {
    read_file_in_pieces(folder / "a", [&](std::string_view) {
      fs::resize_file(folder / "a", 10);
    });
  });
  CHECK(contains(message, "changed while it was read"));
}

TEST_CASE("files: atomic saves create and replace") {
  TemporaryFolder folder;
  write_file_atomically(folder / "a", "one");
  CHECK(get(folder / "a") == "one");
  write_file_atomically(folder / "a", "");
  CHECK(get(folder / "a") == "");
  write_folder_atomically(folder / "m/", {{"x", "1"}, {"y", "2"}});
  CHECK(get(folder / "m/x") == "1");
  CHECK(get(folder / "m/y") == "2");
  write_folder_atomically(folder / "nothing", {});
  CHECK(fs::is_empty(folder / "nothing"));
  const fs::path before = fs::current_path();
  fs::current_path(folder.path()); // a name without a folder
  write_file_atomically("plain", "here");
  fs::current_path(before);
  CHECK(get(folder / "plain") == "here");
}

TEST_CASE("files: saves that cannot work say why") {
  TemporaryFolder folder;
  fs::create_directory(folder / "there");
  const std::string missing =
      message_of<IoError>([&] { write_file_atomically(folder / "no/a", "x"); });
  CHECK(contains(missing, "check that its folder exists"));
  const std::string over = message_of<IoError>(
      [&] { write_file_atomically(folder / "there", "x"); });
  CHECK(contains(over, "choose another name"));
  CHECK_THROWS_AS(
      write_folder_atomically(folder / "there", {{"x", "1"}}), UsageError);
  for (const std::string& name :
       {std::string(),
        std::string(".."),
        std::string("a/b"),
        std::string("a\0b", 3)}) {
    CHECK_THROWS_AS(
        write_folder_atomically(folder / "new", {{name, "1"}}), UsageError);
  }
  CHECK_THROWS_AS(write_file_atomically("", "x"), UsageError);
  CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 1);
  FaultyFiles full(real_files(), 2, Fault::enospc);
  const std::string space = message_of<IoError>(
      [&] { write_file_atomically(folder / "a", "xyz", full); });
  CHECK(contains(space, (folder / "a").string()));
  CHECK(contains(space, "No space left on device; free some space"));
}

TEST_CASE("files: the limit on file sizes is an error, not a signal") {
  TemporaryFolder folder;
  put(folder / "a", "old");
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1000, 1000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    int code = 0;
    try {
      write_file_atomically(folder / "a", std::string(5000, 'x'));
    } catch (const IoError&) {
      code = 4;
    }
    ::_exit(code);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WEXITSTATUS(status) == 4);
  CHECK(get(folder / "a") == "old");
  CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("files: a leftover of a process with our id is no obstacle") {
  TemporaryFolder folder;
  RecordingFiles files(real_files());
  write_file_atomically(folder / "a", "old", files);
  const std::string used = fs::path(files.log.at(0).path).filename().string();
  const size_t dash = used.rfind('-');
  const int number = std::stoi(used.substr(dash + 1));
  for (int i = 1; i <= 20; ++i) { // the next names this process would use
    put(folder / (used.substr(0, dash + 1) + std::to_string(number + i)), "x");
  }
  write_file_atomically(folder / "a", "new");
  CHECK(get(folder / "a") == "new");
  CHECK(remove_leftovers(folder.path()) == 20);
  CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("files: folders are made and removed") {
  TemporaryFolder folder;
  ensure_folder(folder / "a/b/c/");
  ensure_folder(folder / "a/b/c");
  CHECK(fs::is_directory(folder / "a/b/c"));
  put(folder / "file", "x");
  CHECK_THROWS_AS(ensure_folder(folder / "file"), IoError);
  CHECK_THROWS_AS(ensure_folder(folder / "file/x"), IoError);
  put(folder / "a/b/c/f", "x");
  fs::create_symlink(folder / "file", folder / "a/link");
  remove_folder(folder / "a");
  CHECK_FALSE(fs::exists(folder / "a"));
  CHECK(get(folder / "file") == "x"); // links are not followed
  CHECK_NOTHROW(remove_folder(folder / "a"));
  CHECK_THROWS_AS(remove_folder(folder / "file"), UsageError);
  CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 1);
}
