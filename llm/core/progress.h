// SPDX-License-Identifier: MIT
//
// Shows how far a long task is, on standard error. On a terminal one line is
// redrawn in place:
//
//   train  42% ━━━━━━━━━━──────────────  840/2000  loss 1.912  31.4 step/s 0:37
//
// Without a terminal (a log file, a pipe) plain lines appear: one for each 10 %
// or each 30 s, whichever comes first, never escape codes.

#pragma once

#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <string_view>

namespace llm {

/** Where and how to draw; the defaults look at the real terminal. */
struct ProgressOptions {
  std::ostream* out = nullptr; ///< nullptr: std::cerr
  int width = -1; ///< columns; 0: no terminal; -1: ask the terminal
  int utf8 = -1;  ///< 1: UTF-8 bar, 0: ASCII bar, -1: as the locale says
  std::function<double()> clock; ///< seconds; empty: a steady clock
  double plain_seconds = 30;   ///< without a terminal: a line at least so often
  double redraw_seconds = 0.1; ///< on a terminal: at most one redraw in this
  std::string unit = "step";   ///< for the rate; "B" shows kB, MB, GB
  int64_t start = 0;           ///< steps that were done before (a resumed run)
};

/** The progress of one task with a known number of steps. */
class Progress {
 public:
  /** `total` is the number of steps, 0 when unknown (no bar, no ETA). */
  Progress(std::string label, int64_t total, ProgressOptions options = {});
  /** Leaves the last line on the screen, ended. */
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /** `step` steps are done; `extra` is shown beside, as "loss 1.234". */
  void update(int64_t step, std::string_view extra = {});
  /** Prints text (lines) above the live line; control codes are escaped. */
  void message(std::string_view text);
  /** Draws the last state and ends the line; later calls do nothing. */
  void finish();

 private:
  std::string line(int width) const;
  std::string bar(int cells) const;
  std::string rate() const;
  std::string remaining() const;
  int terminal_width() const;
  void draw(int width);
  void plain(double now);

  std::string label_;
  int64_t total_;
  ProgressOptions options_;
  bool terminal_;
  bool utf8_;
  int64_t step_;
  std::string extra_;
  double begin_;
  double last_drawn_;
  int64_t last_tenth_ = 0;
  int64_t last_plain_step_ = -1;
  bool line_on_screen_ = false;
  bool finished_ = false;
};

/** "0:07", "12:34", "1:02:03" or "3d 4h" for a number of seconds. */
std::string format_seconds(double seconds);

/** "512 B", "3.4 kB", "1.2 GB": decimal units, as disks are sold. */
std::string format_bytes(double bytes);

} // namespace llm
