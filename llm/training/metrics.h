// SPDX-License-Identifier: MIT
//
// metrics.jsonl: one JSON object a line, appended while a run goes on. The
// first line describes the run. A resumed run cuts off what was written after
// its checkpoint and goes on from there, so the file reads like one run.

#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "llm/core/files.h"
#include "llm/core/json.h"

namespace llm {

/** The line of one step. */
struct StepRecord {
  int64_t step = 0;   ///< updates done
  int64_t tokens = 0; ///< read so far
  double loss = 0;    ///< of this update's batch, nats per token
  double lr = 0;
  double grad_norm = 0;
  double tokens_per_s = 0;
  double seconds = 0;             ///< training so far, over all resumed parts
  std::optional<double> val_loss; ///< sampled
  std::optional<std::string> sample;
  Json more; ///< further fields of an evaluation, or null

  Json to_json() const;
};

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
