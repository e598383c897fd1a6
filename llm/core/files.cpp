// SPDX-License-Identifier: MIT

#include "llm/core/files.h"

#include <algorithm>
#include <system_error>
#include <vector>

#include "llm/core/error.h"
#include "llm/core/file_steps.h"
#include "llm/core/utf8.h"

namespace llm {

namespace fs = std::filesystem;
using namespace detail;

namespace {

std::vector<fs::path> entries(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> found;
  fs::directory_iterator it(folder, error);
  for (; !error && it != fs::directory_iterator(); it.increment(error)) {
    found.push_back(it->path());
  }
  if (error) {
    fail_file("list", folder, error.value());
  }
  std::sort(found.begin(), found.end()); // the same order on every system
  return found;
}

void remove_tree(FileSystem& files, const fs::path& path) {
  std::error_code error;
  if (fs::symlink_status(path, error).type() != fs::file_type::directory) {
    check_file(
        retry([&] { return files.unlink(path.string()); }), "remove", path);
    return;
  }
  for (const fs::path& entry : entries(path)) {
    remove_tree(files, entry);
  }
  check_file(retry([&] { return files.rmdir(path.string()); }), "remove", path);
}

void check_entry_name(const std::string& name) {
  if (name.empty() || name == "." || name == ".." ||
      name.find('/') != std::string::npos ||
      name.find('\0') != std::string::npos) {
    throw UsageError(
        "files",
        "expected the name of a file in a folder but received " + quote(name) +
            "; give a name without '/'.");
  }
}

} // namespace

void write_file_atomically(
    const fs::path& path,
    std::string_view bytes,
    FileSystem& files) {
  const fs::path target = usable_path(path);
  const fs::path temporary = temporary_beside(target);
  try {
    write_new_file(files, temporary, bytes, target);
    rename_checked(files, temporary, target);
  } catch (...) {
    discard(files, temporary);
    throw;
  }
  sync_folder_of(files, target);
}

void write_folder_atomically(
    const fs::path& path,
    const std::map<std::string, std::string>& contents,
    FileSystem& files) {
  const fs::path target = usable_path(path);
  for (const auto& [name, bytes] : contents) {
    check_entry_name(name);
  }
  std::error_code error;
  const fs::file_type type = fs::symlink_status(target, error).type();
  // `none` is an error, for example no permission: mkdir will name it.
  if (type != fs::file_type::not_found && type != fs::file_type::none) {
    throw UsageError(
        "files",
        "expected a new folder but " + quote(target.string(), 200) +
            " exists; choose another name.");
  }
  const fs::path temporary = temporary_beside(target);
  check_file(
      retry([&] { return files.mkdir(temporary.string(), 0777); }),
      "create",
      target);
  try {
    for (const auto& [name, bytes] : contents) {
      write_new_file(files, temporary / name, bytes, target / name);
    }
    check_file(
        retry([&] { return files.sync_directory(temporary.string()); }),
        "make durable",
        target);
    rename_checked(files, temporary, target);
  } catch (...) {
    for (const auto& [name, bytes] : contents) {
      discard(files, temporary / name);
    }
    retry([&] { return files.rmdir(temporary.string()); });
    throw;
  }
  sync_folder_of(files, target);
}

void remove_folder(const fs::path& path, FileSystem& files) {
  const fs::path target = usable_path(path);
  std::error_code error;
  const fs::file_type type = fs::symlink_status(target, error).type();
  if (type == fs::file_type::not_found) {
    return;
  }
  if (type == fs::file_type::none) {
    fail_file("remove", target, error.value());
  }
  if (type != fs::file_type::directory) {
    throw UsageError(
        "files",
        "expected a folder to remove but " + quote(target.string(), 200) +
            " is none; check the path.");
  }
  const fs::path temporary = temporary_beside(target);
  check_file(
      retry([&] { return files.rename(target.string(), temporary.string()); }),
      "remove",
      target);
  sync_folder_of(files, target);
  remove_tree(files, temporary);
}

size_t remove_leftovers(const fs::path& folder, FileSystem& files) {
  size_t removed = 0;
  for (const fs::path& entry : entries(usable_path(folder))) {
    if (entry.filename().string().rfind(temporary_prefix, 0) == 0) {
      remove_tree(files, entry);
      ++removed;
    }
  }
  return removed;
}

void ensure_folder(const fs::path& path, FileSystem& files) {
  const fs::path target = usable_path(path);
  std::error_code error;
  if (fs::is_directory(target, error)) {
    return;
  }
  if (target.has_parent_path() && target != target.parent_path()) {
    ensure_folder(target.parent_path(), files);
  }
  const int made = retry([&] { return files.mkdir(target.string(), 0777); });
  const int reason = errno;
  if (made != 0 && fs::is_directory(target, error)) {
    return; // another process was faster
  }
  if (made != 0) {
    fail_file("create the folder", target, reason);
  }
  sync_folder_of(files, target);
}

} // namespace llm
