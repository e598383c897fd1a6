// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <string>

#include "llm/core/error.h"

using namespace llm;

TEST_CASE("error: each kind has its exit code and one form of message") {
  CHECK(UsageError("a", "b").code() == ExitCode::usage);
  CHECK(InputError("a", "b").code() == ExitCode::input);
  CHECK(IoError("a", "b").code() == ExitCode::io);
  CHECK(NumericError("a", "b").code() == ExitCode::numeric);
  CHECK(std::string(InputError("Linear", "bad").what()) == "[Linear] bad");
  CHECK(static_cast<int>(ExitCode::ok) == 0);
  CHECK(static_cast<int>(ExitCode::unexpected) == 1);
  CHECK(static_cast<int>(ExitCode::usage) == 2);
  CHECK(static_cast<int>(ExitCode::input) == 3);
  CHECK(static_cast<int>(ExitCode::io) == 4);
  CHECK(static_cast<int>(ExitCode::numeric) == 5);
}
