// SPDX-License-Identifier: MIT

#include "llm/io/gguf.h"

#include <algorithm>
#include <vector>

#include <mlx/ops.h>

#include "llm/core/error.h"
#include "llm/core/gguf.h"
#include "llm/io/new_array.h"

namespace llm {

namespace mx = mlx::core;

namespace {

constexpr size_t max_piece = size_t{1} << 17;

/** Gives `use` the blocks of a tensor, some at a time: (bytes, first, count).
 */
template <class Use>
void for_blocks(
    const ByteSource& source,
    uint64_t begin,
    const GgufTensorInfo& info,
    const Use& use) {
  const size_t block = info.type->block_bytes;
  const uint64_t total = (info.end - info.begin) / block;
  const size_t some = max_piece / block;
  std::vector<unsigned char> piece(std::min<uint64_t>(total, some) * block);
  for (uint64_t first = 0; first < total; first += some) {
    const size_t count = std::min<uint64_t>(total - first, some);
    source.read(
        begin + first * block,
        reinterpret_cast<char*>(piece.data()),
        count * block);
    use(piece.data(), first, count);
  }
}

GgufTensor read_affine(
    const ByteSource& source,
    uint64_t begin,
    const GgufTensorInfo& info,
    mx::Shape shape) {
  const GgufType& type = *info.type;
  const int row = shape.back();
  shape.back() = row / 32 * type.bits;
  NewArray weight = new_array(shape, mx::uint32);
  shape.back() = row / type.group;
  NewArray scales = new_array(shape, mx::float32);
  NewArray biases = new_array(shape, mx::float32);
  const size_t groups = type.block_elements / type.group; // of a block
  const size_t bytes = type.block_elements * type.bits / 8;
  for_blocks(
      source,
      begin,
      info,
      [&](const unsigned char* blocks, uint64_t first, size_t count) {
        gguf_to_affine(
            type,
            blocks,
            count,
            reinterpret_cast<unsigned char*>(weight.bytes) + first * bytes,
            reinterpret_cast<float*>(scales.bytes) + first * groups,
            reinterpret_cast<float*>(biases.bytes) + first * groups);
      });
  return {weight.array, scales.array, biases.array, type.bits, type.group};
}

mx::array read_numbers(
    const ByteSource& source,
    uint64_t begin,
    const GgufTensorInfo& info,
    const mx::Shape& shape) {
  NewArray numbers = new_array(shape, mx::float32);
  for_blocks(
      source,
      begin,
      info,
      [&](const unsigned char* blocks, uint64_t first, size_t count) {
        gguf_to_floats(
            *info.type,
            blocks,
            count,
            reinterpret_cast<float*>(numbers.bytes) +
                first * info.type->block_elements);
      });
  return numbers.array;
}

GgufTensor read_tensor(
    const ByteSource& source,
    uint64_t begin,
    const GgufTensorInfo& info) {
  const mx::Shape shape(info.shape.begin(), info.shape.end());
  if (info.type->bits == 0) {
    const mx::Dtype type = info.type->name == "F32" ? mx::float32
        : info.type->name == "F16"                  ? mx::float16
                                                    : mx::bfloat16;
    return {read_array(source, begin, shape, type), {}, {}};
  }
  // MLX quantizes matrices in groups of 32 and more.
  if (info.type->group == 32 && shape.size() > 1) {
    return read_affine(source, begin, info, shape);
  }
  return {read_numbers(source, begin, info, shape), {}, {}};
}

void check_whole(const GgufMetadata& metadata) {
  const int64_t parts = gguf_int_or(metadata, "split.count", 1);
  if (parts > 1) {
    throw InputError(
        metadata.where,
        "expected a model in one file but this is one of " +
            std::to_string(parts) +
            " parts; merge them with llama.cpp's "
            "gguf-split --merge.");
  }
}

} // namespace

GgufContent parse_gguf(const ByteSource& source, std::string_view where) {
  GgufHeader header = parse_gguf_header(source, where);
  check_whole(header.metadata);
  GgufContent content;
  for (const auto& [name, info] : header.tensors) {
    content.tensors.emplace(
        name, read_tensor(source, header.data_offset + info.begin, info));
  }
  content.metadata = std::move(header.metadata);
  return content;
}

GgufContent load_gguf(const std::filesystem::path& path) {
  const FileSource file(path);
  GgufContent content = parse_gguf(file, path.string());
  file.check_size();
  return content;
}

mx::array dequantize(const GgufTensor& tensor) {
  if (tensor.bits == 0) {
    return mx::astype(tensor.weight, mx::float32);
  }
  return mx::dequantize(
      tensor.weight,
      *tensor.scales,
      tensor.biases,
      tensor.group_size,
      tensor.bits);
}

} // namespace llm
