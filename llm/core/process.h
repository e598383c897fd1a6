// SPDX-License-Identifier: MIT
//
// Runs another program and waits for it. It is started with posix_spawnp, never
// through a shell, so that no name in a URL or path can be taken for a command.

#pragma once

#include <string>
#include <vector>

namespace llm {

/** Exit status of a program, its standard output sent to standard error; 127
 * if it is not installed, 128 + n after signal n. */
int run_process(const std::vector<std::string>& arguments);

struct ProcessOutput {
  int status = 0;   ///< as run_process
  std::string text; ///< what it wrote on standard output
};

/**
 * The same, with its standard output read. Its standard input is a pipe into
 * which nothing is written and which ends when this process does, however that
 * happens: a program that reads it knows when nobody waits for it any more.
 * IoError when the system gives no pipe.
 */
ProcessOutput read_process(const std::vector<std::string>& arguments);

} // namespace llm
