// SPDX-License-Identifier: MIT

#include "llm/core/program.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>

#include "llm/core/error.h"
#include "llm/core/utf8.h"

namespace llm {

namespace {

constexpr int reader_gone = 128 + 13; // as the shell reports SIGPIPE

int report(std::string_view name, std::string_view message, ExitCode code) {
  const std::string line = std::string(name) + ": " + escape_text(message);
  std::cerr << line + "\n" << std::flush;
  return static_cast<int>(code);
}

/** True when standard output is a pipe or socket that nobody reads. */
bool output_has_no_reader() {
  pollfd output{STDOUT_FILENO, POLLOUT, 0};
  return poll(&output, 1, 0) == 1 && (output.revents & (POLLERR | POLLHUP));
}

int report_output_failure(std::string_view name) {
  if (output_has_no_reader()) {
    return reader_gone;
  }
  return report(
      name,
      "[output] cannot write to standard output; free some space or send it "
      "elsewhere.",
      ExitCode::io);
}

/** MLX has no class of its own for it: its allocators and CUDA say so. */
bool tells_of_gpu_memory(const std::string& what) {
  for (const char* words :
       {"Unable to allocate",
        "out of memory",
        "Attempting to allocate",
        "OutOfMemory",
        "CUBLAS_STATUS_ALLOC_FAILED"}) {
    if (what.find(words) != std::string::npos) {
      return true;
    }
  }
  return false;
}

/** The exit code and line for an exception that is none of ours. */
int report_foreign(std::string_view name, const std::exception& e) {
  const std::string what = e.what();
  if (dynamic_cast<const std::bad_alloc*>(&e) == nullptr &&
      tells_of_gpu_memory(what)) {
    return report(
        name,
        "[memory] the device has no memory left for this (" + what +
            "); lower --batch, --block, --width, --layers or --rows, add "
            "--activation-checkpointing, or choose --device cpu. What was "
            "saved is not lost: a training goes on with --resume.",
        ExitCode::input);
  }
  if (dynamic_cast<const std::bad_alloc*>(&e) != nullptr) {
    return report(
        name,
        "[memory] the system has no memory left; use a smaller model, batch "
        "or file, or close other programs.",
        ExitCode::io);
  }
  if (dynamic_cast<const std::system_error*>(&e) != nullptr) {
    return report(name, "[system] " + what, ExitCode::io);
  }
  if (dynamic_cast<const std::invalid_argument*>(&e) != nullptr ||
      dynamic_cast<const std::out_of_range*>(&e) != nullptr ||
      dynamic_cast<const std::domain_error*>(&e) != nullptr) {
    return report(name, what, ExitCode::input);
  }
  return report(
      name,
      "[unexpected] " + what +
          "; this is a defect: please report it with your command line.",
      ExitCode::unexpected);
}

/** Runs body; its exit code, or that of what it threw. */
int run_body(std::string_view name, const std::function<int()>& body) {
  try {
    return body();
  } catch (const Error& e) {
    return report(name, e.what(), e.code());
  } catch (const std::ios_base::failure& e) {
    return std::cout.bad() ? report_output_failure(name)
                           : report_foreign(name, e);
  } catch (const std::exception& e) {
    return report_foreign(name, e);
  } catch (...) {
    return report(
        name,
        "[unexpected] an exception without a message; this is a defect: "
        "please report it with your command line.",
        ExitCode::unexpected);
  }
}

} // namespace

int run_program(std::string_view name, const std::function<int()>& body) {
  // A write then fails with EPIPE or EFBIG instead of ending the process.
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
  // Untied, a line on standard error does not flush standard output, which
  // could throw in the middle of a report or a destructor.
  std::ostream* const old_tie = std::cerr.tie(nullptr);
  const auto old_mask = std::cout.exceptions();
  int code = 0;
  try {
    std::cout.exceptions(std::ios_base::badbit);
    code = run_body(name, body);
  } catch (const std::ios_base::failure&) { // was bad before we started
    code = report_output_failure(name);
  }
  const bool was_bad = std::cout.bad();
  std::cout.clear();
  std::cout.exceptions(std::ios_base::goodbit);
  std::cout.flush();
  const bool failed = !std::cout || std::fflush(stdout) != 0 || was_bad;
  if (failed && code == 0) {
    code = report_output_failure(name);
  }
  std::cout.clear();
  std::cout.exceptions(old_mask);
  std::cerr.tie(old_tie);
  return code;
}

} // namespace llm
