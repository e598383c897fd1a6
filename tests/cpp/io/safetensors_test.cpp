// SPDX-License-Identifier: MIT
//
// Arrays of safetensors files: types that MLX lacks, and models in parts.

#include <doctest/doctest.h>
#include <mlx/mlx.h>

#include <filesystem>
#include <string>

#include "llm/core/error.h"
#include "llm/io/safetensors.h"
#include "tests/cpp/core/temporary_folder.h"

using namespace llm;
using namespace llm::test;
namespace mx = mlx::core;

namespace {

constexpr const char* first = "model-00001-of-00002.safetensors";
constexpr const char* second = "model-00002-of-00002.safetensors";
constexpr const char* index_name = "model.safetensors.index.json";

/** A model of three arrays in two parts. */
void put_parts(const TemporaryFolder& folder) {
  put(folder / first,
      safetensors_bytes({{"a", mx::arange(6)}, {"c", mx::zeros({0, 2})}}));
  put(folder / second, safetensors_bytes({{"b", mx::ones({2, 3})}}));
  const std::string one = first;
  const std::string two = second;
  put(folder / index_name,
      "{\"weight_map\":{\"a\":\"" + one + "\",\"b\":\"" + two + "\",\"c\":\"" +
          one + "\"}}");
}

std::string rejection(const TemporaryFolder& folder) {
  return message_of<InputError>([&] { load_checkpoint_arrays(folder.path()); });
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("safetensors arrays: written, read, and read from memory") {
  TemporaryFolder folder;
  const Arrays arrays = {
      {"a", mx::arange(6)},
      {"half", mx::astype(mx::arange(5), mx::float16)},
      {"none", mx::zeros({0, 2})},
      {"scalar", mx::array(2.5f)}};
  const std::string bytes = safetensors_bytes(arrays, {{"k", "v"}});
  put(folder / "a", bytes);
  const SafetensorsContent file = load_safetensors(folder / "a");
  const SafetensorsContent memory = parse_safetensors(bytes, "memory");
  CHECK(file.metadata.at("k") == "v");
  for (const auto& [name, array] : arrays) {
    CAPTURE(name);
    for (const SafetensorsContent* content : {&file, &memory}) {
      const mx::array& got = content->arrays.at(name);
      CHECK(got.dtype() == array.dtype());
      CHECK(mx::array_equal(got, array).item<bool>());
    }
  }
}

TEST_CASE("safetensors arrays: a type that MLX lacks is named") {
  const std::string text =
      R"({"t":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}})";
  std::string bytes(8, '\0');
  bytes[0] = static_cast<char>(text.size());
  bytes += text + std::string(8, '\0');
  CHECK(
      message_of<InputError>([&] { parse_safetensors(bytes, "f"); }) ==
      "[safetensors] tensor t has the type F64, which MLX cannot hold; convert "
      "it to F32, F16 or BF16.");
}

TEST_CASE("checkpoint: a model in one file or in parts") {
  TemporaryFolder folder;
  CHECK(contains(rejection(folder), "neither"));
  put_parts(folder);
  const Arrays parts = load_checkpoint_arrays(folder.path());
  REQUIRE(parts.size() == 3);
  CHECK(mx::array_equal(parts.at("a"), mx::arange(6)).item<bool>());
  CHECK(mx::array_equal(parts.at("b"), mx::ones({2, 3})).item<bool>());
  CHECK(parts.at("c").shape() == mx::Shape{0, 2});
  // One whole file comes first, as in transformers.
  put(folder / "model.safetensors",
      safetensors_bytes({{"whole", mx::ones({1})}}));
  CHECK(load_checkpoint_arrays(folder.path()).contains("whole"));
}

TEST_CASE("checkpoint: parts that do not fit the index") {
  TemporaryFolder folder;
  put_parts(folder);
  put(folder / second,
      safetensors_bytes({{"b2", mx::ones({1})}, {"a", mx::ones({1})}}));
  const std::string message = rejection(folder);
  CHECK(contains(message, second));
  CHECK(contains(message, "missing \"b\"; unexpected \"a\", \"b2\";"));
  std::filesystem::remove(folder / second);
  CHECK(contains(rejection(folder), "there is no file"));
  put_parts(folder);
  std::filesystem::resize_file(folder / second, 100);
  CHECK(rejection(folder) != "(nothing was thrown)");
  put(folder / index_name, "{\"weight_map\":{\"a\":\"../x.safetensors\"}}");
  CHECK(contains(rejection(folder), "same folder"));
}
