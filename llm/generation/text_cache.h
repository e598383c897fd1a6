// SPDX-License-Identifier: MIT
//
// What a model has read, kept for the next text that begins the same way: the
// turns of a conversation, or a long prompt that is asked about again. It can
// be saved to a file (a "prompt cache") and is refused by any other model.

#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "llm/core/files.h"
#include "llm/models/language_model.h"

namespace llm {

/** A cache and the tokens whose keys and values it holds. */
struct TextCache {
  explicit TextCache(
      const LanguageModel& model,
      const CacheOptions& options = {})
      : options(options), cache(model.make_cache(options)) {}

  CacheOptions options;
  KVCache cache;
  std::vector<int32_t> ids;
};

/** Forgets what is not a beginning of `text`, and all but `most` tokens. A
 * rotating cache that is full cannot go back: then it forgets everything. */
void keep_beginning(
    TextCache& cache,
    const LanguageModel& model,
    std::span<const int32_t> text,
    size_t most);

/** A hash of config, names, shapes and some values of every parameter: differs
 * for another model, also for the same one after fine-tuning. Milliseconds. */
std::string fingerprint(const LanguageModel& model);

/** Writes the file atomically: keys and values, token ids, fingerprint. */
void save_text_cache(
    const std::filesystem::path& path,
    const TextCache& cache,
    const LanguageModel& model,
    FileSystem& files = real_files());

/** Reads it back. InputError when it is damaged or belongs to another model or
 * other options. */
TextCache load_text_cache(
    const std::filesystem::path& path,
    const LanguageModel& model,
    const CacheOptions& options);

} // namespace llm
