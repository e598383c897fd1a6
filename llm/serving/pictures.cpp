// SPDX-License-Identifier: MIT

#include "llm/serving/pictures.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include <mlx/types/half_types.h>

namespace llm::serving {

namespace {

char coded(float p) {
  const float root = 255 * std::sqrt(std::clamp(p, 0.0f, 1.0f));
  return static_cast<char>(static_cast<unsigned char>(root + 0.5f));
}

void append(std::string& out, uint32_t bits, int bytes) {
  for (int i = 0; i < bytes; ++i) {
    out += static_cast<char>(bits >> (8 * i) & 0xff);
  }
}

/** Calls f for the cells of the lower triangle. */
template <class F>
void for_triangle(const inspect::Picture& picture, F&& f) {
  for (int i = 0; i < picture.side; ++i) {
    for (int k = 0; k <= i; ++k) {
      f(picture.cells[static_cast<size_t>(i) * picture.side + k]);
    }
  }
}

} // namespace

std::string square(const inspect::Picture& picture) {
  std::string out(picture.cells.size(), '\0');
  std::transform(
      picture.cells.begin(), picture.cells.end(), out.begin(), coded);
  return out;
}

std::string triangle(const inspect::Picture& picture) {
  std::string out;
  for_triangle(picture, [&](float p) { out += coded(p); });
  return out;
}

std::string triangle_of_halves(const inspect::Picture& picture) {
  std::string out;
  for_triangle(picture, [&](float p) {
    append(out, std::bit_cast<uint16_t>(mlx::core::float16_t(p)), 2);
  });
  return out;
}

float scale_to_one(inspect::Picture& picture) {
  const float most =
      *std::max_element(picture.cells.begin(), picture.cells.end());
  for (float& cell : picture.cells) {
    cell = most > 0 ? cell / most : cell;
  }
  return most;
}

std::string little_endian(const float* values, size_t count) {
  std::string out;
  out.reserve(4 * count);
  for (size_t i = 0; i < count; ++i) {
    append(out, std::bit_cast<uint32_t>(values[i]), 4);
  }
  return out;
}

} // namespace llm::serving
