// SPDX-License-Identifier: MIT

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "llm/core/files.h"

namespace llm {

namespace {

/** The operating system itself. */
class RealFiles : public FileSystem {
 public:
  int open(const std::string& path, int flags, mode_t mode) override {
    return ::open(path.c_str(), flags, mode);
  }
  ssize_t write(int file, const void* bytes, size_t size) override {
    return ::write(file, bytes, size);
  }
  int fsync(int file) override {
#ifdef F_FULLFSYNC
    // Apple's fsync stops at the drive's cache; not every drive knows this.
    if (::fcntl(file, F_FULLFSYNC) == 0) {
      return 0;
    }
#endif
    return ::fsync(file);
  }
  int close(int file) override {
    return ::close(file);
  }
  int rename(const std::string& from, const std::string& to) override {
    return ::rename(from.c_str(), to.c_str());
  }
  int unlink(const std::string& path) override {
    return ::unlink(path.c_str());
  }
  int mkdir(const std::string& path, mode_t mode) override {
    return ::mkdir(path.c_str(), mode);
  }
  int rmdir(const std::string& path) override {
    return ::rmdir(path.c_str());
  }
  int sync_directory(const std::string& path) override {
    const int file =
        ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (file < 0) {
      return -1;
    }
    int result = fsync(file);
    int error = errno;
    if (result != 0 && (error == EINVAL || error == ENOTSUP)) {
      result = 0; // some network drives cannot sync a folder
    }
    ::close(file);
    errno = error;
    return result;
  }
};

} // namespace

FileSystem& real_files() {
  static RealFiles files;
  return files;
}

} // namespace llm
