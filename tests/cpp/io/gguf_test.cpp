// SPDX-License-Identifier: MIT
//
// Loading GGUF files: values, and files that change while they are read. The
// values of every type are compared in tests/python/test_gguf_oracle.py.

#include <doctest/doctest.h>
#include <mlx/mlx.h>

#include <filesystem>
#include <string>

#include "llm/core/error.h"
#include "llm/io/gguf.h"
#include "tests/cpp/core/gguf_file.h"
#include "tests/cpp/core/temporary_folder.h"

using namespace llm;
using namespace llm::test;
namespace mx = mlx::core;

namespace {

/** A file that somebody shortens once its start has been read. */
class ShrinkingFile : public ByteSource {
 public:
  ShrinkingFile(const std::filesystem::path& path, uint64_t left)
      : path_(path), left_(left), file_(path) {}
  uint64_t size() const override {
    return file_.size();
  }
  void read(uint64_t offset, char* buffer, size_t size) const override {
    file_.read(offset, buffer, size);
    std::filesystem::resize_file(path_, left_);
  }

 private:
  std::filesystem::path path_;
  uint64_t left_;
  FileSource file_;
};

/** sample_gguf() with so much data that it is read in pieces. */
GgufFile large_gguf() {
  GgufFile file;
  file.tensors = {{"w", {256, 4096}, 2, 0}};
  file.data = std::string(size_t{18} * 8 * 4096, '\1');
  return file;
}

} // namespace

TEST_CASE("load_gguf: tensors and metadata") {
  TemporaryFolder folder;
  put(folder / "m.gguf", sample_gguf().bytes());
  const GgufContent content = load_gguf(folder / "m.gguf");
  CHECK(gguf_int(content.metadata, "llama.block_count") == 30);
  REQUIRE(content.tensors.size() == 3);
  const GgufTensor& wte = content.tensors.at("wte");
  CHECK(wte.bits == 4);
  CHECK(wte.group_size == 32);
  CHECK(wte.weight.shape() == mx::Shape{3, 4});
  CHECK(wte.scales->shape() == mx::Shape{3, 1});
  // Every byte is 1: scale 0x0101, codes 1 and 0 with 8 as the middle.
  const float scale = 257 * 0x1p-24f;
  const mx::array numbers = dequantize(wte);
  mx::eval(const_cast<mx::array&>(numbers));
  REQUIRE(numbers.shape() == mx::Shape{3, 32});
  CHECK(numbers.data<float>()[0] == -7 * scale);
  CHECK(numbers.data<float>()[16] == -8 * scale);
  const GgufTensor& bias = content.tensors.at("bias");
  CHECK(bias.bits == 0);
  CHECK(bias.weight.dtype() == mx::float16);
  CHECK(dequantize(bias).dtype() == mx::float32);
}

TEST_CASE("load_gguf: a file that is shortened while it is read") {
  TemporaryFolder folder;
  const std::string bytes = large_gguf().bytes();
  CHECK_NOTHROW(parse_gguf(MemorySource(bytes), "f"));
  for (const uint64_t left :
       {uint64_t{0}, uint64_t{100}, bytes.size() / 2, bytes.size() - 1}) {
    put(folder / "m.gguf", bytes);
    const ShrinkingFile file(folder / "m.gguf", left);
    const std::string message =
        message_of<InputError>([&] { parse_gguf(file, "f"); });
    CHECK(message.find("changed while it was read") != std::string::npos);
  }
}

TEST_CASE("load_gguf: one part of several, and what is no file") {
  TemporaryFolder folder;
  GgufFile file = sample_gguf();
  file.pairs.push_back(gguf_pair<uint16_t>("split.count", 2, 1));
  put(folder / "m.gguf", file.bytes());
  CHECK_NOTHROW(load_gguf(folder / "m.gguf"));
  file.pairs.back() = gguf_pair<uint16_t>("split.count", 2, 3);
  put(folder / "m.gguf", file.bytes());
  CHECK(message_of<InputError>([&] {
          load_gguf(folder / "m.gguf");
        }).find("one of 3 parts") != std::string::npos);
  CHECK_THROWS_AS(load_gguf(folder / "none"), InputError);
  CHECK_THROWS_AS(load_gguf(folder.path()), InputError);
}
