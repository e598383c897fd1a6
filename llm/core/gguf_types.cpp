// SPDX-License-Identifier: MIT

#include "llm/core/gguf_types.h"

#include <bit>
#include <cstring>

#include "llm/core/error.h"

namespace llm {

namespace {

constexpr GgufType types[] = {
    {0, "F32", 1, 4, 0, 0},
    {1, "F16", 1, 2, 0, 0},
    {30, "BF16", 1, 2, 0, 0},
    {2, "Q4_0", 32, 18, 4, 32},
    {3, "Q4_1", 32, 20, 4, 32},
    {6, "Q5_0", 32, 22, 5, 32},
    {7, "Q5_1", 32, 24, 5, 32},
    {8, "Q8_0", 32, 34, 8, 32},
    {12, "Q4_K", 256, 144, 4, 32},
    {13, "Q5_K", 256, 176, 5, 32},
    {14, "Q6_K", 256, 210, 6, 16},
};

// By number; "" was withdrawn.
constexpr std::string_view type_names[] = {
    "F32",   "F16",   "Q4_0",    "Q4_1",   "",        "",      "Q5_0",
    "Q5_1",  "Q8_0",  "Q8_1",    "Q2_K",   "Q3_K",    "Q4_K",  "Q5_K",
    "Q6_K",  "Q8_K",  "IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S", "IQ4_NL",
    "IQ3_S", "IQ2_S", "IQ4_XS",  "I8",     "I16",     "I32",   "I64",
    "F64",   "IQ1_M", "BF16",    "",       "",        "",      "TQ1_0",
    "TQ2_0", "",      "",        "",       "MXFP4",
};

float half_at(const unsigned char* bytes) {
  return half_to_float(
      static_cast<uint16_t>(bytes[0] | static_cast<unsigned>(bytes[1]) << 8));
}

/** 16 bytes hold element i in the low half of byte i, i + 16 in the high. */
void low_and_high(const unsigned char* bytes, uint8_t* codes, int half) {
  for (int i = 0; i < half; ++i) {
    codes[i] = bytes[i] & 0xF;
    codes[i + half] = bytes[i] >> 4;
  }
}

/** The fifth bit of 32 codes: bit i of a little-endian word. */
void add_fifth_bit(const unsigned char* bytes, uint8_t* codes) {
  for (int i = 0; i < 32; ++i) {
    codes[i] |= static_cast<uint8_t>((bytes[i / 8] >> i % 8 & 1) << 4);
  }
}

/** Q4_0, Q4_1, Q5_0, Q5_1, Q8_0: scale [minimum] [fifth bits] codes. */
void decode_32(
    const GgufType& type,
    const unsigned char* bytes,
    GgufBlock& block) {
  const float scale = half_at(bytes);
  block.scales[0] = scale;
  if (type.name == "Q8_0") { // signed: -128 to 127
    for (int i = 0; i < 32; ++i) {
      block.codes[i] = bytes[2 + i] ^ 0x80;
    }
    block.biases[0] = -128 * scale;
    return;
  }
  const bool has_minimum = type.name.back() == '1';
  const float middle = type.bits == 4 ? 8 : 16;
  block.biases[0] = has_minimum ? half_at(bytes + 2) : -middle * scale;
  const unsigned char* rest = bytes + (has_minimum ? 4 : 2);
  low_and_high(rest + (type.bits == 5 ? 4 : 0), block.codes.data(), 16);
  if (type.bits == 5) {
    add_fifth_bit(rest, block.codes.data());
  }
}

/** Q4_K, Q5_K: two float16, 8 pairs of 6-bit (scale, minimum) in 12 bytes,
 * [fifth bits: bit g of byte i for element i of group g] codes. */
void decode_k(
    const GgufType& type,
    const unsigned char* bytes,
    GgufBlock& block) {
  const float scale = half_at(bytes);
  const float minimum = half_at(bytes + 2);
  const unsigned char* packed = bytes + 4;
  for (int g = 0; g < 8; ++g) {
    const int low = g % 4;
    const int s = g < 4 ? packed[low] & 63
                        : (packed[low + 8] & 0xF) | (packed[low] >> 6) << 4;
    const int m = g < 4 ? packed[low + 4] & 63
                        : packed[low + 8] >> 4 | (packed[low + 4] >> 6) << 4;
    block.scales[g] = scale * static_cast<float>(s);
    block.biases[g] = -(minimum * static_cast<float>(m));
  }
  const unsigned char* high = bytes + 16;
  const unsigned char* codes = high + (type.bits == 5 ? 32 : 0);
  for (int pair = 0; pair < 4; ++pair) {
    low_and_high(codes + 32 * pair, block.codes.data() + 64 * pair, 32);
  }
  if (type.bits == 5) {
    for (int i = 0; i < 256; ++i) {
      block.codes[i] |= static_cast<uint8_t>((high[i % 32] >> i / 32 & 1) << 4);
    }
  }
}

/** Q6_K: 128 bytes of low halves, 64 of upper two bits, 16 signed scales. */
void decode_6k(const unsigned char* bytes, GgufBlock& block) {
  const unsigned char* low = bytes;
  const unsigned char* high = bytes + 128;
  for (int i = 0; i < 256; ++i) {
    const int half = i / 128;       // of the block: 128 elements each
    const int quarter = i / 32 % 4; // of the half
    const int nibbles = low[half * 64 + i % 64] >> (quarter / 2 * 4) & 0xF;
    const int pair = high[half * 32 + i % 32] >> (quarter * 2) & 3;
    block.codes[i] = static_cast<uint8_t>(nibbles | pair << 4);
  }
  const float scale = half_at(bytes + 208);
  for (int g = 0; g < 16; ++g) {
    const int s = static_cast<int8_t>(bytes[192 + g]);
    block.scales[g] = scale * static_cast<float>(s);
    block.biases[g] = -32 * block.scales[g];
  }
}

/** Eight codes become `bits` bytes. */
void pack(const uint8_t* codes, size_t count, int bits, unsigned char* out) {
  for (size_t i = 0; i < count; i += 8) {
    uint64_t packed = 0;
    for (int j = 0; j < 8; ++j) {
      packed |= static_cast<uint64_t>(codes[i + j]) << (bits * j);
    }
    for (int j = 0; j < bits; ++j) {
      *out++ = static_cast<unsigned char>(packed >> (8 * j));
    }
  }
}

} // namespace

const GgufType* find_gguf_type(uint32_t id) {
  for (const GgufType& type : types) {
    if (type.id == id) {
      return &type;
    }
  }
  return nullptr;
}

std::string gguf_type_name(uint32_t id) {
  if (id < std::size(type_names) && !type_names[id].empty()) {
    return std::string(type_names[id]);
  }
  return "type " + std::to_string(id);
}

std::string supported_gguf_types() {
  std::string names;
  for (const GgufType& type : types) {
    names += (names.empty() ? "" : ", ") + std::string(type.name);
  }
  return names;
}

float half_to_float(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000) << 16;
  const uint32_t exponent = bits >> 10 & 0x1F;
  const uint32_t fraction = bits & 0x3FF;
  if (exponent == 0) { // zero and subnormal numbers: fraction * 2^-24
    const float value = static_cast<float>(fraction) * 0x1p-24f;
    return sign ? -value : value;
  }
  const uint32_t wide = exponent == 31 ? 0xFF : exponent + 112;
  return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
}

void decode_gguf_block(
    const GgufType& type,
    const unsigned char* bytes,
    GgufBlock& block) {
  if (type.bits == 0) {
    throw UsageError(
        "gguf",
        "expected a type in blocks but received " + std::string(type.name) +
            ".");
  }
  if (type.block_elements == 32) {
    decode_32(type, bytes, block);
  } else if (type.group == 32) {
    decode_k(type, bytes, block);
  } else {
    decode_6k(bytes, block);
  }
}

void gguf_to_affine(
    const GgufType& type,
    const unsigned char* bytes,
    size_t blocks,
    unsigned char* words,
    float* scales,
    float* biases) {
  const size_t groups = type.block_elements / type.group;
  GgufBlock block;
  for (size_t b = 0; b < blocks; ++b) {
    decode_gguf_block(type, bytes + b * type.block_bytes, block);
    pack(block.codes.data(), type.block_elements, type.bits, words);
    words += type.block_elements * type.bits / 8;
    std::memcpy(scales + b * groups, &block.scales, groups * sizeof(float));
    std::memcpy(biases + b * groups, &block.biases, groups * sizeof(float));
  }
}

void gguf_to_floats(
    const GgufType& type,
    const unsigned char* bytes,
    size_t blocks,
    float* numbers) {
  GgufBlock block;
  for (size_t b = 0; b < blocks; ++b) {
    decode_gguf_block(type, bytes + b * type.block_bytes, block);
    for (uint32_t i = 0; i < type.block_elements; ++i) {
      *numbers++ =
          static_cast<float>(block.codes[i]) * block.scales[i / type.group] +
          block.biases[i / type.group];
    }
  }
}

} // namespace llm
