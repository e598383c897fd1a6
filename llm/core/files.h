// SPDX-License-Identifier: MIT
//
// Files that survive a crash. A file or folder is written under a temporary
// name in the same folder, fsync'ed, renamed to its name, and the folder is
// fsync'ed: at every instant a reader finds either the old content or the new
// one, complete (Pillai et al., "All file systems are not created equal", OSDI
// 2014). The calls to the system go through FileSystem, so that tests can make
// call number N fail.

#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace llm {

/** The changes a program makes to files; as POSIX: -1 and errno on failure. */
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual int open(const std::string& path, int flags, mode_t mode) = 0;
  virtual ssize_t write(int file, const void* bytes, size_t size) = 0;
  /** To the medium itself: F_FULLFSYNC where the system has it (macOS). */
  virtual int fsync(int file) = 0;
  virtual int close(int file) = 0;
  virtual int rename(const std::string& from, const std::string& to) = 0;
  virtual int unlink(const std::string& path) = 0;
  virtual int mkdir(const std::string& path, mode_t mode) = 0;
  virtual int rmdir(const std::string& path) = 0;
  /** Makes the names inside a folder durable. */
  virtual int sync_directory(const std::string& path) = 0;
};

/** The operating system's files. */
FileSystem& real_files();

/** read_file's limit when the caller names none. */
inline constexpr uint64_t default_max_file_bytes = uint64_t{1} << 30;

/**
 * The whole content of a regular file; "" for an empty one. Opened once and
 * without waiting, so a FIFO or device cannot hang it. InputError when it is
 * missing, no regular file, larger than `max_bytes` or changes while it is
 * read; IoError when the system refuses (permission, damaged disk).
 */
std::string read_file(
    const std::filesystem::path& path,
    uint64_t max_bytes = default_max_file_bytes);

/**
 * read_file in pieces of at most 1 MiB, for files that need not fit in memory;
 * same errors. Returns the number of bytes.
 */
uint64_t read_file_in_pieces(
    const std::filesystem::path& path,
    const std::function<void(std::string_view)>& piece);

/**
 * The first bytes of a regular file, fewer than `max_bytes` only when it is
 * shorter; the size of the whole file goes to `file_size`. Same errors.
 */
std::string read_file_start(
    const std::filesystem::path& path,
    uint64_t max_bytes,
    uint64_t* file_size = nullptr);

/**
 * Replaces or creates `path` with `bytes`. Its folder must exist. On IoError
 * the old content is intact and the temporary file is gone, except when only
 * the last step, the fsync of the folder, failed: then the new content is there
 * complete, and may not survive a power loss.
 */
void write_file_atomically(
    const std::filesystem::path& path,
    std::string_view bytes,
    FileSystem& files = real_files());

/**
 * Creates the folder `path`, which must not exist (UsageError), with all
 * `contents` (name in the folder -> bytes), or nothing at all. Until the
 * rename everything lies in a sibling folder ".tmp-...". Errors as above.
 */
void write_folder_atomically(
    const std::filesystem::path& path,
    const std::map<std::string, std::string>& contents,
    FileSystem& files = real_files());

/**
 * Removes a folder and all it holds; links are removed, not followed. It is
 * renamed to ".tmp-..." first, so that nobody sees half of it. A folder that is
 * not there is no error.
 */
void remove_folder(
    const std::filesystem::path& path,
    FileSystem& files = real_files());

/**
 * Removes the ".tmp-..." files and folders that a killed process left in
 * `folder`. Call it only while nobody else writes there (LockFile). Returns how
 * many it removed.
 */
size_t remove_leftovers(
    const std::filesystem::path& folder,
    FileSystem& files = real_files());

/** Creates a folder and its parents; no error when it is there already. */
void ensure_folder(
    const std::filesystem::path& path,
    FileSystem& files = real_files());

} // namespace llm
