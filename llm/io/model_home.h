// SPDX-License-Identifier: MIT
//
// Where models live: <home>/models/<name>, with `latest` pointing at the newest
// one. <home> is $MLX_TUTORIAL_HOME or ~/ai-training.

#pragma once

#include <filesystem>
#include <string>

namespace llm {

/** $MLX_TUTORIAL_HOME, else ~/ai-training. InputError when neither is known. */
std::filesystem::path tutorial_home();

/** The first of models/<stem>-1, models/<stem>-2, ... that does not exist. */
std::filesystem::path new_model_folder(const std::string& stem);

/** Makes models/latest point at `folder`, if `folder` is in models/. */
void point_latest_at(const std::filesystem::path& folder);

/**
 * The folder that a user means by `name`: a path, or the name of a folder in
 * models/; "" is models/latest. InputError when there is none.
 */
std::filesystem::path find_model(const std::string& name);

} // namespace llm
