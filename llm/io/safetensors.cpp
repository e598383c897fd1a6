// SPDX-License-Identifier: MIT

#include "llm/io/safetensors.h"

#include <array>
#include <cstring>
#include <utility>

#include <mlx/ops.h>
#include <mlx/transforms.h>

#include "llm/core/error.h"
#include "llm/core/files.h"
#include "llm/core/safetensors.h"

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

mx::array to_array(
    const TensorInfo& info,
    std::string_view data,
    const std::string& name) {
  const mx::Shape shape(info.shape.begin(), info.shape.end());
  const mx::Dtype type = to_mlx(info.dtype, name);
  if (info.begin == info.end) {
    return mx::zeros(shape, type);
  }
  // A view first: the copy below is aligned, the file's bytes may not be.
  char* copy = static_cast<char*>(std::malloc(info.end - info.begin));
  if (copy == nullptr) {
    throw std::bad_alloc();
  }
  std::memcpy(copy, data.data() + info.begin, info.end - info.begin);
  return mx::array(copy, shape, type, [](void* p) { std::free(p); });
}

} // namespace

SafetensorsContent parse_safetensors(
    std::string_view bytes,
    std::string_view where) {
  const SafetensorsHeader header =
      parse_safetensors_header(bytes, bytes.size(), where);
  const std::string_view data = bytes.substr(header.data_offset);
  SafetensorsContent content{{}, header.metadata};
  for (const auto& [name, info] : header.tensors) {
    content.arrays.emplace(name, to_array(info, data, name));
  }
  return content;
}

SafetensorsContent load_safetensors(const std::filesystem::path& path) {
  const uint64_t limit = uint64_t{1} << 40; // the header's checks come first
  return parse_safetensors(read_file(path, limit), path.string());
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
