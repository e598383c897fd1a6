// SPDX-License-Identifier: MIT
//
// A grammar that the output of a model has to follow, in the notation of
// llama.cpp's GBNF (a subset):
//   root  ::= "yes" | "no" (" because " word)?     # a comment
//   word  ::= [a-zA-Z]{1,20} | [^\x00-\x7F]+
// Literals and classes know \n \t \r \\ \" \[ \] \- \^ \xHH \uHHHH \UHHHHHHHH;
// "." is any character; * + ? {m} {m,} {m,n} repeat; ( ) group; a rule ends
// where the next one begins. The compiled form works on bytes: a character of
// several bytes becomes a sequence, so that a token may end inside of one.

#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace llm {

/** One place in a sequence of the compiled grammar. */
struct GrammarItem {
  enum Kind : uint8_t {
    end,   ///< of the sequence
    bytes, ///< one byte of sets[index]
    rule   ///< all of rules[index]
  };
  Kind kind = end;
  int32_t index = 0;
};

/** Rules are alternatives of sequences; rule 0 is root. Each can be finished,
 * and none calls itself before it has read a byte. */
struct OutputGrammar {
  std::vector<GrammarItem> items; ///< the sequences, each closed by `end`
  std::vector<std::vector<int32_t>> rules; ///< where its sequences begin
  std::vector<std::bitset<256>> sets;
};

/** Parses and checks a grammar. InputError is "[where] line:column: reason":
 * syntax, a rule that is missing, defined twice, left-recursive or without an
 * end, a repetition of what may be empty or a grammar that is too large. */
OutputGrammar parse_output_grammar(
    std::string_view text,
    std::string_view where = "grammar");

} // namespace llm
