// SPDX-License-Identifier: MIT
//
// Errors that a person can act on. Every message has the form
//   [Where] what was expected, what was received, how to fix it
// on one line, and every error knows the exit code a program ends with.

#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace llm {

/** What a program returns to the shell. 1 is left to the unexpected. */
enum class ExitCode {
  ok = 0,
  unexpected = 1,
  usage = 2,  ///< a wrong option or argument
  input = 3,  ///< bad input or environment: a file's content, a missing tool
  io = 4,     ///< the operating system refused: disk full, no permission
  numeric = 5 ///< NaN or infinity where a number was needed
};

/** An error with an exit code; `what()` is "[where] message". */
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, std::string_view where, std::string_view message);
  ExitCode code() const noexcept {
    return code_;
  }

 private:
  ExitCode code_;
};

/** The caller used the program or function wrongly (exit 2). */
struct UsageError : Error {
  UsageError(std::string_view where, std::string_view message)
      : Error(ExitCode::usage, where, message) {}
};

/** What was read is not what it should be (exit 3). */
struct InputError : Error {
  InputError(std::string_view where, std::string_view message)
      : Error(ExitCode::input, where, message) {}
};

/** The operating system could not do it (exit 4). */
struct IoError : Error {
  IoError(std::string_view where, std::string_view message)
      : Error(ExitCode::io, where, message) {}
};

/** A number is not finite (exit 5). */
struct NumericError : Error {
  NumericError(std::string_view where, std::string_view message)
      : Error(ExitCode::numeric, where, message) {}
};

} // namespace llm
