// SPDX-License-Identifier: MIT

#include "llm/training/checkpoint.h"

#include <algorithm>
#include <cstdio>
#include <vector>

#include "llm/core/error.h"
#include "llm/core/sha256.h"
#include "llm/io/safetensors.h"

namespace llm {

namespace fs = std::filesystem;

namespace {

const std::string prefix = "step-";

fs::path home(const fs::path& folder) {
  return folder / "checkpoints";
}

std::string folder_name(int64_t step) {
  char text[32];
  std::snprintf(text, sizeof text, "%08lld", static_cast<long long>(step));
  return prefix + text;
}

// Oldest first; the names sort by step.
std::vector<fs::path> checkpoints_in(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(home(folder), ignored)) {
    if (entry.path().filename().string().starts_with(prefix)) {
      found.push_back(entry.path());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

Checkpoint read_checkpoint(const fs::path& path) {
  const std::string where = path.string();
  const Json manifest = read_json_file(path / "manifest.json");
  std::map<std::string, std::string> contents;
  for (const char* name :
       {"model.safetensors", "optimizer.safetensors", "trainer.json"}) {
    contents[name] = read_file(path / name, uint64_t{1} << 40);
    const auto expected = json_get<std::string>(manifest, name, where);
    if (const auto found = sha256_hex(contents[name]); found != expected) {
      throw InputError(
          where,
          std::string(name) + ": expected sha256 " + expected +
              " but received " + found + ".");
    }
  }
  Checkpoint out;
  out.parameters =
      parse_safetensors(contents["model.safetensors"], where).arrays;
  out.optimizer =
      parse_safetensors(contents["optimizer.safetensors"], where).arrays;
  out.trainer = parse_json(contents["trainer.json"], where + "/trainer.json");
  out.step = json_get<int64_t>(out.trainer, "step", where + "/trainer.json");
  return out;
}

} // namespace

void save_checkpoint(
    const fs::path& folder,
    const Checkpoint& checkpoint,
    int keep,
    FileSystem& files) {
  std::map<std::string, std::string> contents;
  contents["model.safetensors"] = safetensors_bytes(checkpoint.parameters);
  contents["optimizer.safetensors"] = safetensors_bytes(checkpoint.optimizer);
  Json trainer = checkpoint.trainer;
  trainer["step"] = checkpoint.step;
  contents["trainer.json"] = trainer.dump(2) + "\n";
  Json manifest;
  for (const auto& [name, bytes] : contents) {
    manifest[name] = sha256_hex(bytes);
  }
  contents["manifest.json"] = manifest.dump(2) + "\n";

  ensure_folder(home(folder), files);
  const fs::path target = home(folder) / folder_name(checkpoint.step);
  if (fs::exists(target)) {
    remove_folder(target, files); // a damaged one that load passed over
  }
  write_folder_atomically(target, contents, files);
  std::vector<fs::path> all = checkpoints_in(folder);
  for (size_t i = 0; i + keep < all.size(); ++i) {
    remove_folder(all[i], files);
  }
}

std::optional<Checkpoint> load_checkpoint(
    const fs::path& folder,
    const std::function<void(const std::string&)>& warn) {
  std::vector<fs::path> all = checkpoints_in(folder);
  for (auto it = all.rbegin(); it != all.rend(); ++it) {
    try {
      return read_checkpoint(*it);
    } catch (const Error& error) {
      if (warn) {
        warn(
            "checkpoint " + it->filename().string() +
            " is damaged and passed over: " + error.what());
      }
    }
  }
  return std::nullopt;
}

} // namespace llm
