// SPDX-License-Identifier: MIT
//
// How GGUF stores tensors: plain numbers, or blocks of 32 or 256 elements. In
// the types that are read here every element of a block is
//   code * scale + bias,   scale and bias shared by a group of 32 (Q6_K: 16),
// which is MLX's affine quantization. Scales are float16 times a small integer,
// so float32 holds every product exactly: the sum is rounded once, as in ggml.
// Layouts: ggml-common.h and ggml-quants.c of ggml.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace llm {

/** One type of tensor. */
struct GgufType {
  uint32_t id;             ///< its number in the file
  std::string_view name;   ///< "F32", "Q4_K", ...
  uint32_t block_elements; ///< rows are a multiple of it
  uint32_t block_bytes;
  int bits;  ///< of a code; 0: plain numbers
  int group; ///< elements that share a scale; 0: plain numbers
};

/** The type with this number, or nullptr when it is not supported. */
const GgufType* find_gguf_type(uint32_t id);

/** "Q2_K" for 10, "type 99" for a number that no one has given a name. */
std::string gguf_type_name(uint32_t id);

/** "F32, F16, ...": for messages. */
std::string supported_gguf_types();

/** The float32 of a float16's bits. */
float half_to_float(uint16_t bits);

/** One block: element i is codes[i] * scales[i / group] + biases[i / group]. */
struct GgufBlock {
  std::array<uint8_t, 256> codes;
  std::array<float, 16> scales;
  std::array<float, 16> biases;
};

/** Reads a block of `type`, which has codes, at `bytes`. */
void decode_gguf_block(
    const GgufType& type,
    const unsigned char* bytes,
    GgufBlock& block);

/**
 * `blocks` blocks as MLX's affine quantization: the codes of 32 elements in
 * `bits` words of 32 bits, least significant bit first, whatever the bits;
 * `scales` and `biases` of each group.
 */
void gguf_to_affine(
    const GgufType& type,
    const unsigned char* bytes,
    size_t blocks,
    unsigned char* words,
    float* scales,
    float* biases);

/** `blocks` blocks as numbers. */
void gguf_to_floats(
    const GgufType& type,
    const unsigned char* bytes,
    size_t blocks,
    float* numbers);

} // namespace llm
