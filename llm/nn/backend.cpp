// SPDX-License-Identifier: MIT

#include "llm/nn/backend.h"

#include <dlfcn.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <variant>

#include <mlx/mlx.h>

#include "llm/core/error.h"
#include "llm/core/progress.h"
#include "llm/kernels/kernels.h"
#include "llm/kernels/simd_limit.h"
#include "llm/kernels/thread_pool.h"

namespace llm {

namespace mx = mlx::core;

namespace {

// OpenBLAS has these beside the standard names; other libraries have not.
template <class Function>
Function find(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, name));
}

} // namespace

std::string mlx_built_for() {
  return std::to_string(MLX_VERSION_MAJOR) + "." +
      std::to_string(MLX_VERSION_MINOR) + "." +
      std::to_string(MLX_VERSION_PATCH);
}

std::string mlx_found() {
  return mx::version();
}

void check_mlx_version(const std::string& built_for, const std::string& found) {
  if (built_for != found) {
    throw InputError(
        "MLX",
        "built for " + built_for + ", found " + found +
            "; run ./tutorial start, which installs and builds for the same.");
  }
}

namespace {

#ifdef __APPLE__
constexpr bool is_apple = true;
#else
constexpr bool is_apple = false;
#endif

/** True where MLX is the build for NVIDIA GPUs, whether there is one or not. */
bool is_for_cuda() {
#ifdef LLM_MLX_CUDA // set by CMake
  return true;
#else
  return false;
#endif
}

/** Which of the two devices `device` means; true: the GPU. */
bool wants_gpu(const std::string& device) {
  const bool asked = device == "gpu" || device == "cuda";
  if (device != "" && device != "cpu" && !asked) {
    throw UsageError(
        "device",
        "expected cpu, gpu or cuda (the same as gpu, on NVIDIA) but received "
        "\"" +
            device + "\".");
  }
  if (device == "cpu" && !is_for_cuda()) {
    return false;
  }
  bool available = false;
  std::string error;
  try {
    available = mx::is_available(mx::Device::gpu);
  } catch (const std::exception& e) {
    error = e.what();
  }
  // The MLX for NVIDIA GPUs takes all memory from the driver, for its CPU too.
  const bool needed = asked || is_for_cuda();
  if ((needed && !available) || (device == "cuda" && is_apple)) {
    throw InputError(
        "device", cuda_device_problem(device, is_apple, is_for_cuda(), error));
  }
  if (device == "cpu") {
    return false;
  }
  return available;
}

} // namespace

void start_mlx(const std::string& device, int threads) {
  check_mlx_version(mlx_built_for(), mlx_found());
  const bool gpu = wants_gpu(device);
  mx::set_default_device(gpu ? mx::Device::gpu : mx::Device::cpu);
  mx::set_compile_mode(
      gpu ? mx::CompileMode::enabled : mx::CompileMode::no_fuse);
  if (threads < 0 || threads > 1024) {
    throw UsageError(
        "threads",
        "expected 1 to 1024 (0: as many as BLAS likes) but received " +
            std::to_string(threads) + ".");
  }
  if constexpr (kernels::built) {
    kernels::apply_simd_limit();
    kernels::activation_bits(); // complains of a wrong LLM_ACTIVATION_BITS now
    kernels::set_threads(threads);
  }
  if (threads > 0) {
    if (auto set = find<void (*)(int)>("openblas_set_num_threads")) {
      set(threads);
    }
  }
}

std::string cuda_device_problem(
    const std::string& device,
    bool is_apple,
    bool for_cuda,
    const std::string& error) {
  if (device == "cuda" && is_apple) {
    return "expected an NVIDIA GPU but this is a Mac; write --device gpu.";
  }
  if (!error.empty()) {
    return "expected an NVIDIA GPU but its driver says: " + error +
        "; compare `nvidia-smi` with what MLX needs (driver 580 or later), or "
        "go back with ./tutorial start --device cpu.";
  }
  if (is_apple || !for_cuda) {
    return "expected a GPU but this MLX has none (CPU backend only); leave out "
           "--device " +
        device + (is_apple ? "." : ", or ./tutorial start --device cuda.");
  }
  return "expected an NVIDIA GPU, for which this MLX is built, but none "
         "answers; see `nvidia-smi`, or go back with ./tutorial start --device "
         "cpu.";
}

std::string device_name() {
  return mx::default_device() == mx::Device::gpu ? "gpu" : "cpu";
}

std::string blas_name() {
#ifdef __APPLE__
  return "Accelerate";
#else
  if (auto config = find<char* (*)()>("openblas_get_config")) {
    return config();
  }
  return "reference BLAS";
#endif
}

std::string kernels_name() {
  if constexpr (kernels::built) {
    if (kernels::fast_cpu() && device_name() == "cpu") {
      return kernels::simd_target();
    }
  }
  return "";
}

std::string backend_text() {
  const std::string name = kernels_name();
  if (device_name() == "gpu" && mx::cu::is_available()) {
    return device_text() + ", CUDA";
  }
  return device_name() + ", " + blas_name() +
      (name.empty() ? "" : ", " + name + " kernels");
}

double measure_sgemm_gflops(int size) {
  const mx::StreamOrDevice cpu = mx::Device(mx::Device::cpu);
  const mx::array a = mx::ones({size, size}, mx::float32, cpu);
  const mx::array b = mx::full({size, size}, 0.5f, cpu);
  mx::eval(a, b);
  double best = 0;
  for (int i = 0; i < 5; ++i) {
    const auto start = std::chrono::steady_clock::now();
    mx::eval(mx::matmul(a, b, cpu));
    const std::chrono::duration<double> time =
        std::chrono::steady_clock::now() - start;
    best = std::max(best, 2.0 * size * size * size / time.count() * 1e-9);
  }
  return best;
}

double device_memory_bytes() {
  if (device_name() == "gpu") {
    const auto& facts = mx::device_info(mx::default_device());
    for (const char* name : {"total_memory", "memory_size"}) {
      const auto found = facts.find(name);
      if (found != facts.end() &&
          std::holds_alternative<size_t>(found->second)) {
        return static_cast<double>(std::get<size_t>(found->second));
      }
    }
  }
  return static_cast<double>(sysconf(_SC_PHYS_PAGES)) *
      static_cast<double>(sysconf(_SC_PAGESIZE));
}

void check_memory(int64_t parameters) {
  const double copies = 7; // weights and two moments twice, gradients once
  const double needed =
      copies * sizeof(float) * static_cast<double>(parameters);
  const double there = device_memory_bytes();
  if (needed > there) {
    throw InputError(
        "memory",
        "training " + std::to_string(parameters) + " parameters needs " +
            format_bytes(needed) + " but this " +
            (device_name() == "gpu" ? "GPU" : "machine") + " has " +
            format_bytes(there) + "; choose a smaller --width or --layers.");
  }
}

std::string device_text() {
  if (device_name() == "cpu") {
    return "cpu";
  }
  const auto& facts = mx::device_info(mx::default_device());
  const auto found = facts.find("device_name");
  const bool named = found != facts.end() &&
      std::holds_alternative<std::string>(found->second);
  return named ? "gpu " + std::get<std::string>(found->second) : "gpu";
}

int64_t peak_memory_bytes() {
  if (device_name() == "gpu" && mx::cu::is_available()) {
    return static_cast<int64_t>(mx::get_peak_memory());
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
#ifdef __APPLE__
  return usage.ru_maxrss;
#else
  return int64_t{1024} * usage.ru_maxrss; // Linux counts kilobytes
#endif
}

} // namespace llm
