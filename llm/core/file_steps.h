// SPDX-License-Identifier: MIT
//
// The steps that the functions of files.h are made of; only their sources
// include this.

#pragma once

#include <cerrno>
#include <filesystem>
#include <string>
#include <string_view>

#include "llm/core/files.h"

namespace llm::detail {

/** Calls until it is not interrupted by a signal. */
template <class Call>
auto retry(Call call) {
  for (;;) {
    const auto result = call();
    if (result != -1 || errno != EINTR) {
      return result;
    }
  }
}

/** Throws the IoError "cannot <action> <path>: <reason>; <remedy>." */
[[noreturn]] void fail_file(
    const std::string& action,
    const std::filesystem::path& path,
    int error);

/** Throws for errno unless `result` is a success. */
void check_file(
    ssize_t result,
    const std::string& action,
    const std::filesystem::path& path);

/** `path` without a trailing slash; UsageError when empty or with a NUL. */
std::filesystem::path usable_path(const std::filesystem::path& path);

/** What the names of temporary files and folders begin with. */
inline constexpr std::string_view temporary_prefix = ".tmp-";

/** A free name in the folder of `path`. */
std::filesystem::path temporary_beside(const std::filesystem::path& path);

/**
 * Creates the file `path`, durable and closed. Messages name `target`, the
 * name that the user knows. Whoever calls removes `path` when this throws.
 */
void write_new_file(
    FileSystem& files,
    const std::filesystem::path& path,
    std::string_view bytes,
    const std::filesystem::path& target);

/** Renames, or throws an error that names `to`. */
void rename_checked(
    FileSystem& files,
    const std::filesystem::path& from,
    const std::filesystem::path& to);

/** Makes the name `path` durable in its folder. */
void sync_folder_of(FileSystem& files, const std::filesystem::path& path);

/** Removes what a failed save has made; its error is already on the way. */
void discard(FileSystem& files, const std::filesystem::path& file);

} // namespace llm::detail
