// SPDX-License-Identifier: MIT
//
// Programs that are started: status, output, and the input that ends with us.

#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>

#include "llm/core/process.h"
#include "temporary_folder.h"

using namespace llm;
using test::TemporaryFolder;

TEST_CASE("process: run_process gives the exit status") {
  CHECK(run_process({"true"}) == 0);
  CHECK(run_process({"sh", "-c", "exit 7"}) == 7);
  CHECK(run_process({"sh", "-c", "kill -9 $$"}) == 137);
  CHECK(run_process({"no-such-program-here"}) == 127);
}

TEST_CASE("process: read_process gives the output and the exit status") {
  const auto result = read_process({"sh", "-c", "echo one; echo two; exit 3"});
  CHECK(result.status == 3);
  CHECK(result.text == "one\ntwo\n");
  CHECK(read_process({"no-such-program-here"}).status == 127);
  // More than a pipe holds.
  CHECK(
      read_process({"head", "-c", "300000", "/dev/zero"}).text.size() ==
      300000);
}

TEST_CASE("process: arguments are words, not a command line") {
  const std::string word = "a b; echo $HOME `id` 'x' \"y\"";
  CHECK(read_process({"printf", "%s", word}).text == word);
}

TEST_CASE("process: the input of the child ends when its parent is killed") {
  const TemporaryFolder folder;
  const auto mark = folder / "ended";
  const pid_t parent = fork();
  if (parent == 0) {
    alarm(20);
    read_process({"sh", "-c", "read line; touch '" + mark.string() + "'"});
    _exit(0);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  CHECK(!std::filesystem::exists(mark)); // it waits as long as we live
  kill(parent, SIGKILL);
  waitpid(parent, nullptr, 0);
  for (int i = 0; i < 500 && !std::filesystem::exists(mark); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  CHECK(std::filesystem::exists(mark));
}
