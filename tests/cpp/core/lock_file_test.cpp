// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "llm/core/error.h"
#include "llm/core/lock_file.h"
#include "temporary_folder.h"

using namespace llm;
using namespace llm::test;
namespace fs = std::filesystem;

namespace {

constexpr int refused = 3;

/** The exit code of a child process that runs `action`. */
template <class Action>
pid_t start(Action action) {
  const pid_t child = ::fork();
  if (child == 0) {
    int code = 99;
    try {
      code = action();
    } catch (const InputError&) {
      code = refused;
    } catch (...) {
    }
    ::_exit(code);
  }
  return child;
}

int exit_code(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

} // namespace

TEST_CASE("lock_file: holds the id and goes away") {
  TemporaryFolder folder;
  const std::string id = std::to_string(::getpid());
  {
    LockFile lock(folder.path());
    CHECK(get(folder / ".lock") == id + "\n");
    // A second one in this process is refused too.
    CHECK(
        message_of<InputError>([&] { LockFile second(folder.path()); }) ==
        "[train] folder \"" + folder.path().string() +
            "\" is in use by process " + id + "; wait or stop it.");
    CHECK(fs::exists(folder / ".lock"));
  }
  CHECK_FALSE(fs::exists(folder / ".lock"));
  LockFile again(folder.path(), "other");
}

TEST_CASE("lock_file: another process is refused and names the owner") {
  TemporaryFolder folder;
  LockFile lock(folder.path());
  const pid_t child = start([&] {
    const std::string message =
        message_of<InputError>([&] { LockFile second(folder.path()); });
    const std::string owner = "process " + std::to_string(::getppid());
    return message.find(owner) != std::string::npos ? 7 : 8;
  });
  CHECK(exit_code(child) == 7);
}

TEST_CASE("lock_file: a forked child does not release the lock") {
  TemporaryFolder folder;
  {
    LockFile lock(folder.path());
    const pid_t child = ::fork();
    if (child == 0) {
      lock.~LockFile();
      ::_exit(0);
    }
    CHECK(exit_code(child) == 0);
    CHECK(fs::exists(folder / ".lock"));
    const pid_t second = start([&] {
      LockFile mine(folder.path());
      return 0;
    });
    CHECK(exit_code(second) == refused);
  }
}

TEST_CASE("lock_file: the lock of a killed process is taken over") {
  TemporaryFolder folder;
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const pid_t child = start([&] {
    LockFile lock(folder.path());
    const char byte = 'x';
    if (::write(ready[1], &byte, 1) != 1) {
      return 98;
    }
    ::pause();
    return 0;
  });
  char byte = 0;
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  CHECK_THROWS_AS(LockFile(folder.path()), InputError);
  ::kill(child, SIGKILL);
  exit_code(child);
  CHECK(fs::exists(folder / ".lock")); // stale
  LockFile lock(folder.path());
  CHECK(get(folder / ".lock") == std::to_string(::getpid()) + "\n");
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_CASE("lock_file: of 50 racing starts exactly one wins") {
  TemporaryFolder folder;
  // A stale file, so that the race is also for taking it over.
  put(folder / ".lock", "999999\n");
  int go[2];
  int done[2];
  REQUIRE(::pipe(go) == 0);
  REQUIRE(::pipe(done) == 0);
  std::vector<pid_t> children;
  for (int i = 0; i < 50; ++i) {
    children.push_back(start([&] {
      ::close(go[1]);
      ::close(done[1]);
      char byte = 0;
      if (::read(go[0], &byte, 1) != 0) { // returns when the parent closes
        return 98;
      }
      LockFile lock(folder.path());
      if (::read(done[0], &byte, 1) != 0) { // holds it to the end
        return 97;
      }
      return 0;
    }));
  }
  ::close(go[0]);
  ::close(done[0]);
  ::close(go[1]);
  // The losers end by themselves; then the winner may go.
  int winners = 0;
  int losers = 0;
  for (int i = 0; i < 49; ++i) {
    int status = 0;
    REQUIRE(::wait(&status) > 0);
    losers += WIFEXITED(status) && WEXITSTATUS(status) == refused;
  }
  ::close(done[1]);
  int status = 0;
  REQUIRE(::wait(&status) > 0);
  winners += WIFEXITED(status) && WEXITSTATUS(status) == 0;
  CHECK(losers == 49);
  CHECK(winners == 1);
  CHECK_FALSE(fs::exists(folder / ".lock"));
}

TEST_CASE("lock_file: quick owners never overlap") {
  // 4 processes take and release the lock 50 times each; the file `inside`
  // is created exclusively by the owner, so an overlap is seen.
  TemporaryFolder folder;
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    children.push_back(start([&] {
      for (int won = 0; won < 50;) {
        try {
          LockFile lock(folder.path());
          if (!fs::create_directory(folder / "inside")) {
            return 50;
          }
          fs::remove(folder / "inside");
          ++won;
        } catch (const InputError&) {
        }
      }
      return 0;
    }));
  }
  for (pid_t child : children) {
    CHECK(exit_code(child) == 0);
  }
}

TEST_CASE("lock_file: a folder that cannot be locked") {
  TemporaryFolder folder;
  CHECK_THROWS_AS(LockFile(folder / "none"), IoError);
  fs::create_symlink(folder / "elsewhere", folder / ".lock");
  CHECK_THROWS_AS(LockFile(folder.path()), IoError);
  CHECK_FALSE(fs::exists(folder / "elsewhere"));
}
