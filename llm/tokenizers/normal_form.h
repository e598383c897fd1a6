// SPDX-License-Identifier: MIT
//
// Unicode's normal forms (Unicode Standard Annex #15): one spelling for texts
// that look the same. NFD takes characters apart and sorts their marks, NFC
// puts them together again, and the K forms replace look-alikes such as a
// ligature.

#pragma once

#include <string>
#include <string_view>

namespace llm {

/** Throws UsageError unless `name` is "", "NFC", "NFD", "NFKC" or "NFKD". */
void check_normal_form(std::string_view name);

/** `text` (valid UTF-8) in the normal form `name`; "" leaves it as it is. */
std::string normalize(std::string_view text, std::string_view name);

} // namespace llm
