// SPDX-License-Identifier: MIT
//
// A JSON schema as a grammar: what follows the grammar is JSON that the schema
// accepts. The subset (draft 2020-12):
//   type: object (properties, required, additionalProperties), array (items,
//   minItems, maxItems), string (minLength, maxLength), integer, number,
//   boolean, null, or a list of types; enum, const, anyOf; $ref within the file
// Titles, descriptions and the like say nothing about the output and are
// skipped; any other keyword is an error, since the output could break it.
// Properties come in the order of the schema, and only those that it names.

#pragma once

#include <string>
#include <string_view>

#include "llm/core/json.h"

namespace llm {

/** The grammar in the notation of output_grammar.h. InputError is
 * "[where] path: reason". A value of any kind is nested 8 deep at most, a
 * number has at most 16 digits, and between tokens there may be one space, or a
 * line break and up to 20 spaces. */
std::string json_schema_grammar(
    const Json& schema,
    std::string_view where = "json schema");

} // namespace llm
