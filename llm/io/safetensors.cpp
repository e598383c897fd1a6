// SPDX-License-Identifier: MIT

#include "llm/io/safetensors.h"

#include <array>
#include <cstring>
#include <utility>

#include <mlx/ops.h>
#include <mlx/transforms.h>

#include "llm/core/byte_source.h"
#include "llm/core/error.h"
#include "llm/io/new_array.h"

namespace llm {

namespace mx = mlx::core;

namespace {

const std::array<std::pair<std::string_view, mx::Dtype>, 12>& dtypes() {
  static const std::array<std::pair<std::string_view, mx::Dtype>, 12> table = {
      {{"F32", mx::float32},
       {"F16", mx::float16},
       {"BF16", mx::bfloat16},
       {"I8", mx::int8},
       {"I16", mx::int16},
       {"I32", mx::int32},
       {"I64", mx::int64},
       {"U8", mx::uint8},
       {"U16", mx::uint16},
       {"U32", mx::uint32},
       {"U64", mx::uint64},
       {"BOOL", mx::bool_}}};
  return table;
}

mx::Dtype to_mlx(const std::string& dtype, const std::string& tensor) {
  for (const auto& [name, type] : dtypes()) {
    if (name == dtype) {
      return type;
    }
  }
  throw InputError(
      "safetensors",
      "tensor " + tensor + " has the type " + dtype +
          ", which MLX cannot hold; convert it to F32, F16 or BF16.");
}

std::string_view to_name(mx::Dtype type) {
  for (const auto& [name, known] : dtypes()) {
    if (known == type) {
      return name;
    }
  }
  throw UsageError(
      "safetensors", "expected a real number type but received complex64.");
}

} // namespace

Arrays read_safetensors_arrays(
    const ByteSource& source,
    const SafetensorsHeader& header) {
  Arrays arrays;
  for (const auto& [name, info] : header.tensors) {
    const mx::Shape shape(info.shape.begin(), info.shape.end());
    const mx::Dtype type = to_mlx(info.dtype, name);
    arrays.emplace(
        name,
        info.begin == info.end
            ? mx::zeros(shape, type)
            : read_array(source, header.data_offset + info.begin, shape, type));
  }
  return arrays;
}

SafetensorsContent parse_safetensors(
    std::string_view bytes,
    std::string_view where) {
  const auto header = parse_safetensors_header(bytes, bytes.size(), where);
  return {
      read_safetensors_arrays(MemorySource(bytes), header), header.metadata};
}

SafetensorsContent load_safetensors(const std::filesystem::path& path) {
  const FileSource file(path);
  const auto header = read_safetensors_header(file, path.string());
  SafetensorsContent content{
      read_safetensors_arrays(file, header), header.metadata};
  file.check_size();
  return content;
}

std::string safetensors_bytes(
    const Arrays& arrays,
    const std::map<std::string, std::string>& metadata) {
  std::map<std::string, TensorInfo> tensors;
  std::vector<mx::array> rows; // row-contiguous, in the order of the map
  for (const auto& [name, array] : arrays) {
    rows.push_back(mx::contiguous(array));
    TensorInfo info;
    info.dtype = to_name(array.dtype());
    info.shape.assign(array.shape().begin(), array.shape().end());
    info.end = array.nbytes();
    tensors.emplace(name, info);
  }
  mx::eval(rows);
  const uint64_t total = place_tensors(tensors);
  std::string bytes = safetensors_header_bytes(tensors, metadata);
  const size_t start = bytes.size();
  bytes.resize(start + total);
  size_t i = 0;
  for (const auto& [name, info] : tensors) {
    std::memcpy(
        bytes.data() + start + info.begin,
        rows[i++].data<char>(),
        info.end - info.begin);
  }
  return bytes;
}

} // namespace llm
