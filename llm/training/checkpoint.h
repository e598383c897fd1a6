// SPDX-License-Identifier: MIT
//
// Checkpoints: everything that a run needs to go on as if nothing had happened.
//   checkpoints/step-00000100/model.safetensors      weights, float32
//                             optimizer.safetensors  moments
//                             trainer.json           step, config, best, ...
//                             manifest.json          sha256 of each of them
// A checkpoint appears by one rename, so it is there complete or not at all;
// the manifest tells a damaged one. The newest good one wins.

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "llm/core/files.h"
#include "llm/core/json.h"
#include "llm/nn/module.h"

namespace llm {

struct Checkpoint {
  int64_t step = 0; ///< updates done
  nn::Parameters parameters;
  nn::Parameters optimizer;
  Json trainer; ///< what else the trainer needs, see run_state.h
};

/** Writes a checkpoint into `folder`/checkpoints and removes all but the newest
 * `keep`. One of the same step is replaced. */
void save_checkpoint(
    const std::filesystem::path& folder,
    const Checkpoint& checkpoint,
    int keep = 2,
    FileSystem& files = real_files());

/** The newest checkpoint that is complete and undamaged, or none. `warn` gets
 * one line for each that had to be passed over. */
std::optional<Checkpoint> load_checkpoint(
    const std::filesystem::path& folder,
    const std::function<void(const std::string&)>& warn);

} // namespace llm
