// SPDX-License-Identifier: MIT

#include "llm/data/download.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "llm/core/error.h"
#include "llm/core/files.h"
#include "llm/core/process.h"
#include "llm/core/progress.h"
#include "llm/core/sha256.h"

namespace llm {
namespace {

namespace fs = std::filesystem;

// What curl's exit status means to a person; see "EXIT CODES" in curl(1).
std::string reason(int status) {
  switch (status) {
    case 5:
    case 97:
      return "the proxy cannot be reached; check https_proxy";
    case 6:
      return "the host name is unknown: no network, or a proxy is needed";
    case 7:
      return "the server cannot be reached: no network, or a proxy is needed";
    case 18:
      return "the connection broke; run again to continue";
    case 22:
      return "the server answered with an error (for example 404 not found)";
    case 23:
      return "the file cannot be written: no space left or no permission";
    case 28:
      return "no answer in time; run again to continue";
    case 35:
    case 60:
      return "the secure connection failed; check date and certificates";
    case 127:
      return "curl is not installed; install it (Debian: apt install curl)";
    default:
      return "curl stopped with status " + std::to_string(status) +
          "; see its exit codes in \"man curl\"";
  }
}

int fetch(const Download& what, const fs::path& part) {
  std::vector<std::string> arguments{
      "curl",
      "--fail",
      "--location",
      "--continue-at",
      "-",
      "--retry",
      "3",
      "--connect-timeout",
      "20",
      "--speed-limit",
      "100",
      "--speed-time",
      "30",
      "--silent",
      "--output",
      part.string(),
      what.url};
  if (isatty(STDERR_FILENO) != 0) {
    arguments[13] = "--progress-bar";
  }
  return run_process(arguments);
}

// Sends what `part` holds to its place, or removes it and says why.
void check_and_rename(const Download& what, const fs::path& part) {
  const auto found = sha256_file(part);
  if (found != what.sha256) {
    real_files().unlink(part.string());
    throw InputError(
        "Download",
        what.url + ": expected sha256 " + what.sha256 + " but received " +
            found + "; the file was removed, run again or check the address.");
  }
  if (real_files().rename(part.string(), what.target.string()) != 0) {
    throw IoError(
        "Download",
        "cannot rename " + part.string() + " to " + what.target.string() +
            ": " + std::strerror(errno) + "; check the folder's permissions.");
  }
  real_files().sync_directory(what.target.parent_path().string());
}

} // namespace

void download(
    const Download& what,
    const std::function<void(const std::string&)>& say) {
  ensure_folder(what.target.parent_path());
  const fs::path part = what.target.string() + ".part";
  std::error_code ignored;
  const auto there = fs::exists(part) ? fs::file_size(part, ignored) : 0;
  say("downloading " + what.target.filename().string() + " (" +
      format_bytes(static_cast<double>(what.bytes)) + ") from " + what.url +
      (there > 0 ? ", continuing" : ""));
  if (static_cast<int64_t>(there) < what.bytes) {
    int status = fetch(what, part);
    // 33: no ranges; 36: bad offset; 22 with a part: maybe 416. Start afresh.
    if (there > 0 && (status == 33 || status == 36 || status == 22)) {
      real_files().unlink(part.string());
      status = fetch(what, part);
    }
    if (status != 0) {
      throw InputError(
          "Download", "cannot fetch " + what.url + ": " + reason(status) + ".");
    }
  }
  check_and_rename(what, part);
}

} // namespace llm
