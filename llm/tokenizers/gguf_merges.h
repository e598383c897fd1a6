// SPDX-License-Identifier: MIT
//
// The parts of a GGUF vocabulary: checks, added tokens and merges.

#pragma once

#include "llm/tokenizers/bpe_merges.h"
#include "llm/tokenizers/gguf_vocabulary.h"
#include "llm/tokenizers/special_tokens.h"

namespace llm {

/** Throws InputError unless lengths, types and ids fit together. */
void check_gguf_vocabulary(const GgufVocabulary& v, const std::string& where);

/** Control and unknown tokens (special), and user-defined ones (not). */
std::vector<AddedToken> gguf_added_tokens(const GgufVocabulary& v);

/** Whether "<0x00>" to "<0xFF>" are there. */
bool gguf_has_bytes(const GgufVocabulary& v);

/** The merges of "gpt2". */
std::vector<BpeMerge> merges_of_lines(
    const GgufVocabulary& v,
    const std::string& where);

/**
 * The merges that do what "llama" does with scores: SentencePiece joins, again
 * and again, the two neighbours whose union has the highest score. So every way
 * to cut a token into two others is a merge, ordered by the token's score.
 * (With equal scores SentencePiece takes the leftmost place; a list of merges
 * must put one before the other. Trained scores are all different.)
 */
std::vector<BpeMerge> merges_of_scores(const GgufVocabulary& v);

} // namespace llm
