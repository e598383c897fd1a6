// SPDX-License-Identifier: MIT
//
// Adapters in files, as mlx-lm 0.32 writes and reads them:
//   adapters.safetensors  "model.layers.0.self_attn.q_proj.lora_a" [in, rank],
//                         ".lora_b" [rank, out], DoRA ".m" [out]
//   adapter_config.json   fine_tune_type, num_layers, lora_parameters
// and, for writing only, as Hugging Face's PEFT reads them:
//   adapter_model.safetensors  "base_model.model.<path>.lora_A.weight" [rank,
//                              in], "lora_B.weight" [out, rank],
//                              "lora_magnitude_vector" [out]
//   adapter_config.json        peft_type, r, lora_alpha, target_modules, ...

#pragma once

#include <filesystem>
#include <string>

#include "llm/core/files.h"
#include "llm/training/adapters.h"

namespace llm {

/** True when the folder holds an adapter that mlx-lm's names make. */
bool holds_adapter(const std::filesystem::path& folder);

/** The settings in adapter_config.json. InputError names the field. */
AdapterConfig read_adapter_config(const std::filesystem::path& folder);

/**
 * Puts the adapter in `folder` on the model. InputError when a file is missing
 * or damaged, or lists the first ten names or shapes that do not fit (then it
 * belongs to another model); the model stays as it was.
 */
void load_adapters(LanguageModel& model, const std::filesystem::path& folder);

/** The arrays in the folder by our paths; not compared with a model. */
nn::Parameters read_adapters(const std::filesystem::path& folder);

/** Writes the model's adapters; `about` adds fields to adapter_config.json
 * (mlx-lm keeps its training options there). */
void save_adapters(
    LanguageModel& model,
    const AdapterConfig& config,
    const std::filesystem::path& folder,
    const Json& about = Json::object(),
    FileSystem& files = real_files());

/** Writes them for PEFT. `base` is what its configuration names as the base
 * model. */
void save_peft(
    LanguageModel& model,
    const AdapterConfig& config,
    const std::string& base,
    const std::filesystem::path& folder,
    FileSystem& files = real_files());

} // namespace llm
