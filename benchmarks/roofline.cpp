// SPDX-License-Identifier: MIT
//
// The two limits of a machine that a roofline needs: products of float32
// matrices (FLOP a second, through MLX and its BLAS) and reading memory (bytes
// a second, far more of them than any cache holds). Prints one line of JSON.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <iostream>
#include <thread>

#include <CLI/CLI.hpp>

#include "llm/core/error.h"
#include "llm/core/json.h"
#include "llm/core/program.h"
#include "llm/nn/backend.h"

namespace llm {

using Words = std::vector<uint64_t>;

/** Four sums, so that additions do not wait for each other. */
uint64_t sum(const uint64_t* words, size_t n) {
  uint64_t a = 0, b = 0, c = 0, d = 0;
  for (size_t i = 0; i + 4 <= n; i += 4) {
    a += words[i];
    b += words[i + 1];
    c += words[i + 2];
    d += words[i + 3];
  }
  return a + b + c + d;
}

/** GB/s of `threads` threads that each read their part; the best of some. */
double measure_reading(const Words& words, int threads) {
  double best = 0;
  std::atomic<uint64_t> total = 0; // used, or the compiler would read nothing
  for (int i = 0; i < 7; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const size_t part = words.size() / threads;
    std::vector<std::thread> workers;
    for (int t = 0; t < threads; ++t) {
      workers.emplace_back(
          [&, t] { total += sum(words.data() + t * part, part); });
    }
    for (std::thread& worker : workers) {
      worker.join();
    }
    const std::chrono::duration<double> time =
        std::chrono::steady_clock::now() - start;
    const double bytes = sizeof(uint64_t) * static_cast<double>(words.size());
    best = std::max(best, bytes / time.count() * 1e-9);
  }
  if (total == 0) {
    throw NumericError("roofline", "expected a sum but received 0.");
  }
  return best;
}

int run(int threads, int megabytes) {
  start_mlx("cpu", threads);
  const Words words(size_t(megabytes) * (1 << 20) / sizeof(uint64_t), 1);
  const Json facts = {
      {"gflops", measure_sgemm_gflops(2048)},
      {"read_gb_per_s", measure_reading(words, threads)},
      {"threads", threads}};
  std::cout << facts.dump() << "\n";
  return 0;
}

} // namespace llm

int main(int argc, char** argv) {
  return llm::run_program("roofline", [&] {
    int threads = 1, megabytes = 1024;
    CLI::App app{"Measure matrix products and reading of memory."};
    app.add_option("--threads", threads)->check(CLI::Range(1, 1024));
    app.add_option("--megabytes", megabytes, "to read, more than the caches")
        ->check(CLI::Range(1, 65536));
    try {
      app.parse(argc, argv);
    } catch (const CLI::Success& help) {
      return app.exit(help);
    } catch (const CLI::ParseError& error) {
      throw llm::UsageError(
          "options", std::string(error.what()) + "; see --help.");
    }
    return llm::run(threads, megabytes);
  });
}
