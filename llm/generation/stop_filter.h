// SPDX-License-Identifier: MIT
//
// Finds stop strings in a text that arrives in pieces. Text that may be the
// start of a stop string is held back until it is known not to be one, so that
// no part of a stop string is ever shown.

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace llm {

class StopFilter {
 public:
  /** Throws UsageError for a stop string that is empty or not UTF-8. */
  explicit StopFilter(std::vector<std::string> stops);

  /** Takes the next piece; returns the text that can be shown now. The piece
   * that completes a stop string returns the text before it; after that
   * stopped() is true and every push returns "". */
  std::string push(std::string_view piece);

  /** Ends the text: what was held back. */
  std::string finish();

  bool stopped() const {
    return stopped_;
  }

 private:
  size_t held_length() const;

  std::vector<std::string> stops_;
  std::string pending_; // not shown yet
  bool stopped_ = false;
};

} // namespace llm
