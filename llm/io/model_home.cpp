// SPDX-License-Identifier: MIT

#include "llm/io/model_home.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "llm/core/error.h"

namespace llm {

namespace fs = std::filesystem;

namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

} // namespace

fs::path tutorial_home() {
  if (const std::string home = environment("MLX_TUTORIAL_HOME");
      !home.empty()) {
    return home;
  }
  if (const std::string home = environment("HOME"); !home.empty()) {
    return fs::path(home) / "ai-training";
  }
  throw InputError(
      "home",
      "neither MLX_TUTORIAL_HOME nor HOME is set; set MLX_TUTORIAL_HOME to the "
      "folder for models and data.");
}

fs::path new_model_folder(const std::string& stem) {
  std::error_code ignored;
  for (int i = 1;; ++i) {
    fs::path path =
        tutorial_home() / "models" / (stem + "-" + std::to_string(i));
    if (!fs::exists(path, ignored)) {
      return path;
    }
  }
}

void point_latest_at(const fs::path& given) {
  const fs::path models = tutorial_home() / "models";
  std::error_code ignored;
  const fs::path folder = fs::canonical(given, ignored); // without a last slash
  if (!fs::equivalent(folder.parent_path(), models, ignored)) {
    return;
  }
  // A new link under another name, then a rename: there is always a latest.
  const fs::path fresh = models / (".latest-" + std::to_string(::getpid()));
  fs::remove(fresh, ignored);
  const std::string target = folder.filename().string();
  if (::symlink(target.c_str(), fresh.c_str()) != 0 ||
      ::rename(fresh.c_str(), (models / "latest").c_str()) != 0) {
    const int reason = errno;
    fs::remove(fresh, ignored);
    throw IoError(
        "models",
        "cannot make " + (models / "latest").string() + " point at " + target +
            ": " + std::strerror(reason) + "; remove what is there.");
  }
}

fs::path find_model(const std::string& name) {
  if (is_folder(name)) {
    return name;
  }
  const fs::path models = tutorial_home() / "models";
  const fs::path path = models / (name.empty() ? "latest" : name);
  if (is_folder(path)) {
    return path;
  }
  if (name.empty()) {
    throw InputError(
        "model",
        "no model has been trained yet (" + path.string() +
            " is missing); run ./tutorial start, or name a folder with "
            "--model.");
  }
  throw InputError(
      "model",
      "expected a model folder but neither " + name + " nor " + path.string() +
          " is one; ls " + models.string() + " shows those you have.");
}

} // namespace llm
