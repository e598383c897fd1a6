// SPDX-License-Identifier: MIT
//
// Threads for the kernels. They wait by spinning for a moment, since the next
// kernel usually follows within microseconds, and then sleep, so that BLAS has
// the processors for itself in a matrix product.

#pragma once

#include <cstdint>
#include <functional>

namespace llm::kernels {

/** How many threads work at once, the calling one included; 0: one for each
 * processor that this process may use. */
void set_threads(int count);
int threads();

/**
 * Calls task(i) for every i in [0, count), each exactly once, and returns when
 * all are done. Which thread does which is not fixed: a task writes its own
 * part of the result, so that the bits do not depend on the number of threads.
 * A call that finds the pool in use runs all of it on the calling thread.
 */
void parallel_for(int64_t count, const std::function<void(int64_t)>& task);

} // namespace llm::kernels
