// SPDX-License-Identifier: MIT
//
// The frame around every main(): runs the body and turns whatever it throws
// into ONE line on standard error and a documented exit code:
//
//   Error and its kinds           the error's own code (2, 3, 4 or 5)
//   std::bad_alloc                4, the system has no memory left to give
//   std::system_error             4, includes std::filesystem's errors
//   invalid_argument, out_of_range, domain_error
//                                 3: the library and MLX throw these for shapes
//                                 and values, which come from options and files
//   MLX or CUDA out of memory     3, with what to lower
//   anything else                 1, unexpected: a defect of the program
//
// When the reader of standard output goes away (`program | head`), the program
// ends quietly with 141 (128 + SIGPIPE), as other Unix tools do, but with its
// destructors run. Standard output that cannot be written (disk full) is 4.

#pragma once

#include <functional>
#include <string_view>

namespace llm {

/**
 * Runs `body` and returns the exit code for main(): body's own, or that of the
 * exception. `name` starts the line on standard error. Ignores SIGPIPE for the
 * whole process, so that a closed pipe is an error code and not a signal;
 * std::cout throws on a failed write while `body` runs.
 */
int run_program(std::string_view name, const std::function<int()>& body);

} // namespace llm
