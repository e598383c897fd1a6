// SPDX-License-Identifier: MIT

#include "llm/serving/registry.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "llm/core/utf8.h"
#include "llm/serving/model_entry.h"

namespace llm::serving {

namespace {

namespace fs = std::filesystem;

/** True for a link to something in the same folder, such as latest. */
bool is_alias(const fs::path& path, const fs::path& models) {
  std::error_code ignored;
  return fs::is_symlink(path, ignored) &&
      fs::equivalent(
             fs::canonical(path, ignored).parent_path(), models, ignored);
}

/** The folders and GGUF files in `models` whose names are ids. */
std::vector<fs::path> candidates(const fs::path& models) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator it(models, error), end; !error && it != end;
       it.increment(error)) {
    const fs::path& path = it->path();
    const std::string name = path.filename().string();
    if (is_model_id(name) && name != "smollm2" && !is_alias(path, models)) {
      found.push_back(path);
    }
  }
  return found;
}

/** The folder that models/latest points at, or "". */
std::string latest_name(const fs::path& models) {
  std::error_code ignored;
  return is_alias(models / "latest", models)
      ? fs::canonical(models / "latest", ignored).filename().string()
      : "";
}

void mark_default(
    std::vector<ModelInfo>& all,
    const std::string& preferred,
    const std::string& latest) {
  const auto find = [&](const auto& rule) {
    return std::find_if(all.begin(), all.end(), rule);
  };
  auto it = find([&](const ModelInfo& m) { return m.id == preferred; });
  if (it == all.end()) {
    it = find([&](const ModelInfo& m) {
      const std::string folder =
          m.adapter.empty() ? m.id : m.adapter.filename().string();
      return m.state != "failed" && folder == latest;
    });
  }
  if (it == all.end()) {
    it = find([](const ModelInfo& m) { return m.state != "failed"; });
  }
  if (it != all.end()) {
    it->is_default = true;
  }
}

bool is_plain_id(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
        (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= 64 && name[0] != '.' &&
      std::all_of(name.begin(), name.end(), allowed);
}

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json or_null(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(replace_invalid_utf8(text));
}

} // namespace

Json to_json(const ModelInfo& info) {
  return {
      {"id", info.id},
      {"name", replace_invalid_utf8(info.name)},
      {"arch", or_null(info.arch)},
      {"params", or_null(info.params)},
      {"n_layers", or_null(info.n_layers)},
      {"n_heads", or_null(info.n_heads)},
      {"n_kv_heads", or_null(info.n_kv_heads)},
      {"n_ctx", or_null(info.n_ctx)},
      {"vocab", or_null(info.vocab)},
      {"dtype", or_null(info.dtype)},
      {"bytes", or_null(info.bytes)},
      {"state", info.state},
      {"downloaded", info.downloaded},
      {"default", info.is_default},
      {"base", or_null(info.base)},
      {"tokenizer", or_null(info.tokenizer)},
      {"capabilities", info.capabilities},
      {"error", or_null(info.error)}};
}

bool is_model_id(const std::string& id) {
  const std::string_view text = id;
  const size_t plus = text.find('+');
  return is_plain_id(text.substr(0, plus)) &&
      (plus == text.npos || is_plain_id(text.substr(plus + 1)));
}

std::vector<ModelInfo> list_models(
    const fs::path& folder,
    const std::string& preferred) {
  std::error_code ignored;
  const fs::path models = fs::absolute(folder, ignored);
  ModelEntry smollm2{read_smollm2_entry(models / "smollm2"), -1};
  std::vector<ModelEntry> entries = {smollm2};
  std::vector<fs::path> adapters;
  for (const fs::path& path : candidates(models)) {
    if (holds_adapter(path)) {
      adapters.push_back(path);
    } else if (auto entry = read_model_entry(path)) {
      entries.push_back(std::move(*entry));
    }
  }
  const size_t bases = entries.size();
  for (const fs::path& path : adapters) {
    entries.push_back(
        read_adapter_entry(path, {entries.begin(), entries.begin() + bases}));
  }
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return a.time != b.time ? a.time > b.time : a.info.id < b.info.id;
  });
  std::vector<ModelInfo> all;
  for (ModelEntry& entry : entries) {
    all.push_back(std::move(entry.info));
  }
  mark_default(all, preferred, latest_name(models));
  return all;
}

} // namespace llm::serving
