// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <functional>
#include <iostream>
#include <limits>
#include <new>
#include <stdexcept>
#include <string>

#include "llm/core/error.h"
#include "llm/core/program.h"
#include "temporary_folder.h"

using namespace llm;
using namespace llm::test;

namespace {

struct Result {
  int code; // minus the signal's number when a signal ended it
  std::string err;
};

/** Runs `body` as a program in a child with standard output as given. */
Result run(int output, const std::function<int()>& body) {
  TemporaryFolder folder;
  std::cout.flush();
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    const int err = ::open((folder / "err").c_str(), O_WRONLY | O_CREAT, 0600);
    ::dup2(err, STDERR_FILENO);
    ::dup2(output, STDOUT_FILENO);
    int code = 99; // an exception that leaves run_program must not go on here
    try {
      code = run_program("prog", body);
    } catch (...) {
    }
    ::_exit(code);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return {
      WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status),
      get(folder / "err")};
}

Result run(const std::function<int()>& body) {
  const int null = ::open("/dev/null", O_WRONLY);
  Result result = run(null, body);
  ::close(null);
  return result;
}

/** As `run`, with a standard output whose reader has gone. */
Result run_unread(const std::function<int()>& body) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  ::close(ends[0]);
  Result result = run(ends[1], body);
  ::close(ends[1]);
  return result;
}

bool is_one_line(const std::string& text) {
  return !text.empty() && text.find('\n') == text.size() - 1;
}

} // namespace

TEST_CASE("program: the body's code is the exit code") {
  CHECK(run([] { return 0; }).code == 0);
  CHECK(run([] { return 7; }).code == 7);
  CHECK(run([] { return 0; }).err == "");
}

TEST_CASE("program: errors become one line and their code") {
  const Result usage = run([]() -> int { throw UsageError("cli", "bad x."); });
  CHECK(usage.code == 2);
  CHECK(usage.err == "prog: [cli] bad x.\n");
  CHECK(run([]() -> int { throw InputError("a", "b"); }).code == 3);
  CHECK(run([]() -> int { throw IoError("a", "b"); }).code == 4);
  CHECK(run([]() -> int { throw NumericError("a", "b"); }).code == 5);
  const Result escaped =
      run([]() -> int { throw InputError("a", "x\ny\x1b[31m\xff"); });
  CHECK(escaped.err == "prog: [a] x\\ny\\x1b[31m\\xff\n");
}

TEST_CASE("program: foreign exceptions") {
  const Result memory = run([]() -> int { throw std::bad_alloc(); });
  CHECK(memory.code == 4);
  CHECK(memory.err.find("no memory left") != std::string::npos);
  for (const char* said :
       {"[malloc_async] Unable to allocate 1024 bytes.",
        "cudaMallocAsync(&data, size, stream) failed: out of memory"}) {
    const Result gpu = run([&]() -> int { throw std::runtime_error(said); });
    CHECK(gpu.code == 3);
    CHECK(is_one_line(gpu.err));
    CHECK(gpu.err.find("lower --batch") != std::string::npos);
    CHECK(gpu.err.find("--resume") != std::string::npos);
  }
  const Result shape =
      run([]() -> int { throw std::invalid_argument("[matmul] shapes"); });
  CHECK(shape.code == 3);
  CHECK(shape.err == "prog: [matmul] shapes\n");
  CHECK(run([]() -> int { throw std::out_of_range("x"); }).code == 3);
  const Result file = run([]() -> int {
    std::filesystem::create_directory("/dev/null/x");
    return 0;
  });
  CHECK(file.code == 4);
  CHECK(is_one_line(file.err));
  const Result other = run([]() -> int { throw std::runtime_error("odd"); });
  CHECK(other.code == 1);
  CHECK(other.err.find("odd") != std::string::npos);
  CHECK(is_one_line(other.err));
  const Result unknown = run([]() -> int { throw 5; });
  CHECK(unknown.code == 1);
  CHECK(is_one_line(unknown.err));
}

TEST_CASE("program: a reader that goes away ends it quietly") {
  const Result short_text = run_unread([] {
    std::cout << "a little text\n"; // fails only when it is flushed
    return 0;
  });
  CHECK(short_text.code == 141);
  CHECK(short_text.err == "");
  const Result endless = run_unread([] {
    for (;;) { // as `program | head -1`: must end by itself
      std::cout << "line\n" << std::flush;
    }
    return 0;
  });
  CHECK(endless.code == 141);
  CHECK(endless.err == "");
  const Result stdio = run_unread([] {
    std::fputs("text\n", stdout);
    return 0;
  });
  CHECK(stdio.code == 141);
  // An error of the body is still told, with its own code.
  const Result error = run_unread([]() -> int {
    std::cout << "x";
    throw InputError("a", "b");
  });
  CHECK(error.code == 3);
  CHECK(error.err == "prog: [a] b\n");
  CHECK(run_unread([] { return 0; }).code == 0); // nothing was written
}

#ifdef __linux__
TEST_CASE("program: a full disk under standard output is an error") {
  const int full = ::open("/dev/full", O_WRONLY);
  REQUIRE(full >= 0);
  const Result result = run(full, [] {
    std::cout << "text\n" << std::flush;
    return 0;
  });
  CHECK(result.code == 4);
  CHECK(result.err.find("standard output") != std::string::npos);
  const Result at_end = run(full, [] {
    std::cout << "text\n";
    return 0;
  });
  CHECK(at_end.code == 4);
  CHECK(is_one_line(at_end.err));
  ::close(full);
}
#endif
