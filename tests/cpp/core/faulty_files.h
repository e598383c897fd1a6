// SPDX-License-Identifier: MIT
//
// A FileSystem that fails at operation N (SQLite's method): run an action with
// N = 1, 2, 3, ... until `struck()` stays false, and look after each run at
// what is on the disk.

#pragma once

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <string>

#include "llm/core/files.h"

namespace llm::test {

enum class Fault {
  kill,       ///< the process ends: operation N is half done and none follows
  enospc,     ///< the disk is full from operation N on; removing still works
  eio,        ///< operation N fails once
  eintr,      ///< a signal interrupts operation N, which then can be repeated
  short_write ///< write number N takes only a part
};

inline constexpr Fault all_faults[] =
    {Fault::kill, Fault::enospc, Fault::eio, Fault::eintr, Fault::short_write};

/** Stands for the end of the process: no code of the process may catch it. */
struct Killed {};

class FaultyFiles : public FileSystem {
 public:
  FaultyFiles(FileSystem& inner, int fail_at, Fault kind)
      : inner_(inner), fail_at_(fail_at), kind_(kind) {}
  ~FaultyFiles() override {
    for (int file : open_) { // as the system does for a killed process
      inner_.close(file);
    }
  }

  /** Operations so far, the failed one included. */
  int operations() const {
    return count_;
  }
  /** True when the fault has happened. */
  bool struck() const {
    return !struck_at_.empty();
  }
  /** The name of the operation that failed first. */
  const std::string& struck_at() const {
    return struck_at_;
  }
  /** Files that were opened and not closed. */
  size_t open_files() const {
    return open_.size();
  }

  int open(const std::string& path, int flags, mode_t mode) override {
    if (int error = fault("open", true)) {
      return failed(error);
    }
    const int file = inner_.open(path, flags, mode);
    if (file >= 0) {
      open_.insert(file);
    }
    return file;
  }

  ssize_t write(int file, const void* bytes, size_t size) override {
    ++count_;
    die_again();
    if (!strikes(true)) {
      return inner_.write(file, bytes, size);
    }
    const bool first = !struck();
    strike("write");
    const size_t half = size / 2;
    if (kind_ == Fault::kill) {
      inner_.write(file, bytes, half);
      die();
    }
    if (kind_ == Fault::short_write) {
      return inner_.write(file, bytes, std::max<size_t>(half, 1));
    }
    if (kind_ == Fault::enospc && first && half > 0) {
      return inner_.write(file, bytes, half); // what still fits
    }
    return failed(code());
  }

  int fsync(int file) override {
    const int error = fault("fsync", true);
    return error != 0 ? failed(error) : inner_.fsync(file);
  }

  int close(int file) override {
    // Closed in every case, as on Linux and macOS; only the answer differs.
    const int error = fault("close", true);
    open_.erase(file);
    const int result = inner_.close(file);
    return error != 0 ? failed(error) : result;
  }

  int rename(const std::string& from, const std::string& to) override {
    const int error = fault("rename", true);
    return error != 0 ? failed(error) : inner_.rename(from, to);
  }

  int unlink(const std::string& path) override {
    const int error = fault("unlink", false);
    return error != 0 ? failed(error) : inner_.unlink(path);
  }

  int mkdir(const std::string& path, mode_t mode) override {
    const int error = fault("mkdir", true);
    return error != 0 ? failed(error) : inner_.mkdir(path, mode);
  }

  int rmdir(const std::string& path) override {
    const int error = fault("rmdir", false);
    return error != 0 ? failed(error) : inner_.rmdir(path);
  }

  int sync_directory(const std::string& path) override {
    const int error = fault("sync_directory", true);
    return error != 0 ? failed(error) : inner_.sync_directory(path);
  }

 private:
  bool strikes(bool needs_space) const {
    return count_ == fail_at_ ||
        (kind_ == Fault::enospc && needs_space && struck());
  }

  /** The errno of the fault, 0 when this operation is to succeed. */
  int fault(const std::string& operation, bool needs_space) {
    ++count_;
    die_again();
    if (!strikes(needs_space) || kind_ == Fault::short_write ||
        (kind_ == Fault::enospc && !needs_space)) {
      return 0;
    }
    strike(operation);
    if (kind_ == Fault::kill) {
      die();
    }
    return code();
  }

  void strike(const std::string& operation) {
    if (!struck()) {
      struck_at_ = operation;
    }
  }

  int code() const {
    return kind_ == Fault::enospc ? ENOSPC
        : kind_ == Fault::eintr   ? EINTR
                                  : EIO;
  }

  static int failed(int error) {
    errno = error;
    return -1;
  }

  [[noreturn]] void die() {
    dead_ = true;
    throw Killed();
  }

  void die_again() {
    if (dead_) { // cleaning up after Killed would not happen in reality
      die();
    }
  }

  FileSystem& inner_;
  int fail_at_;
  Fault kind_;
  int count_ = 0;
  bool dead_ = false;
  std::string struck_at_;
  std::set<int> open_;
};

} // namespace llm::test
