// SPDX-License-Identifier: MIT
//
// metrics.jsonl: one JSON object a line, appended while a run goes on. The
// first line describes the run. A resumed run cuts off what was written after
// its checkpoint and goes on from there, so the file reads like one run.

#pragma once

#include <cstdint>
#include <filesystem>

#include "llm/core/files.h"
#include "llm/core/json.h"

namespace llm {

class MetricsFile {
 public:
  /** Opens `path` and keeps its first `keep_bytes` bytes (at most what it
   * has). IoError when it cannot be written. */
  MetricsFile(
      const std::filesystem::path& path,
      int64_t keep_bytes,
      FileSystem& files = real_files());
  ~MetricsFile();
  MetricsFile(const MetricsFile&) = delete;
  MetricsFile& operator=(const MetricsFile&) = delete;

  /** Appends one line. */
  void append(const Json& line);
  /** Makes all lines so far durable; returns the file's length in bytes. */
  int64_t sync();

 private:
  std::filesystem::path path_;
  FileSystem& files_;
  int file_ = -1;
  int64_t bytes_ = 0;
};

} // namespace llm
