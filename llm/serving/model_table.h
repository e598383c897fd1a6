// SPDX-License-Identifier: MIT
//
// The registry at work: which models there are, which are loaded, and who wants
// to be told. Listing may be done by any thread; loading is the inference
// thread's. A model that is in use stays in memory however many are loaded.

#pragma once

#include <chrono>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "llm/models/usable_model.h"
#include "llm/serving/service.h"

namespace llm::serving {

/** A model in memory. */
struct LoadedModel {
  std::string id;
  UsableModel use;
  std::filesystem::file_time_type written; ///< the newest of its files
};
using ModelHandle = std::shared_ptr<LoadedModel>;

class ModelTable {
 public:
  explicit ModelTable(const ServiceOptions& options);

  // Any thread.
  std::vector<ModelInfo> list() const;
  /** "" is the default model. ApiError model_not_found. */
  ModelInfo find(const std::string& id) const;
  std::shared_ptr<void> subscribe(OnModel callback);
  void set_state(
      const std::string& id,
      const std::string& state,
      const std::string& error = "");

  // The inference thread.
  /** The loaded model, if its files are those that were loaded. */
  ModelHandle get(const std::string& id);
  /** Reads it; the least used one may go. Errors as load_model(). */
  ModelHandle load(const ModelInfo& info);

 private:
  const ServiceOptions& options_;
  mutable std::mutex mutex_;
  mutable std::vector<ModelInfo> seen_; // what the folder held, lately
  /// of everything in the folder, when seen_ was read
  mutable std::vector<std::pair<std::string, std::filesystem::file_time_type>>
      stamps_;
  mutable std::chrono::steady_clock::time_point looked_{};
  std::map<std::string, std::pair<std::string, std::string>> states_;
  std::list<std::weak_ptr<OnModel>> listeners_;
  std::list<ModelHandle> loaded_; // the last used first

  void refresh(bool now) const;
  ModelInfo with_state(ModelInfo info) const;
};

} // namespace llm::serving
