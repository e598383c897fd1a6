// SPDX-License-Identifier: MIT

#include "llm/core/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>
#include <utf8proc.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <utility>

#include "llm/core/utf8.h"

namespace llm {

namespace {

constexpr int min_bar = 10;
constexpr int max_bar = 40;
constexpr const char* erase_line = "\r\x1b[K";

double steady_seconds() {
  using Clock = std::chrono::steady_clock;
  return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
}

/** The first of the locale's variables that is set decides (POSIX). */
bool locale_is_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') {
      std::string lower = value;
      for (char& c : lower) {
        c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      }
      return lower.find("utf-8") != std::string::npos ||
          lower.find("utf8") != std::string::npos;
    }
  }
  return false;
}

bool stderr_is_terminal() {
  const char* term = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) == 1 && term != nullptr &&
      std::string_view(term) != "dumb";
}

int columns(char32_t c) {
  return utf8proc_charwidth(static_cast<utf8proc_int32_t>(c));
}

/** The columns that a text fills on the screen. */
int columns(const std::string& text) {
  int total = 0;
  for (char32_t c : decode_utf8(text)) {
    total += columns(c);
  }
  return total;
}

/** The longest start of `text` that fits in `width` columns. */
std::string cut(const std::string& text, int width) {
  std::string out;
  for (char32_t c : decode_utf8(text)) {
    width -= columns(c);
    if (width < 0) {
      break;
    }
    append_utf8(out, c);
  }
  return out;
}

std::string with_digits(const char* form, double value) {
  char buffer[64];
  std::snprintf(buffer, sizeof(buffer), form, value);
  return buffer;
}

} // namespace

Progress::Progress(std::string label, int64_t total, ProgressOptions options)
    : label_(escape_text(label)),
      total_(std::max<int64_t>(total, 0)),
      options_(std::move(options)) {
  const bool asks_stderr = options_.out == nullptr;
  if (asks_stderr) {
    options_.out = &std::cerr;
  }
  if (!options_.clock) {
    options_.clock = steady_seconds;
  }
  terminal_ = options_.width > 0 ||
      (options_.width < 0 && asks_stderr && stderr_is_terminal());
  utf8_ = options_.utf8 < 0 ? locale_is_utf8() : options_.utf8 != 0;
  step_ = options_.start;
  begin_ = options_.clock();
  last_drawn_ = begin_;
  if (total_ > 0) {
    last_tenth_ = static_cast<int64_t>(10.0 * step_ / total_);
  }
}

Progress::~Progress() {
  if (line_on_screen_ && !finished_) {
    *options_.out << "\n" << std::flush;
  }
}

int Progress::terminal_width() const {
  if (options_.width > 0) {
    return options_.width;
  }
  winsize size{};
  const bool known =
      ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

std::string Progress::bar(int cells) const {
  const double part = std::clamp(
      static_cast<double>(step_) / static_cast<double>(total_), 0.0, 1.0);
  const int full = static_cast<int>(part * cells);
  std::string out;
  for (int i = 0; i < cells; ++i) {
    out += utf8_ ? (i < full ? "\u2501" : "\u2500") : (i < full ? "#" : ".");
  }
  return out;
}

std::string Progress::rate() const {
  const double seconds = options_.clock() - begin_;
  const double done = static_cast<double>(step_ - options_.start);
  if (!(seconds > 0) || !(done > 0)) {
    return "";
  }
  const double value = done / seconds;
  if (options_.unit == "B") {
    return format_bytes(value) + "/s";
  }
  return with_digits(value < 99.95 ? "%.1f " : "%.0f ", value) + options_.unit +
      "/s";
}

/** Seconds to go from the average so far; when done, the seconds it took. */
std::string Progress::remaining() const {
  const double seconds = options_.clock() - begin_;
  if (finished_ || (total_ > 0 && step_ >= total_)) {
    return "in " + format_seconds(seconds);
  }
  const double done = static_cast<double>(step_ - options_.start);
  if (total_ == 0 || !(done > 0)) {
    return "";
  }
  const double rest = static_cast<double>(total_ - step_);
  return "ETA " + format_seconds(rest * seconds / done);
}

/** One line of at most `width` columns; -1 means any length and no bar. */
std::string Progress::line(int width) const {
  const bool bytes = options_.unit == "B";
  const auto amount = [bytes](int64_t n) {
    return bytes ? format_bytes(static_cast<double>(n)) : std::to_string(n);
  };
  std::string head = label_;
  std::string count = amount(step_);
  if (total_ > 0) {
    const int64_t done = std::clamp<int64_t>(step_, 0, total_);
    const int percent = static_cast<int>(100.0 * done / total_);
    head += with_digits("  %3.0f%%", percent);
    count += "/" + amount(total_);
  }
  std::string tail = "  " + count;
  for (const std::string& part : {extra_, rate(), remaining()}) {
    const std::string longer = tail + "  " + part;
    // Narrow terminals lose the last parts first, then the bar.
    if (!part.empty() &&
        (width < 0 || columns(head) + columns(longer) <= width)) {
      tail = longer;
    }
  }
  if (width < 0) {
    return head + tail;
  }
  const int room = width - columns(head) - columns(tail) - 2;
  if (total_ > 0 && room >= min_bar) {
    head += "  " + bar(std::min(room, max_bar));
  }
  return cut(head + tail, width);
}

void Progress::draw(int width) {
  // The last column stays free: some terminals wrap when it is filled.
  *options_.out << erase_line << line(width - 1) << std::flush;
  line_on_screen_ = true;
  last_drawn_ = options_.clock();
}

void Progress::plain(double now) {
  *options_.out << line(-1) << "\n" << std::flush;
  last_drawn_ = now;
  last_plain_step_ = step_;
}

void Progress::update(int64_t step, std::string_view extra) {
  if (finished_) {
    return;
  }
  step_ = step;
  extra_ = escape_text(extra);
  const double now = options_.clock();
  const bool last = total_ > 0 && step_ >= total_;
  if (terminal_) {
    if (!line_on_screen_ || last ||
        now - last_drawn_ >= options_.redraw_seconds) {
      draw(terminal_width());
    }
    return;
  }
  const int64_t tenth =
      total_ > 0 ? static_cast<int64_t>(10.0 * step_ / total_) : 0;
  if (tenth > last_tenth_ || now - last_drawn_ >= options_.plain_seconds) {
    last_tenth_ = std::max(tenth, last_tenth_);
    plain(now);
  }
}

void Progress::message(std::string_view text) {
  if (line_on_screen_) {
    *options_.out << erase_line;
  }
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    if (begin < text.size() || begin == 0) {
      *options_.out << escape_text(text.substr(begin, end - begin)) << "\n";
    }
    begin = end + 1;
  }
  if (line_on_screen_ && !finished_) {
    draw(terminal_width());
  }
  *options_.out << std::flush;
}

void Progress::finish() {
  if (finished_) {
    return;
  }
  finished_ = true;
  if (terminal_) {
    draw(terminal_width());
    *options_.out << "\n" << std::flush;
    line_on_screen_ = false;
  } else if (last_plain_step_ != step_) {
    plain(options_.clock());
  }
}

} // namespace llm
