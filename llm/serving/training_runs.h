// SPDX-License-Identifier: MIT
//
// Training runs as metrics.jsonl tells them: which there are, and the lines of
// one while it grows. Reads files only.

#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "llm/core/json.h"

namespace llm::serving {

struct TrainingRun {
  std::string id;    ///< the folder's name under models/
  std::string state; ///< "running", "finished" or "stopped"
  int64_t step = 0, steps = 0;
  std::optional<double> loss, val_loss; ///< nats per token, the newest
  int64_t updated_s = 0;                ///< Unix time
};

Json to_json(const TrainingRun& run);

/** Newest first. */
std::vector<TrainingRun> list_training(const std::filesystem::path& models);

/** Follows one metrics.jsonl. Whole lines only: a line that is being written
 * comes when it is complete. */
class MetricsFollower {
 public:
  /** ApiError 404 not_found when there is no such run. */
  MetricsFollower(const std::filesystem::path& models, const std::string& id);

  /** The next lines as they are in the file, at most `most`; empty: none now.
   * Lines that are no JSON object are left out. A resumed run cuts its file
   * back: then it begins again (`restarted`). */
  std::vector<std::string> next(size_t most = 256);
  bool restarted() const {
    return restarted_;
  }

  /** "running", "finished" or "stopped", now. */
  std::string state() const;

 private:
  std::filesystem::path folder_;
  uint64_t offset_ = 0;
  uint64_t inode_ = 0;
  bool restarted_ = false;
};

} // namespace llm::serving
