// SPDX-License-Identifier: MIT

#include "llm/training/metrics.h"

#include <fcntl.h>

#include <cerrno>
#include <cmath>
#include <cstring>

#include "llm/core/error.h"

namespace llm {

namespace {

[[noreturn]] void fail(const std::filesystem::path& path, int reason) {
  throw IoError(
      "train",
      "cannot write " + path.string() + ": " + std::strerror(reason) +
          "; free some space or choose another folder with --out, and go on "
          "with --resume.");
}

} // namespace

Json StepRecord::to_json() const {
  Json line = {
      {"step", step},
      {"tokens", tokens},
      {"loss", loss},
      {"lr", lr},
      {"grad_norm", grad_norm},
      {"tokens_per_s", std::round(tokens_per_s)},
      {"seconds", std::round(seconds * 1000) / 1000}};
  if (val_loss) {
    line["val_loss_sampled"] = *val_loss;
  }
  if (!more.is_null()) {
    line.update(more);
  }
  if (sample) {
    line["sample"] = *sample;
  }
  return line;
}

MetricsFile::MetricsFile(
    const std::filesystem::path& path,
    int64_t keep_bytes,
    FileSystem& files)
    : path_(path), files_(files) {
  if (keep_bytes > 0) {
    std::string kept = read_file(path);
    kept.resize(std::min<size_t>(kept.size(), keep_bytes));
    write_file_atomically(path, kept, files);
    bytes_ = static_cast<int64_t>(kept.size());
  }
  const int flags = O_WRONLY | O_CREAT | O_CLOEXEC |
      (keep_bytes > 0 ? O_APPEND : O_TRUNC | O_APPEND);
  do {
    file_ = files_.open(path.string(), flags, 0644);
  } while (file_ < 0 && errno == EINTR);
  if (file_ < 0) {
    fail(path_, errno);
  }
}

MetricsFile::~MetricsFile() {
  if (file_ >= 0) {
    try {
      files_.close(file_);
    } catch (...) { // a FileSystem of the tests may throw; destructors may not
    }
  }
}

void MetricsFile::append(const Json& line) {
  const std::string text = line.dump() + "\n";
  size_t done = 0;
  while (done < text.size()) {
    const ssize_t n =
        files_.write(file_, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      fail(path_, n < 0 ? errno : EIO);
    }
    done += static_cast<size_t>(n);
  }
  bytes_ += static_cast<int64_t>(text.size());
}

int64_t MetricsFile::sync() {
  while (files_.fsync(file_) != 0) {
    if (errno != EINTR) {
      fail(path_, errno);
    }
  }
  return bytes_;
}

} // namespace llm
