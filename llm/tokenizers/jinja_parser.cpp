// SPDX-License-Identifier: MIT
//
// Reads the statements of a template.

#include "llm/core/utf8.h"
#include "llm/tokenizers/jinja_expression.h"

namespace llm::jinja {
namespace {

constexpr int max_blocks = 64; // inside each other

class Parser {
 public:
  explicit Parser(std::vector<Piece> pieces) : pieces_(std::move(pieces)) {}

  std::vector<Stmt> run() {
    std::vector<Stmt> out = statements();
    if (at_ < pieces_.size()) {
      fail(
          pieces_[at_].line,
          "unexpected {% " + pieces_[at_].tokens[0].text + " %}.");
    }
    return out;
  }

 private:
  /// The name at the start of the statement here, "" for other pieces.
  std::string keyword() const {
    const bool statement =
        at_ < pieces_.size() && pieces_[at_].kind == Piece::statement;
    return statement ? pieces_[at_].tokens[0].text : "";
  }

  /// Up to a statement that continues or ends the block around.
  std::vector<Stmt> statements() {
    if (++depth_ > max_blocks) {
      fail(pieces_[at_].line, "blocks are nested too deep.");
    }
    std::vector<Stmt> out;
    while (at_ < pieces_.size()) {
      const std::string word = keyword();
      if (word.starts_with("end") || word == "else" || word == "elif") {
        break;
      }
      const Piece& piece = pieces_[at_++];
      Stmt stmt;
      stmt.line = piece.line;
      if (piece.kind == Piece::text) {
        stmt.data = piece.data;
      } else if (piece.kind == Piece::expression) {
        ExpressionParser tokens(piece.tokens);
        stmt.kind = Stmt::output;
        stmt.exprs.push_back(tokens.parse(true));
        tokens.expect_end();
      } else {
        statement(piece, stmt);
      }
      out.push_back(std::move(stmt));
    }
    --depth_;
    return out;
  }

  void statement(const Piece& piece, Stmt& stmt) {
    ExpressionParser tokens(piece.tokens);
    const std::string word = tokens.expect_name();
    if (word == "if") {
      conditional(tokens, stmt);
    } else if (word == "for") {
      loop(tokens, stmt);
    } else if (word == "set") {
      assignment(tokens, stmt);
    } else if (word == "macro") {
      macro(tokens, stmt);
    } else if (word == "break" || word == "continue") {
      stmt.kind = word == "break" ? Stmt::break_ : Stmt::continue_;
      tokens.expect_end();
    } else if (word == "generation") {
      stmt.kind = Stmt::block;
      tokens.expect_end();
      stmt.body = statements();
      end("endgeneration", stmt.line);
    } else {
      fail(
          piece.line,
          "{% " + word +
              " %} is not supported; supported are if, for, set, macro, "
              "break, continue and generation.");
    }
  }

  void end(const std::string& word, size_t line) {
    if (keyword() != word) {
      fail(line, "expected {% " + word + " %} for the block that begins here.");
    }
    ++at_;
  }

  void conditional(ExpressionParser& tokens, Stmt& stmt) {
    stmt.kind = Stmt::if_;
    stmt.exprs.push_back(tokens.parse(true));
    tokens.expect_end();
    stmt.body = statements();
    if (keyword() == "elif") {
      const Piece& piece = pieces_[at_++];
      ExpressionParser next(piece.tokens);
      next.expect_name();
      Stmt inner;
      inner.line = piece.line;
      if (++depth_ > max_blocks) { // each elif is a block inside of the last
        fail(piece.line, "too many elif in a row.");
      }
      conditional(next, inner); // takes the endif
      --depth_;
      stmt.otherwise.push_back(std::move(inner));
      return;
    }
    if (keyword() == "else") {
      ++at_;
      stmt.otherwise = statements();
    }
    end("endif", stmt.line);
  }

  void loop(ExpressionParser& tokens, Stmt& stmt) {
    stmt.kind = Stmt::for_;
    targets(tokens, stmt);
    if (!tokens.skip_name("in")) {
      tokens.unexpected("\"in\"");
    }
    stmt.exprs.push_back(tokens.parse_without_condition());
    if (tokens.skip_name("if")) {
      stmt.exprs.push_back(tokens.parse());
    }
    tokens.expect_end();
    stmt.body = statements();
    if (keyword() == "else") {
      ++at_;
      stmt.otherwise = statements();
    }
    end("endfor", stmt.line);
  }

  void targets(ExpressionParser& tokens, Stmt& stmt) {
    const bool bracket = tokens.skip_sign("(");
    do {
      stmt.names.push_back(tokens.expect_name());
    } while (tokens.skip_sign(","));
    if (bracket) {
      tokens.expect_sign(")");
    }
  }

  void assignment(ExpressionParser& tokens, Stmt& stmt) {
    stmt.kind = Stmt::set;
    targets(tokens, stmt);
    if (stmt.names.size() == 1 && tokens.skip_sign(".")) {
      stmt.kind = Stmt::set_attr;
      stmt.names.push_back(tokens.expect_name());
    }
    if (tokens.skip_sign("=")) {
      stmt.exprs.push_back(tokens.parse(true));
      tokens.expect_end();
      return;
    }
    if (stmt.kind != Stmt::set || stmt.names.size() != 1) {
      tokens.unexpected("\"=\"");
    }
    tokens.expect_end();
    stmt.is_block = true;
    stmt.body = statements();
    end("endset", stmt.line);
  }

  void macro(ExpressionParser& tokens, Stmt& stmt) {
    stmt.kind = Stmt::macro;
    stmt.data = tokens.expect_name();
    tokens.expect_sign("(");
    while (!tokens.skip_sign(")")) {
      if (!stmt.names.empty()) {
        tokens.expect_sign(",");
      }
      stmt.names.push_back(tokens.expect_name());
      if (tokens.skip_sign("=")) {
        stmt.defaults.push_back(tokens.parse());
      } else if (!stmt.defaults.empty()) {
        tokens.unexpected("a default value");
      }
    }
    tokens.expect_end();
    stmt.body = statements();
    end("endmacro", stmt.line);
  }

  std::vector<Piece> pieces_;
  size_t at_ = 0;
  int depth_ = 0;
};

} // namespace

std::vector<Stmt> parse(std::string_view source) {
  return Parser(cut(source)).run();
}

} // namespace llm::jinja
