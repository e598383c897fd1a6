// SPDX-License-Identifier: MIT
//
// The rules of the GGUF header reader. tests/python/test_gguf_oracle.py
// compares what is accepted with the gguf package.

#include <doctest/doctest.h>

#include <sys/stat.h>

#include <string>
#include <vector>

#include "gguf_file.h"
#include "llm/core/error.h"
#include "llm/core/gguf.h"
#include "temporary_folder.h"

using namespace llm;
using namespace llm::test;

namespace {

GgufHeader parse(const std::string& bytes) {
  return parse_gguf_header(MemorySource(bytes), "f");
}

/** The message for a file, "" when accepted. */
std::string rejection(const std::string& bytes) {
  try {
    parse(bytes);
    return "";
  } catch (const InputError& e) {
    return e.what();
  }
}

/** A file with one tensor over `bytes` bytes of data. */
std::string with_tensor(const GgufFileTensor& tensor, size_t bytes = 8) {
  GgufFile file;
  file.tensors = {tensor};
  file.data = std::string(bytes, 'd');
  return file.bytes();
}

} // namespace

TEST_CASE("gguf: a good file of both versions") {
  for (const uint32_t version : {2u, 3u}) {
    GgufFile file = sample_gguf();
    file.version = version;
    const GgufHeader header = parse(file.bytes());
    CHECK(header.version == version);
    CHECK(header.tensors.size() == 3);
    CHECK(header.data_offset % 32 == 0);
    const GgufTensorInfo& wte = header.tensors.at("wte");
    CHECK(wte.type->name == "Q4_0");
    CHECK(wte.shape == std::vector<int64_t>{3, 32});
    CHECK(wte.end - wte.begin == 54);
    CHECK(header.tensors.at("norm").shape == std::vector<int64_t>{1, 2});
    CHECK(header.metadata.values.size() == 17);
  }
}

TEST_CASE("gguf: truncation at every byte is rejected") {
  const std::string file = sample_gguf().bytes();
  TemporaryFolder folder;
  for (size_t size = 0; size < file.size(); ++size) {
    CAPTURE(size);
    CHECK(rejection(file.substr(0, size)) != "");
    put(folder / "cut", file.substr(0, size));
    CHECK_THROWS_AS(
        parse_gguf_header(FileSource(folder / "cut"), "f"), InputError);
  }
  // The padding of the last tensor may be there, all of it or nothing.
  const size_t padding = 128 - 104;
  CHECK(rejection(file + std::string(padding, '\0')) == "");
  CHECK(rejection(file + std::string(padding - 1, '\0')) != "");
  CHECK(rejection(file + std::string(padding + 1, '\0')) != "");
}

TEST_CASE("gguf: magic, version and counts") {
  const auto file = [](auto change) {
    GgufFile file = sample_gguf();
    change(file);
    return rejection(file.bytes());
  };
  CHECK(file([](GgufFile&) {}) == "");
  CHECK(file([](GgufFile& f) { f.magic = "GGUf"; }) != "");
  CHECK(file([](GgufFile& f) { f.magic = "FUGG"; }) != "");
  CHECK(file([](GgufFile& f) { f.magic = "ggml"; }) != "");
  for (const uint32_t version : {0u, 1u, 4u, 99u, 0xFFFFFFFFu}) {
    CHECK(file([&](GgufFile& f) { f.version = version; }) != "");
  }
  CHECK(file([](GgufFile& f) {
          f.version = 0x03000000;
        }).find("big-endian") != std::string::npos);
  for (const uint64_t more :
       {uint64_t{1},
        uint64_t{1000},
        uint64_t{1} << 31,
        uint64_t{1} << 32,
        uint64_t{1} << 61,
        uint64_t{1} << 63,
        UINT64_MAX - 17,
        UINT64_MAX - 3}) {
    CAPTURE(more);
    CHECK(file([&](GgufFile& f) { f.extra_tensors = more; }) != "");
    CHECK(file([&](GgufFile& f) { f.extra_pairs = more; }) != "");
  }
  CHECK(file([](GgufFile& f) { f.extra_tensors = UINT64_MAX; }) != "");
  CHECK(file([](GgufFile& f) { f.extra_pairs = UINT64_MAX; }) != "");
  CHECK(rejection("") != "");
  CHECK(rejection(GgufFile{}.bytes()) == ""); // nothing in it, and valid
}

TEST_CASE("gguf: names, shapes and types of tensors") {
  CHECK(rejection(with_tensor({})) == "");
  CHECK(rejection(with_tensor({std::string(64, 'n')})) == "");
  CHECK(rejection(with_tensor({std::string(65, 'n')})) != "");
  CHECK(rejection(with_tensor({std::string(1000, 'n')})) != "");
  CHECK(rejection(with_tensor({""})) != "");
  CHECK(rejection(with_tensor({"\xc0\x80"})) != "");
  const std::vector<std::vector<uint64_t>> bad_shapes = {
      {},
      {0},
      {2, 0},
      {0, 2},
      {2, 1, 1, 1, 1}, // 5 dimensions
      {3},
      {1},
      {2, 2},
      {uint64_t{1} << 31},
      {uint64_t{1} << 32, uint64_t{1} << 32},
      {65536, 65536, 65536, 65536}, // 2^64
      {2147483647, 2147483647, 2147483647, 2147483647},
      {(uint64_t{1} << 62) + 2},
      {uint64_t{1} << 63},
      {UINT64_MAX},
      {UINT64_MAX, UINT64_MAX}};
  for (const auto& shape : bad_shapes) {
    CAPTURE(shape.size());
    const std::string message = rejection(with_tensor({"w", shape}));
    CHECK(message.find("\"w\"") != std::string::npos);
  }
  for (const auto& shape : {std::vector<uint64_t>{0}, {2, 0}, {0, 2}}) {
    const std::string message = rejection(with_tensor({"w", shape}));
    CHECK(message.find("dimensions from 1 to") != std::string::npos);
  }
  for (const uint32_t rank : {5u, 100u, 0x80000000u, 0xFFFFFFFFu}) {
    GgufFileTensor tensor;
    tensor.head = gguf_text("t") + raw(rank) + std::string(64, '\1');
    CHECK(rejection(with_tensor(tensor)) != "");
  }
  CHECK(rejection(with_tensor({"q", {32}, 2}, 18)) == "");
  CHECK(rejection(with_tensor({"q", {33}, 2}, 18)) != "");
  CHECK(rejection(with_tensor({"q", {16, 2}, 2}, 18)) != ""); // half a block
  CHECK(rejection(with_tensor({"q", {128}, 12}, 72)) != "");
  CHECK(rejection(with_tensor({"q", {256}, 12}, 144)) == "");
  for (const uint32_t type :
       {4u, 9u, 10u, 15u, 26u, 28u, 39u, 40u, 0x80000000u, 0xFFFFFFFFu}) {
    CHECK(rejection(with_tensor({"q", {256}, type}, 4096)) != "");
  }
  CHECK(
      rejection(with_tensor({"blk.0.w", {256}, 10}, 84)) ==
      "[f] expected one of the types F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, "
      "Q8_0, Q4_K, Q5_K, Q6_K in tensor \"blk.0.w\" but received Q2_K; choose "
      "a file in another quantization.");
}

TEST_CASE("gguf: places of tensors") {
  const auto two = [](uint64_t a, uint64_t b, size_t bytes) {
    GgufFile file;
    file.tensors = {{"a", {2}, 0, a}, {"b", {2}, 0, b}};
    file.data = std::string(bytes, 'd');
    return rejection(file.bytes());
  };
  CHECK(two(0, 32, 40) == "");
  CHECK(two(32, 0, 40) == ""); // any order
  CHECK(two(0, 32, 64) == ""); // padded
  for (const uint64_t place :
       {uint64_t{0},
        uint64_t{4},
        uint64_t{8},
        uint64_t{31},
        uint64_t{33},
        uint64_t{64},
        uint64_t{1} << 32,
        uint64_t{1} << 63,
        UINT64_MAX - 7,
        UINT64_MAX - 31,
        UINT64_MAX}) {
    CAPTURE(place);
    CHECK(two(0, place, 40) != "");
    CHECK(two(place, 0, 40) != "");
  }
  const std::string overlap = two(0, 4, 40);
  CHECK(overlap.find("\"a\"") != std::string::npos); // names both
  CHECK(overlap.find("\"b\"") != std::string::npos);
  CHECK(two(0, 32, 39).find("tensor \"b\" within") != std::string::npos);
  CHECK(two(0, 32, 41) != "");
  CHECK(two(0, 32, 65) != "");
  CHECK(rejection(with_tensor({"t", {2}, 0, 32}, 40)) != ""); // hole before
  GgufFile twice;
  twice.tensors = {{"a", {2}, 0, 0}, {"a", {2}, 0, 32}};
  twice.data = std::string(40, 'd');
  CHECK(rejection(twice.bytes()).find("twice") != std::string::npos);
}

TEST_CASE("gguf: a flipped bit is refused or never leaves the file") {
  const std::string file = sample_gguf().bytes();
  const uint64_t data = parse(file).data_offset;
  for (size_t i = 0; i < data; ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bytes = file;
      bytes[i] = static_cast<char>(bytes[i] ^ (1 << bit));
      try {
        const GgufHeader other = parse(bytes);
        for (const auto& [name, info] : other.tensors) {
          REQUIRE(info.begin < info.end);
          REQUIRE(other.data_offset + info.end <= file.size());
        }
      } catch (const InputError&) {
      }
    }
  }
}

TEST_CASE("gguf: what is no regular file") {
  TemporaryFolder folder;
  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
  put(folder / "empty", "");
  for (const char* name : {"none", "fifo", "empty", ""}) {
    CHECK_THROWS_AS(
        parse_gguf_header(FileSource(folder / name), "f"), InputError);
  }
  CHECK_THROWS_AS(FileSource("/dev/zero"), InputError);
  put(folder / "good", sample_gguf().bytes());
  std::filesystem::create_symlink("good", folder / "link");
  CHECK_NOTHROW(parse_gguf_header(FileSource(folder / "link"), "f"));
}
