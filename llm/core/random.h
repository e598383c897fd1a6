// SPDX-License-Identifier: MIT
//
// Random numbers from explicit keys. A key is derived from (seed, purpose,
// step), never from a hidden generator, so a run that is resumed draws what the
// uninterrupted run would have drawn. The standard distributions differ between
// standard libraries; these functions give the same bits everywhere.
// Generator: SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom
// number generators", OOPSLA 2014).

#pragma once

#include <cstdint>
#include <string_view>

namespace llm {

/** One step of SplitMix64's output function: mixes all 64 bits. */
constexpr uint64_t mix64(uint64_t x) {
  x += 0x9e3779b97f4a7c15ull;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

/** The key of `purpose` at `step` in the run with `seed`. */
constexpr uint64_t
random_key(uint64_t seed, std::string_view purpose, uint64_t step = 0) {
  uint64_t key = mix64(seed);
  for (char c : purpose) {
    key = mix64(key ^ static_cast<unsigned char>(c));
  }
  return mix64(key ^ step);
}

/** A small stream of random numbers that starts at a key. */
class Random {
 public:
  explicit constexpr Random(uint64_t key) : state_(key) {}

  /** 64 uniform bits. */
  constexpr uint64_t next() {
    const uint64_t out = mix64(state_);
    state_ += 0x9e3779b97f4a7c15ull;
    return out;
  }

  /** Uniform in [0, 1) with 53 bits. */
  constexpr double uniform() {
    return static_cast<double>(next() >> 11) * 0x1.0p-53;
  }

  /** Uniform integer in [0, n), n > 0, without bias (rejection). */
  constexpr uint64_t below(uint64_t n) {
    const uint64_t limit = n * (UINT64_MAX / n);
    uint64_t x = next();
    while (x >= limit) {
      x = next();
    }
    return x % n;
  }

 private:
  uint64_t state_;
};

} // namespace llm
