// SPDX-License-Identifier: MIT

#include "llm/core/file_steps.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <system_error>

#include "llm/core/error.h"
#include "llm/core/utf8.h"

namespace llm::detail {

namespace fs = std::filesystem;

namespace {

// macOS refuses to write more than INT_MAX bytes at once.
constexpr size_t max_write = size_t{1} << 28;

/** What a person can do about an error of the system. */
const char* remedy(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "free some space and run again";
    case EFBIG:
      return "raise the limit on file sizes (ulimit -f) and run again";
    case EACCES:
    case EPERM:
    case EROFS:
      return "choose a place that you may write to";
    case ENOENT:
    case ENOTDIR:
      return "check that its folder exists";
    case EISDIR:
    case EEXIST:
    case ENOTEMPTY:
      return "choose another name or remove what is there";
    case ENAMETOOLONG:
      return "choose a shorter name";
    case EIO:
      return "check the disk and run again";
    case EMFILE:
    case ENFILE:
      return "close other programs or raise ulimit -n";
    default:
      return "check the path and run again";
  }
}

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

/** close(2), whose EINTR means on Linux and macOS that it is closed. */
int close_file(FileSystem& files, int file) {
  const int result = files.close(file);
  return result != 0 && errno == EINTR ? 0 : result;
}

/** Writes everything and makes it durable; errno tells why when false. */
bool write_and_sync(FileSystem& files, int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t done = retry([&] {
      return files.write(file, bytes.data(), std::min(bytes.size(), max_write));
    });
    if (done <= 0) {
      errno = done == 0 ? EIO : errno; // 0 would mean an endless loop
      return false;
    }
    bytes.remove_prefix(static_cast<size_t>(done));
  }
  return retry([&] { return files.fsync(file); }) == 0;
}

} // namespace

[[noreturn]] void
fail_file(const std::string& action, const fs::path& path, int error) {
  throw IoError(
      "files",
      "cannot " + action + " " + quote(path.string(), 200) + ": " +
          std::generic_category().message(error) + "; " + remedy(error) + ".");
}

void check_file(
    ssize_t result,
    const std::string& action,
    const fs::path& path) {
  if (result < 0) {
    fail_file(action, path, errno);
  }
}

fs::path usable_path(const fs::path& path) {
  if (path.empty() || path.native().find('\0') != std::string::npos) {
    throw UsageError(
        "files",
        "expected a path but received " + quote(path.string()) +
            "; give a name without NUL bytes.");
  }
  return path.has_filename() || !path.has_relative_path() ? path
                                                          : path.parent_path();
}

std::filesystem::path temporary_beside(const fs::path& path) {
  static std::atomic<unsigned> counter{0};
  const std::string prefix =
      std::string(temporary_prefix) + std::to_string(::getpid()) + "-";
  for (;;) {
    const fs::path name =
        folder_of(path) / (prefix + std::to_string(counter++));
    // A killed process that had our id may have left a file of this name.
    std::error_code error;
    if (fs::symlink_status(name, error).type() == fs::file_type::not_found ||
        error) {
      return name;
    }
  }
}

void write_new_file(
    FileSystem& files,
    const fs::path& path,
    std::string_view bytes,
    const fs::path& target) {
  const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
  const int file =
      retry([&] { return files.open(path.string(), flags, 0666); });
  check_file(file, "create", target);
  const bool written = write_and_sync(files, file, bytes);
  const int error = errno;
  const int closed = close_file(files, file);
  if (!written) {
    fail_file("write", target, error);
  }
  check_file(closed, "write", target);
}

void rename_checked(
    FileSystem& files,
    const fs::path& from,
    const fs::path& to) {
  check_file(
      retry([&] { return files.rename(from.string(), to.string()); }),
      "replace",
      to);
}

void sync_folder_of(FileSystem& files, const fs::path& path) {
  check_file(
      retry([&] { return files.sync_directory(folder_of(path).string()); }),
      "make durable",
      path);
}

void discard(FileSystem& files, const fs::path& file) {
  retry([&] { return files.unlink(file.string()); });
}

} // namespace llm::detail
