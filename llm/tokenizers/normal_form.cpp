// SPDX-License-Identifier: MIT

#include "llm/tokenizers/normal_form.h"

#include <algorithm>
#include <tuple>
#include <vector>

#include <utf8proc.h>

#include "llm/core/error.h"
#include "llm/core/utf8.h"

namespace llm {
namespace {

using CodePoint = utf8proc_int32_t;

int combining_class(CodePoint c) {
  return utf8proc_get_property(c)->combining_class;
}

/// Appends the full decomposition of one code point.
void append_decomposed(
    std::vector<CodePoint>& out,
    CodePoint c,
    utf8proc_option_t options) {
  CodePoint buffer[32]; // the longest decomposition has 18
  int boundary = 0;
  const auto n = utf8proc_decompose_char(c, buffer, 32, options, &boundary);
  if (n < 0 || n > 32) {
    throw InputError("normal form", utf8proc_errmsg(n));
  }
  out.insert(out.end(), buffer, buffer + n);
}

/// A mark in a text; marks sort by class, equals by their place.
struct Mark {
  int combining_class;
  size_t place;
  CodePoint point;
  bool operator<(const Mark& other) const {
    return std::tie(combining_class, place) <
        std::tie(other.combining_class, other.place);
  }
};

/// Sorts each run of marks by combining class, keeping the order of equals.
/// utf8proc does this by exchanging neighbours, which is quadratic in a run.
void sort_marks(std::vector<CodePoint>& text) {
  for (size_t begin = 0; begin < text.size();) {
    if (combining_class(text[begin]) == 0) {
      ++begin;
      continue;
    }
    size_t end = begin + 1;
    while (end < text.size() && combining_class(text[end]) != 0) {
      ++end;
    }
    std::vector<Mark> marks;
    for (size_t i = begin; i < end; ++i) {
      marks.push_back({combining_class(text[i]), i, text[i]});
    }
    std::sort(marks.begin(), marks.end());
    for (size_t i = begin; i < end; ++i) {
      text[i] = marks[i - begin].point;
    }
    begin = end;
  }
}

} // namespace

void check_normal_form(std::string_view name) {
  for (const char* known : {"", "NFC", "NFD", "NFKC", "NFKD"}) {
    if (name == known) {
      return;
    }
  }
  throw UsageError(
      "normal form",
      "expected NFC, NFD, NFKC, NFKD or nothing but received " + quote(name) +
          "; choose one of them.");
}

std::string normalize(std::string_view text, std::string_view name) {
  const bool ascii = std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x80;
  });
  if (name.empty() || ascii) { // ASCII is in every normal form
    return std::string(text);
  }
  const bool compatible = name[2] == 'K';
  const bool compose = name.back() == 'C';
  const auto options = static_cast<utf8proc_option_t>(
      UTF8PROC_DECOMPOSE | (compatible ? UTF8PROC_COMPAT : 0));
  std::vector<CodePoint> points;
  points.reserve(text.size());
  for (char32_t c : decode_utf8(text)) {
    append_decomposed(points, static_cast<CodePoint>(c), options);
  }
  sort_marks(points);
  auto length = static_cast<utf8proc_ssize_t>(points.size());
  if (compose) {
    length = utf8proc_normalize_utf32(
        points.data(),
        length,
        static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE));
    if (length < 0) {
      throw InputError("normal form", utf8proc_errmsg(length));
    }
  }
  std::string out;
  for (utf8proc_ssize_t i = 0; i < length; ++i) {
    append_utf8(out, static_cast<char32_t>(points[static_cast<size_t>(i)]));
  }
  return out;
}

} // namespace llm
