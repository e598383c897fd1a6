// SPDX-License-Identifier: MIT

#include "llm/serving/model_entry.h"

#include <sys/stat.h>

#include <exception>

#include "llm/core/error.h"
#include "llm/core/safetensors.h"
#include "llm/core/utf8.h"
#include "llm/serving/error.h"
#include "llm/serving/model_facts.h"

namespace llm::serving {

namespace {

namespace fs = std::filesystem;

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

bool is_gguf(const fs::path& path) {
  std::error_code ignored;
  return path.extension() == ".gguf" && fs::is_regular_file(path, ignored);
}

int64_t time_of(const fs::path& path) {
  struct stat s{};
  if (::stat(path.c_str(), &s) != 0) {
    return 0;
  }
#ifdef __APPLE__
  const timespec time = s.st_mtimespec;
#else
  const timespec time = s.st_mtim;
#endif
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

/** A fetched folder is "owner--name", for people "owner/name". */
std::string name_of(std::string id) {
  const size_t place = id.find("--");
  return place == id.npos ? id : id.replace(place, 2, "/");
}

ModelInfo named(const std::string& id) {
  ModelInfo info;
  info.id = id;
  info.name = name_of(id);
  return info;
}

/** Fills `info` by `read`; what goes wrong becomes its error. */
template <class Read>
void guarded(ModelInfo& info, Read read) {
  try {
    read();
  } catch (const std::exception& error) {
    info.state = "failed";
    info.error = for_a_client(replace_invalid_utf8(error.what()));
  }
}

std::vector<fs::path> gguf_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    if (is_gguf(it->path())) {
      files.push_back(it->path());
    }
  }
  return files;
}

bool holds_weights(const fs::path& folder) {
  return is_there(folder / "model.safetensors") ||
      is_there(folder / "model.safetensors.index.json");
}

/** Whether a folder without weights is a model of which something is missing;
 * a run that has saved nothing yet, or something else, is none. */
bool is_half(const fs::path& folder) {
  return !is_there(folder / "metrics.jsonl") &&
      (is_there(folder / "config.json") || is_there(folder / "tokenizer.json"));
}

void expect_one(size_t gguf_files) {
  if (gguf_files > 1) {
    throw InputError(
        "model",
        "expected one GGUF file in the folder but found " +
            std::to_string(gguf_files) + "; give each a folder of its own.");
  }
}

/** The names that adapter_config.json may mean by `model`: a folder, a file
 * model.gguf in one, or an id of the Hub. */
std::vector<std::string> base_names(const std::string& model) {
  const fs::path path =
      model.ends_with('/') ? fs::path(model).parent_path() : fs::path(model);
  std::vector<std::string> names = {path.filename().string()};
  if (path.extension() == ".gguf") {
    names.push_back(path.parent_path().filename().string());
  }
  std::string hub = model;
  if (const size_t slash = hub.find('/'); slash != hub.npos) {
    names.push_back(hub.replace(slash, 1, "--"));
  }
  return names;
}

/** The base among `models`, by its path, else by its name; or null. */
const ModelInfo* find_base(
    const std::vector<ModelEntry>& models,
    const std::string& model) {
  std::error_code ignored;
  for (const ModelEntry& entry : models) {
    if (fs::equivalent(entry.info.path, model, ignored) && !ignored) {
      return &entry.info;
    }
  }
  for (const std::string& name : base_names(model)) {
    for (const ModelEntry& entry : models) {
      if (entry.info.id == name) {
        return &entry.info;
      }
    }
  }
  return nullptr;
}

/** What adapter_config.json names as the base. */
std::string read_base(const fs::path& folder) {
  const Json config = read_json_file(folder / "adapter_config.json");
  if (!is_there(folder / "adapters.safetensors")) {
    throw InputError(
        "adapter",
        config.contains("peft_type")
            ? "expected adapters.safetensors but found an adapter of PEFT; "
              "convert it to mlx-lm's form."
            : "adapters.safetensors is missing; copy the folder again.");
  }
  return json_get<std::string>(config, "model", "adapter_config.json");
}

} // namespace

bool holds_adapter(const fs::path& folder) {
  return is_there(folder / "adapters.safetensors") ||
      (is_there(folder / "adapter_config.json") && !holds_weights(folder));
}

std::optional<ModelEntry> read_model_entry(const fs::path& path) {
  ModelEntry entry{named(path.filename().string())};
  ModelInfo& info = entry.info;
  info.path = path;
  const std::vector<fs::path> ggufs = gguf_files(path);
  if (is_gguf(path)) {
    guarded(info, [&] { read_gguf_facts(path, info); });
  } else if (holds_weights(path)) {
    guarded(info, [&] { read_folder_facts(path, info); });
  } else if (!ggufs.empty() && !is_there(path / "config.json")) {
    info.path = ggufs[0];
    guarded(info, [&] {
      expect_one(ggufs.size());
      read_gguf_facts(info.path, info);
    });
  } else if (is_half(path)) {
    guarded(info, [] {
      throw InputError(
          "model",
          "model.safetensors is missing; copy the folder again or train the "
          "model again.");
    });
  } else {
    return std::nullopt;
  }
  const fs::path weights = path / "model.safetensors";
  entry.time = time_of(is_there(weights) ? weights : info.path);
  return entry;
}

ModelEntry read_adapter_entry(
    const fs::path& folder,
    const std::vector<ModelEntry>& models) {
  const std::string name = folder.filename().string();
  const fs::path weights = folder / "adapters.safetensors";
  ModelEntry entry{named(name), time_of(is_there(weights) ? weights : folder)};
  guarded(entry.info, [&] {
    const std::string model = read_base(folder);
    const ModelInfo* const base = find_base(models, model);
    if (base == nullptr) {
      throw InputError(
          "adapter",
          "expected its base " + quote(fs::path(model).filename().string()) +
              " among the models but found none; put that model beside it.");
    }
    read_safetensors_header(weights); // complete?
    ModelInfo info = *base;
    info.id = base->id + "+" + name;
    info.name = base->name + " + " + name_of(name);
    info.base = base->id;
    if (info.bytes) {
      *info.bytes += static_cast<int64_t>(fs::file_size(weights));
    }
    entry.info = info;
    if (base->state == "failed") {
      entry.info.error = "its base cannot be used: " + base->error;
    }
  });
  entry.info.adapter = folder;
  return entry;
}

ModelInfo read_smollm2_entry(const fs::path& folder) {
  ModelInfo info = smollm2_facts();
  const std::vector<fs::path> files = gguf_files(folder);
  if (files.size() == 1) {
    info.path = files[0];
    info.downloaded = true;
    guarded(info, [&] { read_gguf_facts(files[0], info); });
  }
  return info;
}

} // namespace llm::serving
