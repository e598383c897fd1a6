// SPDX-License-Identifier: MIT
//
// One writer for each folder. The file `folder/.lock` holds the owner's process
// id and is locked with flock(2). The system drops that lock when the process
// dies, however it dies, so a stale file is simply taken over.
// Simplification: on network drives the lock is as good as their flock.

#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string_view>

namespace llm {

/** Holds a folder for this process until it is destroyed. */
class LockFile {
 public:
  /**
   * Takes the lock of `folder`, which must exist. InputError "[where] folder X
   * is in use by process 123; wait or stop it" when another process (or this
   * one) holds it, IoError when the file cannot be made.
   */
  explicit LockFile(
      const std::filesystem::path& folder,
      std::string_view where = "train");
  /** Removes the file and releases the lock; a forked child leaves both. */
  ~LockFile();
  LockFile(const LockFile&) = delete;
  LockFile& operator=(const LockFile&) = delete;

 private:
  std::filesystem::path path_;
  int file_ = -1;
  pid_t owner_ = 0;
};

} // namespace llm
