// SPDX-License-Identifier: MIT

#include "llm/kernels/kernels.h"

#include <atomic>
#include <cstdlib>
#include <string_view>

#include <mlx/device.h>

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

std::atomic<bool> products_in_bytes{true};

} // namespace

bool byte_products() {
  return products_in_bytes && has_byte_dot();
}

void set_byte_products(bool on) {
  products_in_bytes = on;
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

} // namespace llm::kernels
