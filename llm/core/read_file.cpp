// SPDX-License-Identifier: MIT

#include <algorithm>

#include "llm/core/byte_source.h"
#include "llm/core/error.h"
#include "llm/core/files.h"
#include "llm/core/utf8.h"

namespace llm {

namespace fs = std::filesystem;

std::string read_file(const fs::path& path, uint64_t max_bytes) {
  const FileSource file(path);
  if (file.size() > max_bytes) {
    throw InputError(
        "files",
        "expected at most " + std::to_string(max_bytes) + " bytes in " +
            quote(path.string(), 200) + " but received " +
            std::to_string(file.size()) + "; choose a smaller file.");
  }
  std::string bytes(static_cast<size_t>(file.size()), '\0');
  file.read(0, bytes.data(), bytes.size());
  file.check_size();
  return bytes;
}

std::string
read_file_start(const fs::path& path, uint64_t max_bytes, uint64_t* file_size) {
  const FileSource file(path);
  if (file_size != nullptr) {
    *file_size = file.size();
  }
  std::string bytes(
      static_cast<size_t>(std::min(max_bytes, file.size())), '\0');
  file.read(0, bytes.data(), bytes.size());
  return bytes;
}

uint64_t read_file_in_pieces(
    const fs::path& path,
    const std::function<void(std::string_view)>& piece) {
  const FileSource file(path);
  constexpr uint64_t max_piece = uint64_t{1} << 20;
  std::string buffer(
      static_cast<size_t>(std::min(file.size(), max_piece)), '\0');
  for (uint64_t place = 0; place < file.size();) {
    const auto size = static_cast<size_t>(
        std::min<uint64_t>(file.size() - place, buffer.size()));
    file.read(place, buffer.data(), size);
    piece(std::string_view(buffer).substr(0, size));
    place += size;
  }
  file.check_size();
  return file.size();
}

} // namespace llm
