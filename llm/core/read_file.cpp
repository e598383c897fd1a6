// SPDX-License-Identifier: MIT

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "llm/core/error.h"
#include "llm/core/files.h"
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

/** A regular file, opened once; closed when it goes away. */
class OpenFile {
 public:
  explicit OpenFile(const fs::path& path) : path_(path) {
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
  ~OpenFile() {
    ::close(file_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  uint64_t size() const {
    return size_;
  }

  /** Fills `buffer` from the current place; fewer bytes only at the end. */
  size_t read(char* buffer, size_t size) {
    size_t total = 0;
    while (total < size) {
      const ssize_t got =
          ::read(file_, buffer + total, std::min(size - total, max_piece));
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

  /** Throws unless exactly the size of the start was read, and no more. */
  void check_end(uint64_t read_bytes) {
    char more = 0;
    if (read_bytes != size_ || read(&more, 1) != 0) {
      throw InputError(
          "files",
          "expected " + std::to_string(size_) + " bytes in " + shown(path_) +
              " but it changed while it was read; run again when nobody "
              "writes it.");
    }
  }

 private:
  fs::path path_;
  int file_ = -1;
  uint64_t size_ = 0;
};

} // namespace

std::string read_file(const fs::path& path, uint64_t max_bytes) {
  OpenFile file(path);
  if (file.size() > max_bytes) {
    throw InputError(
        "files",
        "expected at most " + std::to_string(max_bytes) + " bytes in " +
            shown(path) + " but received " + std::to_string(file.size()) +
            "; choose a smaller file.");
  }
  std::string bytes(static_cast<size_t>(file.size()), '\0');
  file.check_end(file.read(bytes.data(), bytes.size()));
  return bytes;
}

std::string
read_file_start(const fs::path& path, uint64_t max_bytes, uint64_t* file_size) {
  OpenFile file(path);
  if (file_size != nullptr) {
    *file_size = file.size();
  }
  std::string bytes(
      static_cast<size_t>(std::min(max_bytes, file.size())), '\0');
  bytes.resize(file.read(bytes.data(), bytes.size()));
  return bytes;
}

uint64_t read_file_in_pieces(
    const fs::path& path,
    const std::function<void(std::string_view)>& piece) {
  OpenFile file(path);
  std::string buffer(
      static_cast<size_t>(std::min<uint64_t>(file.size(), max_piece)), '\0');
  uint64_t total = 0;
  while (total < file.size()) {
    const uint64_t rest = file.size() - total;
    const size_t got = file.read(
        buffer.data(),
        static_cast<size_t>(std::min<uint64_t>(rest, buffer.size())));
    if (got == 0) {
      break;
    }
    piece(std::string_view(buffer).substr(0, got));
    total += got;
  }
  file.check_end(total);
  return total;
}

} // namespace llm
