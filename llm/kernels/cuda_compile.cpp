// SPDX-License-Identifier: MIT

#include "llm/kernels/cuda_compile.h"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <variant>
#include <vector>

#include <mlx/device.h>
#include <mlx/version.h>

namespace llm::kernels {

namespace {

namespace fs = std::filesystem;
namespace mx = mlx::core;

// NVRTC's interface, of which there are no headers here.
using Program = void*;
using Create = int (*)(
    Program*,
    const char*,
    const char*,
    int,
    const char* const*,
    const char* const*);
using Compile = int (*)(Program, int, const char* const*);
using Size = int (*)(Program, size_t*);
using Text = int (*)(Program, char*);
using Destroy = int (*)(Program*);

template <class Function>
Function find(const char* name) {
  // libmlx has loaded it; in Python out of sight.
  static void* library = dlopen("libnvrtc.so.13", RTLD_LAZY | RTLD_NOLOAD);
  void* found = dlsym(library != nullptr ? library : RTLD_DEFAULT, name);
  if (found == nullptr) {
    throw std::runtime_error(
        std::string("[cuda] expected ") + name +
        " of NVRTC but found none; run ./tutorial start --device cuda.");
  }
  return reinterpret_cast<Function>(found);
}

size_t number(const char* name) {
  const auto& facts = mx::device_info(mx::default_device());
  const auto it = facts.find(name);
  const bool there =
      it != facts.end() && std::holds_alternative<size_t>(it->second);
  return there ? std::get<size_t>(it->second) : 0;
}

/** "sm_90" */
std::string architecture() {
  return "sm_" + std::to_string(number("compute_capability_major")) +
      std::to_string(number("compute_capability_minor"));
}

fs::path folder() {
  if (const char* set = std::getenv("MLX_PTX_CACHE_DIR")) {
    return set;
  }
  std::error_code ignored;
  return fs::temp_directory_path(ignored) / "mlx" / mx::version() / "ptx";
}

std::string compile(const std::string& name, const std::string& source) {
  Program program = nullptr;
  if (find<Create>("nvrtcCreateProgram")(
          &program, source.c_str(), name.c_str(), 0, nullptr, nullptr) != 0) {
    throw std::runtime_error("[cuda] NVRTC makes no program.");
  }
  const std::string target = "--gpu-architecture=" + architecture();
  const std::vector<const char*> options = {target.c_str(), "--std=c++17"};
  const int failed = find<Compile>("nvrtcCompileProgram")(
      program, static_cast<int>(options.size()), options.data());
  const char* size_of = failed ? "nvrtcGetProgramLogSize" : "nvrtcGetCUBINSize";
  const char* text_of = failed ? "nvrtcGetProgramLog" : "nvrtcGetCUBIN";
  size_t size = 0;
  find<Size>(size_of)(program, &size);
  std::string text(size, 0);
  find<Text>(text_of)(program, text.data());
  find<Destroy>("nvrtcDestroyProgram")(&program);
  if (failed) {
    throw std::runtime_error("[cuda] " + name + ": " + text);
  }
  return text;
}

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return file ? text.str() : "";
}

/** Whole or not at all; that it could not be kept is no failure. */
void keep(const fs::path& path, const std::string& code) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  const fs::path draft =
      path.string() + "." + std::to_string(getpid()) + ".new";
  {
    std::ofstream file(draft, std::ios::binary);
    file << code;
    if (!file.flush()) {
      error = std::make_error_code(std::errc::io_error);
    }
  }
  if (!error) {
    fs::rename(draft, path, error);
  }
  if (error) {
    fs::remove(draft, error);
  }
}

} // namespace

const std::string& cuda_code(
    const std::string& name,
    const std::string& source) {
  static std::mutex mutex;
  static std::map<std::string, std::string> known;
  const std::lock_guard lock(mutex);
  std::string& code = known[name];
  if (code.empty()) {
    const fs::path path = folder() / (name + "." + architecture() + ".cubin");
    code = read(path);
    if (code.empty()) {
      code = compile(name, source);
      keep(path, code);
    }
  }
  return code;
}

} // namespace llm::kernels
