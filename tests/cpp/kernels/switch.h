// SPDX-License-Identifier: MIT
//
// Both ways to compute on a CPU, for tests: with our kernels and without.

#pragma once

#include <mlx/device.h>

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

/** kernels::activation_bits() while it lives. */
class ActivationBits {
 public:
  explicit ActivationBits(int bits) {
    if constexpr (kernels::built) {
      before_ = kernels::activation_bits();
      kernels::set_activation_bits(bits);
    }
  }
  ~ActivationBits() {
    if constexpr (kernels::built) {
      kernels::set_activation_bits(before_);
    }
  }
  ActivationBits(const ActivationBits&) = delete;
  ActivationBits& operator=(const ActivationBits&) = delete;

 private:
  int before_ = 0;
};

/** The CPU as default device while it lives: where the kernels are. */
class OnCpu {
 public:
  OnCpu() {
    mlx::core::set_default_device(mlx::core::Device::cpu);
  }
  ~OnCpu() {
    mlx::core::set_default_device(before_);
  }
  OnCpu(const OnCpu&) = delete;
  OnCpu& operator=(const OnCpu&) = delete;

 private:
  mlx::core::Device before_ = mlx::core::default_device();
};

} // namespace llm
