// SPDX-License-Identifier: MIT

#include "llm/core/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

#include "llm/core/error.h"
#include "llm/core/utf8.h"

namespace llm {

namespace fs = std::filesystem;

namespace {

constexpr size_t max_piece = size_t{1} << 20;

std::string shown(const fs::path& path) {
  return quote(path.string(), 200);
}

[[noreturn]] void fail_to_open(const fs::path& path, int error) {
  const std::string reason = std::generic_category().message(error);
  if (error == ENOENT || error == ENOTDIR) {
    throw InputError(
        "files", "there is no file " + shown(path) + "; check the path.");
  }
  if (error == ELOOP || error == ENAMETOOLONG || error == ENXIO) {
    throw InputError(
        "files",
        "cannot open " + shown(path) + ": " + reason + "; check the path.");
  }
  throw IoError(
      "files",
      "cannot open " + shown(path) + ": " + reason +
          "; check its permissions.");
}

const char* kind_name(mode_t mode) {
  return S_ISDIR(mode) ? "a folder"
      : S_ISFIFO(mode) ? "a FIFO"
      : S_ISCHR(mode)  ? "a device"
      : S_ISBLK(mode)  ? "a disk"
                       : "no regular file";
}

} // namespace

void MemorySource::read(uint64_t offset, char* buffer, size_t size) const {
  if (offset > bytes_.size() || size > bytes_.size() - offset) {
    throw InputError(
        "files",
        "expected " + std::to_string(size) + " bytes at byte " +
            std::to_string(offset) + " but there are only " +
            std::to_string(bytes_.size()) + "; the data is cut off.");
  }
  if (size > 0) {
    std::memcpy(buffer, bytes_.data() + offset, size);
  }
}

FileSource::FileSource(const fs::path& path) : path_(path) {
  if (path.empty() || path.native().find('\0') != std::string::npos) {
    throw InputError(
        "files",
        "expected a file's path but received " + shown(path) +
            "; give a name without NUL bytes.");
  }
  // O_NONBLOCK: opening a FIFO would wait for a writer.
  const int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  do {
    file_ = ::open(path.c_str(), flags);
  } while (file_ < 0 && errno == EINTR);
  if (file_ < 0) {
    fail_to_open(path, errno);
  }
  struct stat status{};
  if (::fstat(file_, &status) != 0) {
    const int error = errno;
    ::close(file_);
    fail_to_open(path, error);
  }
  if (!S_ISREG(status.st_mode)) {
    ::close(file_);
    throw InputError(
        "files",
        "expected a regular file but " + shown(path) + " is " +
            kind_name(status.st_mode) + "; check the path.");
  }
  size_ = static_cast<uint64_t>(status.st_size);
}

FileSource::~FileSource() {
  ::close(file_);
}

void FileSource::read(uint64_t offset, char* buffer, size_t size) const {
  // size_ is an off_t's value, so no offset below it wraps.
  if (offset > size_ || size > size_ - offset ||
      read_some(offset, buffer, size) != size) {
    fail_changed();
  }
}

void FileSource::check_size() const {
  char more = 0;
  if (read_some(size_, &more, 1) != 0 ||
      (size_ > 0 && read_some(size_ - 1, &more, 1) != 1)) {
    fail_changed();
  }
}

/** Fewer bytes only at the end. */
size_t FileSource::read_some(uint64_t offset, char* buffer, size_t size) const {
  size_t total = 0;
  while (total < size) {
    const ssize_t got = ::pread(
        file_,
        buffer + total,
        std::min(size - total, max_piece),
        static_cast<off_t>(offset + total));
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      throw IoError(
          "files",
          "cannot read " + shown(path_) + ": " +
              std::generic_category().message(errno) + "; check the disk.");
    }
    if (got == 0) {
      break;
    }
    total += static_cast<size_t>(got);
  }
  return total;
}

void FileSource::fail_changed() const {
  throw InputError(
      "files",
      "expected " + std::to_string(size_) + " bytes in " + shown(path_) +
          " but it changed while it was read; run again when nobody writes "
          "it.");
}

} // namespace llm
