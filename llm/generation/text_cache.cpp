// SPDX-License-Identifier: MIT

#include "llm/generation/text_cache.h"

#include <algorithm>
#include <sstream>

#include <mlx/ops.h>
#include <mlx/transforms.h>
#include <mlx/utils.h>

#include "llm/core/error.h"
#include "llm/core/sha256.h"
#include "llm/io/safetensors.h"

namespace llm {

namespace {

constexpr int samples = 64; // values of each parameter in the fingerprint

std::string options_text(const CacheOptions& o) {
  return "window " + std::to_string(o.window) + ", bits " +
      std::to_string(o.bits) +
      (o.bits == 0 ? "" : ", group " + std::to_string(o.group_size));
}

[[noreturn]] void refuse(
    const std::filesystem::path& path,
    const std::string& reason) {
  throw InputError(
      "prompt cache",
      path.string() + ": " + reason + "; remove the file or name another.");
}

void check_metadata(
    const std::filesystem::path& path,
    std::map<std::string, std::string> metadata,
    const LanguageModel& model,
    const CacheOptions& options) {
  if (metadata["format"] != "text-cache") {
    refuse(path, "expected a prompt cache but received another file");
  }
  if (metadata["model"] != fingerprint(model)) {
    refuse(path, "it belongs to another model");
  }
  if (metadata["options"] != options_text(options)) {
    refuse(
        path,
        "it was made with " + metadata["options"] + " but received " +
            options_text(options));
  }
}

} // namespace

void keep_beginning(
    TextCache& cache,
    const LanguageModel& model,
    std::span<const int32_t> text,
    size_t most) {
  const size_t end = std::min({text.size(), cache.ids.size(), most});
  const size_t same =
      std::mismatch(cache.ids.begin(), cache.ids.begin() + end, text.begin())
          .first -
      cache.ids.begin();
  if (same == cache.ids.size()) {
    return;
  }
  const int length = static_cast<int>(same);
  if (same > 0 && cache.cache.can_trim(length)) {
    cache.cache.trim(length);
    cache.ids.resize(same);
  } else {
    cache = TextCache(model, cache.options);
  }
}

std::string fingerprint(const LanguageModel& model) {
  Sha256 hash;
  hash.update(model.config().dump());
  const nn::Parameters parameters = model.parameters();
  std::vector<mx::array> some;
  for (const auto& [path, array] : parameters) {
    std::ostringstream text;
    text << path << array.shape() << array.dtype();
    hash.update(text.str());
    const int n = static_cast<int>(array.size());
    std::vector<int32_t> places;
    for (int64_t i = 0; i < std::min(n, samples); ++i) {
      places.push_back(static_cast<int32_t>(i * n / std::min(n, samples)));
    }
    const mx::array index(
        places.data(), mx::Shape{static_cast<int>(places.size())}, mx::int32);
    some.push_back(
        mx::astype(mx::take(mx::flatten(array), index), mx::float32));
  }
  mx::eval(some);
  for (const mx::array& values : some) {
    hash.update(
        {reinterpret_cast<const char*>(values.data<float>()), values.nbytes()});
  }
  return hash.hex();
}

void save_text_cache(
    const std::filesystem::path& path,
    const TextCache& cache,
    const LanguageModel& model,
    FileSystem& files) {
  Arrays arrays;
  for (const auto& [name, array] : cache.cache.state()) {
    arrays.emplace(name, array);
  }
  arrays.insert_or_assign(
      "ids",
      mx::array(
          cache.ids.data(),
          mx::Shape{static_cast<int>(cache.ids.size())},
          mx::int32));
  write_file_atomically(
      path,
      safetensors_bytes(
          arrays,
          {{"format", "text-cache"},
           {"model", fingerprint(model)},
           {"options", options_text(cache.options)}}),
      files);
}

TextCache load_text_cache(
    const std::filesystem::path& path,
    const LanguageModel& model,
    const CacheOptions& options) {
  SafetensorsContent file = load_safetensors(path);
  check_metadata(path, file.metadata, model, options);
  TextCache out(model, options);
  const auto ids = file.arrays.extract("ids"); // the rest is the cache's
  if (ids.empty() || ids.mapped().dtype() != mx::int32 ||
      ids.mapped().ndim() != 1) {
    refuse(path, "expected a list of token ids but found none");
  }
  out.cache.restore(file.arrays);
  const int32_t* begin = ids.mapped().data<int32_t>();
  out.ids.assign(begin, begin + ids.mapped().size());
  if (out.cache.length() != static_cast<int>(out.ids.size())) {
    refuse(
        path,
        "expected as many positions as tokens but found " +
            std::to_string(out.cache.length()) + " and " +
            std::to_string(out.ids.size()));
  }
  return out;
}

} // namespace llm
