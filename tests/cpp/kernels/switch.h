// SPDX-License-Identifier: MIT
//
// Both ways to compute on a CPU, for tests: with our kernels and without.

#pragma once

#include "llm/kernels/kernels.h"

namespace llm {

/** Kernels on or off while it lives, whatever the environment says. Where they
 * are not built it does nothing. */
class Kernels {
 public:
  explicit Kernels(bool on) {
    if constexpr (kernels::built) {
      before_ = kernels::fast_cpu();
      kernels::set_fast_cpu(on);
    }
  }
  ~Kernels() {
    if constexpr (kernels::built) {
      kernels::set_fast_cpu(before_);
    }
  }
  Kernels(const Kernels&) = delete;
  Kernels& operator=(const Kernels&) = delete;

 private:
  bool before_ = false;
};

} // namespace llm
