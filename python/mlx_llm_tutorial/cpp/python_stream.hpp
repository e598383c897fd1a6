// SPDX-License-Identifier: MIT
//
// A stream buffer that writes to Python's sys.stdout or sys.stderr, so that
// what C++ and Python print has the right order, and comes while C++ still
// runs.
//
// Text goes to Python at once. A thread that does not hold Python's lock only
// leaves it here, since waiting for the lock could wait for ever.

#pragma once

#include <time.h>

#include <atomic>
#include <mutex>
#include <streambuf>

namespace notebook {

using Time = std::chrono::nanoseconds;
constexpr Time kOften = std::chrono::milliseconds(50);
constexpr int kLines = 20;

// A clock that costs a few nanoseconds and ticks every few milliseconds.
inline Time now() {
#ifdef __APPLE__
  return Time(clock_gettime_nsec_np(CLOCK_UPTIME_RAW_APPROX));
#else
  timespec time;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
  return std::chrono::seconds(time.tv_sec) + Time(time.tv_nsec);
#endif
}

// How many bytes of `text` are whole UTF-8 characters.
inline size_t whole_characters(const std::string& text) {
  size_t start = text.size();
  while (start > 0 && text.size() - start < 4) {
    const auto byte = static_cast<unsigned char>(text[--start]);
    if ((byte & 0xC0) != 0x80) { // the first byte of a character
      const size_t length = byte < 0xC0 ? 1
          : byte < 0xE0                 ? 2
          : byte < 0xF0                 ? 3
                                        : 4;
      return text.size() - start < length ? start : text.size();
    }
  }
  return text.size();
}

class PythonStream : public std::streambuf {
 public:
  PythonStream(std::ostream& stream, const char* name)
      : stream_(stream), name_(name), before_(stream.rdbuf(this)) {}

  // Python is about to end.
  void restore() {
    stream_.rdbuf(before_);
  }

  // Brings what was written to Python, and to the reader if that is due: at the
  // end of a line (kLines of them at most in kOften), or after kOften.
  void send(bool is_line) {
    if (!is_unsent_) {
      return;
    }
    write();
    const bool is_late = now() - sent_ > kOften;
    lines_ = is_late ? 0 : lines_ + is_line;
    if (is_late || (is_line && lines_ < kLines)) {
      is_unsent_ = false;
      write(); // what another thread left meanwhile
      show();
    }
  }

 protected:
  int_type overflow(int_type character) override {
    if (!traits_type::eq_int_type(character, traits_type::eof())) {
      const char byte = traits_type::to_char_type(character);
      take(&byte, 1);
    }
    return traits_type::not_eof(character);
  }

  std::streamsize xsputn(const char* text, std::streamsize size) override {
    take(text, static_cast<size_t>(size));
    return size;
  }

  int sync() override {
    if (PyGILState_Check()) {
      send(true);
    }
    return 0;
  }

 private:
  void take(const char* text, size_t size) {
    {
      std::lock_guard lock(mutex_);
      pending_.append(text, size);
    }
    is_unsent_ = true;
    if (PyGILState_Check()) {
      send(size > 0 && text[size - 1] == '\n');
    }
  }

  void write() {
    std::string text;
    {
      std::lock_guard lock(mutex_);
      const size_t size = whole_characters(pending_);
      text = pending_.substr(0, size);
      pending_.erase(0, size);
    }
    if (!text.empty()) {
      call(
          "write",
          nb::steal(PyUnicode_DecodeUTF8(
              text.data(), static_cast<Py_ssize_t>(text.size()), "replace")));
    }
  }

  // ipykernel's flush() returns when its thread has queued the text; that of a
  // second one comes after it has left.
  void show() {
    call("flush");
    call("flush");
    sent_ = now();
  }

  // A Ctrl-C during the call is kept for the next look. Nothing is thrown,
  // since that would switch std::cout off.
  template <typename... Args>
  void call(const char* method, const Args&... args) {
    nb::error_scope kept;
    try {
      nb::object stream = nb::module_::import_("sys").attr(name_);
      if (!stream.is_none()) {
        stream.attr(method)(args...);
      }
    } catch (nb::python_error& error) {
      if (error.matches(PyExc_KeyboardInterrupt)) {
        PyErr_SetInterrupt();
      } else {
        error.discard_as_unraisable("std::cout");
      }
    }
  }

  std::ostream& stream_;
  const char* name_;
  std::streambuf* before_;
  std::mutex mutex_; // of pending_; never held while Python runs
  std::string pending_;
  std::atomic<bool> is_unsent_ = false;
  Time sent_{};
  int lines_ = 0; // shown since then, each at once
};

} // namespace notebook
