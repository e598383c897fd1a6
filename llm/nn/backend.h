// SPDX-License-Identifier: MIT
//
// Which MLX, which device, which BLAS. Every program calls start_mlx() first.

#pragma once

#include <cstdint>
#include <string>

namespace llm {

/** The MLX this program was compiled for, and the one it found. */
std::string mlx_built_for();
std::string mlx_found();

/**
 * InputError (exit 3) unless both are the same release: MLX's C++ interface
 * changes with every patch.
 */
void check_mlx_version(const std::string& built_for, const std::string& found);

/** What --device takes, for the help of a program. */
inline constexpr const char* device_help =
    "cpu, gpu or cuda (a gpu of NVIDIA); default: a gpu if any";

/** Why there is no GPU, though --device asks for one; `for_cuda`: MLX is built
 * for NVIDIA GPUs; `error`: what it said when asked, if it failed. */
std::string cuda_device_problem(
    const std::string& device,
    bool is_apple,
    bool for_cuda,
    const std::string& error);

/**
 * Checks the version, chooses the device ("cpu", "gpu" or "cuda", which are one
 * thing on Linux, or "" for the GPU where MLX has one) and the number of BLAS
 * threads (0: as many as BLAS likes).
 * InputError when a GPU is asked for, or MLX is built for one, and there is
 * none; UsageError when
 * LLM_SIMD in the environment is a wrong word. On the CPU compiled
 * graphs are not fused: fusing would call a C++ compiler in mid-run and gains
 * nothing there.
 */
void start_mlx(const std::string& device = "", int threads = 0);

/** "cpu" or "gpu": where arrays are computed by default. */
std::string device_name();

/** Which BLAS multiplies matrices: "OpenBLAS 0.3.21 ...", "Accelerate" or
 * "reference BLAS". */
std::string blas_name();

/** The instructions of our fused CPU operations (llm/kernels): "AVX3", "AVX2",
 * ...; "" where MLX's own operations run: on a GPU, on a Mac, or with
 * LLM_FAST_CPU=0. */
std::string kernels_name();

/** "cpu, OpenBLAS 0.3.21 ..., AVX3 kernels": all of the above in one line. */
std::string backend_text();

/** Measured speed of a float32 matrix product on the CPU, in GFLOP/s: the best
 * of a few products of size x size matrices. Takes about 0.1 s. */
double measure_sgemm_gflops(int size = 512);

/** InputError when training `parameters` weights cannot fit into this machine's
 * memory: weights, gradients and moments, before and after an update. */
void check_memory(int64_t parameters);

/** What the default device has: a GPU's memory, or the machine's. */
double device_memory_bytes();

/** "cpu", or "gpu" with the name that its driver gives it. */
std::string device_text();

/** The most memory this process has had in use, in bytes; on an NVIDIA GPU: of
 * the GPU's. */
int64_t peak_memory_bytes();

} // namespace llm
