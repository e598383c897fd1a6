// SPDX-License-Identifier: MIT
//
// The names of models on the Hugging Face Hub:
//   owner/name[@revision][:file.gguf]
// Each part is plain, so that no name leads to a place outside of models/.

#pragma once

#include <optional>
#include <string>

namespace llm {

struct HubId {
  std::string repository; ///< "owner/name"
  std::string revision;   ///< branch, tag or commit; "" is the newest
  std::string file;       ///< one GGUF file of it; "" is the whole folder
};

/** The id in `text`, or nothing if it is none or one of its parts not plain. */
std::optional<HubId> parse_hub_id(const std::string& text);

/** 1 to 96 of A-Z a-z 0-9 . _ - that neither begin with a dot or a hyphen nor
 * end with a dot. */
bool is_plain_name(const std::string& name);

} // namespace llm
