// SPDX-License-Identifier: MIT

#include <cmath>
#include <cstdio>
#include <iterator>

#include "llm/core/progress.h"

namespace llm {

std::string format_seconds(double seconds) {
  if (!(seconds >= 0) || seconds > 1e9) {
    return "-:--";
  }
  const auto total = static_cast<long>(std::llround(seconds));
  char buffer[64];
  if (total >= 24 * 3600) {
    std::snprintf(
        buffer,
        sizeof(buffer),
        "%ldd %ldh",
        total / (24 * 3600),
        total / 3600 % 24);
  } else if (total >= 3600) {
    std::snprintf(
        buffer,
        sizeof(buffer),
        "%ld:%02ld:%02ld",
        total / 3600,
        total / 60 % 60,
        total % 60);
  } else {
    std::snprintf(buffer, sizeof(buffer), "%ld:%02ld", total / 60, total % 60);
  }
  return buffer;
}

std::string format_bytes(double bytes) {
  const char* const units[] = {" B", " kB", " MB", " GB", " TB"};
  size_t unit = 0;
  while (bytes >= 999.95 && unit + 1 < std::size(units)) {
    bytes /= 1000;
    ++unit;
  }
  char buffer[32];
  std::snprintf(buffer, sizeof(buffer), unit == 0 ? "%.0f" : "%.1f", bytes);
  return std::string(buffer) + units[unit];
}

} // namespace llm
