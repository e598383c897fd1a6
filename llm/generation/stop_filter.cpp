// SPDX-License-Identifier: MIT

#include "llm/generation/stop_filter.h"

#include <algorithm>
#include <utility>

#include "llm/core/error.h"
#include "llm/core/utf8.h"

namespace llm {

StopFilter::StopFilter(std::vector<std::string> stops)
    : stops_(std::move(stops)) {
  for (const std::string& stop : stops_) {
    if (stop.empty() || find_utf8_error(stop)) {
      throw UsageError(
          "stop",
          "expected stop strings of UTF-8 with at least one character but "
          "received " +
              quote(stop) + "; leave it out or correct it.");
    }
  }
}

std::string StopFilter::push(std::string_view piece) {
  if (stopped_) {
    return "";
  }
  pending_ += piece;
  size_t at = std::string::npos;
  for (const std::string& stop : stops_) {
    at = std::min(at, pending_.find(stop));
  }
  stopped_ = at != std::string::npos;
  const size_t show = stopped_ ? at : pending_.size() - held_length();
  std::string out = pending_.substr(0, show);
  pending_.erase(0, stopped_ ? pending_.size() : show);
  return out;
}

std::string StopFilter::finish() {
  return std::exchange(pending_, "");
}

// The longest end of the pending text that starts a stop string.
size_t StopFilter::held_length() const {
  size_t longest = 0;
  const std::string_view text = pending_;
  for (const std::string_view stop : stops_) {
    size_t n = std::min(stop.size() - 1, text.size());
    while (n > longest && !text.ends_with(stop.substr(0, n))) {
      --n;
    }
    longest = std::max(longest, n);
  }
  return longest;
}

} // namespace llm
