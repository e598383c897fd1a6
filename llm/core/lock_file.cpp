// SPDX-License-Identifier: MIT

#include "llm/core/lock_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>

#include "llm/core/error.h"
#include "llm/core/utf8.h"

namespace llm {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void
fail(std::string_view where, const fs::path& path, int error) {
  throw IoError(
      where,
      "cannot lock " + quote(path.string(), 200) + ": " +
          std::generic_category().message(error) +
          "; choose a folder that exists and that you may write to.");
}

/** The owner's process id as the file says, or 0. */
long read_owner(int file) {
  char text[32] = {};
  const ssize_t got = ::pread(file, text, sizeof(text) - 1, 0);
  return got > 0 ? std::strtol(text, nullptr, 10) : 0;
}

[[noreturn]] void
refuse(std::string_view where, const fs::path& folder, int file) {
  // The owner locks first and writes its id a moment later.
  long owner = read_owner(file);
  for (int i = 0; owner == 0 && i < 20; ++i) {
    const timespec moment{0, 5'000'000};
    ::nanosleep(&moment, nullptr);
    owner = read_owner(file);
  }
  ::close(file);
  throw InputError(
      where,
      "folder " + quote(folder.string(), 200) + " is in use by " +
          (owner > 0 ? "process " + std::to_string(owner)
                     : std::string("another process")) +
          "; wait or stop it.");
}

/** True when `path` still names the open file: its owner removes it. */
bool still_named(int file, const fs::path& path) {
  struct stat ours{};
  struct stat named{};
  return ::fstat(file, &ours) == 0 && ::stat(path.c_str(), &named) == 0 &&
      ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
}

/** One try: the locked file, or -1 when it must be tried again. */
int open_and_lock(
    std::string_view where,
    const fs::path& folder,
    const fs::path& path) {
  const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  const int file = ::open(path.c_str(), flags, 0666);
  if (file < 0) {
    if (errno == EINTR) {
      return -1;
    }
    fail(where, path, errno);
  }
  if (::flock(file, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    if (error == EWOULDBLOCK) {
      refuse(where, folder, file);
    }
    ::close(file);
    if (error == EINTR) {
      return -1;
    }
    fail(where, path, error);
  }
  if (still_named(file, path)) {
    return file;
  }
  ::close(file); // the last owner removed it between our open and flock
  return -1;
}

} // namespace

LockFile::LockFile(const fs::path& folder, std::string_view where)
    : path_(folder / ".lock"), owner_(::getpid()) {
  while (file_ < 0) {
    file_ = open_and_lock(where, folder, path_);
  }
  // The id is for the message only; the lock itself is what counts.
  const std::string id = std::to_string(owner_) + "\n";
  if (::ftruncate(file_, 0) != 0 ||
      ::pwrite(file_, id.data(), id.size(), 0) !=
          static_cast<ssize_t>(id.size())) {
    const int error = errno;
    ::unlink(path_.c_str());
    ::close(file_);
    fail(where, path_, error);
  }
}

LockFile::~LockFile() {
  if (owner_ == ::getpid()) {
    ::unlink(path_.c_str()); // before the lock falls: nobody else owns it
  }
  ::close(file_);
}

} // namespace llm
