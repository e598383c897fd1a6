// SPDX-License-Identifier: MIT

#include "llm/serving/model_table.h"

#include <algorithm>
#include <system_error>

#include "llm/core/utf8.h"
#include "llm/io/model_source.h"
#include "llm/training/adapter_files.h"

namespace llm::serving {

namespace {

namespace fs = std::filesystem;

/** When the newest file of the folder (or the file) was written. */
fs::file_time_type last_written(const fs::path& path) {
  std::error_code error;
  fs::file_time_type newest = fs::last_write_time(path, error);
  for (fs::directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string suffix = entry->path().extension().string();
    if (suffix == ".safetensors" || suffix == ".gguf" || suffix == ".json") {
      std::error_code ignored;
      newest = std::max(newest, entry->last_write_time(ignored));
    }
  }
  return newest;
}

fs::file_time_type last_written(const ModelInfo& info) {
  const auto own = last_written(info.path);
  return info.adapter.empty() ? own : std::max(own, last_written(info.adapter));
}

/** What changes when a model is added, removed, replaced or trained further:
 * much cheaper to see than to read (SmolLM2's vocabulary takes 5 ms). */
std::vector<std::pair<std::string, fs::file_time_type>> stamps(
    const fs::path& models) {
  std::vector<std::pair<std::string, fs::file_time_type>> out;
  std::error_code error;
  for (fs::directory_iterator entry(models, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored;
    const bool link = entry->is_symlink(ignored);
    const fs::path path = entry->path();
    out.emplace_back(
        path.string() + (link ? fs::read_symlink(path, ignored).string() : ""),
        last_written(path));
  }
  std::sort(out.begin(), out.end());
  return out;
}

} // namespace

ModelTable::ModelTable(const ServiceOptions& options) : options_(options) {}

void ModelTable::refresh(bool now) const {
  constexpr auto fresh = std::chrono::seconds(1);
  const auto time = std::chrono::steady_clock::now();
  if (!now && !seen_.empty() && time - looked_ <= fresh) {
    return;
  }
  auto stamps = serving::stamps(options_.models);
  if (seen_.empty() || stamps != stamps_) {
    seen_ = list_models(options_.models, options_.default_model);
    stamps_ = std::move(stamps);
  }
  looked_ = time;
}

ModelInfo ModelTable::with_state(ModelInfo info) const {
  if (const auto it = states_.find(info.id); it != states_.end()) {
    info.state = it->second.first;
    info.error = it->second.second;
  }
  return info;
}

std::vector<ModelInfo> ModelTable::list() const {
  const std::lock_guard lock(mutex_);
  refresh(false);
  std::vector<ModelInfo> out;
  for (const ModelInfo& info : seen_) {
    out.push_back(with_state(info));
  }
  return out;
}

ModelInfo ModelTable::find(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  for (const bool again : {false, true}) {
    refresh(again);
    for (const ModelInfo& info : seen_) {
      if (id.empty() ? info.is_default : info.id == id) {
        return with_state(info);
      }
    }
  }
  throw ApiError(
      404,
      "model_not_found",
      "expected the id of a model but received " + quote(id) +
          "; GET /api/models lists them.",
      "model");
}

std::shared_ptr<void> ModelTable::subscribe(OnModel callback) {
  const std::lock_guard lock(mutex_);
  auto listener = std::make_shared<OnModel>(std::move(callback));
  listeners_.emplace_back(listener);
  return listener;
}

void ModelTable::set_state(
    const std::string& id,
    const std::string& state,
    const std::string& error) {
  std::vector<std::shared_ptr<OnModel>> listeners;
  {
    const std::lock_guard lock(mutex_);
    states_[id] = {state, error};
    listeners_.remove_if([](const auto& one) { return one.expired(); });
    for (const auto& one : listeners_) {
      listeners.push_back(one.lock());
    }
    refresh(true);
  }
  for (const ModelInfo& info : list()) {
    if (info.id == id) {
      for (const auto& tell : listeners) {
        if (tell) {
          (*tell)(info);
        }
      }
    }
  }
}

ModelHandle ModelTable::get(const std::string& id) {
  for (auto it = loaded_.begin(); it != loaded_.end(); ++it) {
    if ((*it)->id == id) {
      if (last_written(find(id)) != (*it)->written) {
        loaded_.erase(it); // trained further, or replaced
        return nullptr;
      }
      loaded_.splice(loaded_.begin(), loaded_, it);
      return loaded_.front();
    }
  }
  return nullptr;
}

ModelHandle ModelTable::load(const ModelInfo& info) {
  auto loaded = std::make_shared<LoadedModel>(
      LoadedModel{info.id, load_usable(info.path), last_written(info)});
  if (!info.adapter.empty()) {
    load_adapters(*loaded->use.model, info.adapter);
  }
  loaded_.push_front(loaded);
  while (static_cast<int>(loaded_.size()) > options_.loaded_models) {
    set_state(loaded_.back()->id, "unloaded");
    loaded_.pop_back();
  }
  return loaded;
}

} // namespace llm::serving
