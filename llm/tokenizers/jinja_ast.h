// SPDX-License-Identifier: MIT
//
// A chat template as a tree.

#pragma once

#include <string>
#include <utility>
#include <vector>

#include "llm/tokenizers/jinja_value.h"

namespace llm::jinja {

/** An expression; what `args` and `text` hold depends on the kind. */
struct Expr {
  enum Kind {
    constant,  ///< value
    name,      ///< text
    list,      ///< args (tuples too)
    dict,      ///< args: key, value, key, value, ...
    attribute, ///< args[0].text
    index,     ///< args[0][args[1]]
    slice,     ///< args[0][args[1]:args[2]:args[3]], none where absent
    call,      ///< args[0](args[1], ..., named)
    filter,    ///< args[0] | text(args[1], ..., named)
    test,      ///< args[0] is text(args[1], ..., named)
    unary,     ///< text: "-", "+", "not"
    binary,    ///< text: the operator, "and" and "or" included
    compare,   ///< args[0] text[0] args[1] text[1] ...: `operators`
    condition  ///< args[0] if args[1] else args[2]
  } kind = constant;
  size_t line = 1;
  int depth = 1; ///< of the tree
  std::string text = {};
  Value value = {};
  std::vector<Expr> args = {};
  std::vector<std::pair<std::string, Expr>> named = {};
  std::vector<std::string> operators = {};
};

/** A statement, or text and expressions that are written out. */
struct Stmt {
  enum Kind {
    text,     ///< data
    output,   ///< expr
    if_,      ///< expr, body, otherwise
    for_,     ///< names in expr [if condition], body, otherwise
    set,      ///< names = expr, or the text of `body` when is_block
    set_attr, ///< names[0].names[1] = expr
    macro,    ///< data(names = defaults), body
    break_,
    continue_,
    block ///< body: {% generation %}
  } kind = text;
  size_t line = 1;
  std::string data = {};
  std::vector<std::string> names = {};
  std::vector<Expr> exprs = {};    ///< expr, then the condition of a loop
  std::vector<Expr> defaults = {}; ///< of the last parameters of a macro
  std::vector<Stmt> body = {};
  std::vector<Stmt> otherwise = {};
  bool is_block = false;
};

/** Reads a template; throws InputError with the line. */
std::vector<Stmt> parse(std::string_view source);

} // namespace llm::jinja
