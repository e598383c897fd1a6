// SPDX-License-Identifier: MIT

#include "llm/kernels/kernels.h"

#include <atomic>
#include <cstdlib>
#include <string>
#include <string_view>

#include <mlx/device.h>

#include "llm/core/error.h"
#include "llm/kernels/byte_rows.h"

namespace llm::kernels {

namespace {

bool wanted_by_environment() {
  const char* value = std::getenv("LLM_FAST_CPU");
  return value == nullptr || std::string_view(value) != "0";
}

std::atomic<bool>& state() {
  static std::atomic<bool> on{wanted_by_environment()};
  return on;
}

} // namespace

bool fast_cpu() {
  return built && state();
}

void set_fast_cpu(bool on) {
  state() = on;
}

namespace {

std::atomic<bool> products_in_bf16{false};

} // namespace

bool bf16_products() {
  return products_in_bf16;
}

void set_bf16_products(bool on) {
  products_in_bf16 = on;
}

namespace {

int checked_bits(const std::string& text) {
  for (const int bits : {8, 16, 24, 32}) {
    if (text == std::to_string(bits)) {
      return bits;
    }
  }
  throw UsageError(
      "LLM_ACTIVATION_BITS",
      "expected 8, 16, 24 or 32 but received \"" + text +
          "\"; without it packed weights meet 24 bits.");
}

std::atomic<int>& wanted_bits() {
  static std::atomic<int> bits{[] {
    const char* value = std::getenv("LLM_ACTIVATION_BITS");
    return value == nullptr ? 24 : checked_bits(value);
  }()};
  return bits;
}

} // namespace

int activation_bits() {
  const int wanted = wanted_bits();
  return has_byte_dot() ? wanted : 32;
}

void set_activation_bits(int bits) {
  wanted_bits() = checked_bits(std::to_string(bits));
}

bool ready(std::initializer_list<mx::array> arrays) {
  if (!state() || mx::default_device() != mx::Device::cpu) {
    return false;
  }
  for (const mx::array& array : arrays) {
    if (array.dtype() != mx::float32 || array.size() == 0) {
      return false;
    }
  }
  return true;
}

bool ready_groups(const mx::array& scales, const mx::array& biases) {
  return state() && mx::default_device() == mx::Device::cpu &&
      scales.dtype() == biases.dtype() && scales.size() > 0 &&
      (scales.dtype() == mx::float32 || scales.dtype() == mx::float16);
}

} // namespace llm::kernels
