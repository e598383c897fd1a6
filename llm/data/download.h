// SPDX-License-Identifier: MIT
//
// Fetches one file with the system's curl (which knows proxies, resuming and
// certificates), checks its sha256 and only then gives it its name.

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

namespace llm {

struct Download {
  std::string url;
  std::filesystem::path target; ///< its folder is made if needed
  std::string sha256;           ///< 64 hexadecimal digits
  int64_t bytes = 0;            ///< expected size, said before the download
};

/** Downloads to <target>.part (continuing one that is there), checks the sum,
 * renames. curl's own progress bar goes to standard error if that is a
 * terminal. InputError in one line: no curl, no network, HTTP error (e.g. 404),
 * wrong sum (both sums named, the part removed). IoError: cannot write. */
void download(
    const Download& what,
    const std::function<void(const std::string&)>& say);

} // namespace llm
