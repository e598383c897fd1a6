// SPDX-License-Identifier: MIT
//
// Ctrl-C without loss. While an Interrupt exists, the first SIGINT or SIGTERM
// only sets a flag, so that a training loop can finish its step and save; the
// second one ends the process at once with 128 + the signal's number.

#pragma once

#include <signal.h>

namespace llm {

/** Catches SIGINT and SIGTERM until it is destroyed; one at a time. */
class Interrupt {
 public:
  /** UsageError when another Interrupt exists, IoError from sigaction. */
  Interrupt();
  /** Puts the former handlers back. */
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  /** True after the first signal. */
  bool requested() const;
  /** The signal that came, or 0. */
  int signal() const;

 private:
  struct sigaction old_int_{};
  struct sigaction old_term_{};
};

} // namespace llm
