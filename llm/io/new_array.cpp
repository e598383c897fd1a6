// SPDX-License-Identifier: MIT

#include "llm/io/new_array.h"

#include <utility>

#include <mlx/allocator.h>
#include <mlx/ops.h>

namespace llm {

namespace mx = mlx::core;

NewArray new_array(const mx::Shape& shape, mx::Dtype type) {
  size_t bytes = mx::size_of(type);
  for (const auto dimension : shape) {
    bytes *= static_cast<size_t>(dimension); // the headers' readers checked it
  }
  auto data = mx::allocator::malloc(bytes);
  char* memory = static_cast<char*>(data.buffer().raw_ptr());
  return {mx::array(std::move(data), shape, type), memory};
}

mx::array read_array(
    const ByteSource& source,
    uint64_t offset,
    const mx::Shape& shape,
    mx::Dtype type) {
  NewArray made = new_array(shape, type);
  source.read(offset, made.bytes, made.array.nbytes());
  return made.array;
}

} // namespace llm
