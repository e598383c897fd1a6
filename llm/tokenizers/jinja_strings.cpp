// SPDX-License-Identifier: MIT
//
// Changes of texts; upper and lower case are Unicode's simple mappings.

#include <utility>

#include <utf8proc.h>

#include "llm/core/utf8.h"
#include "llm/tokenizers/jinja_functions.h"
#include "llm/tokenizers/jinja_lexer.h"

namespace llm::jinja {
namespace {

template <class Change>
std::string map_text(const std::string& text, Change change) {
  std::string out;
  bool before = false; // whether the character before was a letter
  for (char32_t c : decode_utf8(text)) {
    append_utf8(
        out, static_cast<char32_t>(change(utf8proc_int32_t(c), before)));
    const auto category = utf8proc_category(utf8proc_int32_t(c));
    before =
        category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LT;
  }
  return out;
}

} // namespace

std::string strip(const std::string& text, const Value* characters, int sides) {
  const std::u32string all = decode_utf8(text);
  const bool given = characters && !characters->none();
  const std::u32string set =
      given ? decode_utf8(text_of(characters)) : std::u32string();
  const auto goes = [&](char32_t c) {
    return given ? set.find(c) != set.npos : is_space(c);
  };
  size_t begin = 0;
  size_t end = all.size();
  while ((sides & 1) != 0 && begin < end && goes(all[begin])) {
    ++begin;
  }
  while ((sides & 2) != 0 && end > begin && goes(all[end - 1])) {
    --end;
  }
  return encode_utf8(std::u32string_view(all).substr(begin, end - begin));
}

std::string upper(const std::string& text) {
  // The one letter in common use whose upper case is two.
  Budget unlimited(SIZE_MAX);
  const std::string simple = replace(text, "ß", "SS", -1, unlimited);
  return map_text(simple, [](auto c, bool) { return utf8proc_toupper(c); });
}

std::string lower(const std::string& text) {
  return map_text(text, [](auto c, bool) { return utf8proc_tolower(c); });
}

std::string title(const std::string& text) {
  return map_text(text, [](auto c, bool before) {
    return before ? utf8proc_tolower(c) : utf8proc_totitle(c);
  });
}

std::string capitalize(const std::string& text) {
  bool first = true;
  return map_text(text, [&](auto c, bool) {
    return std::exchange(first, false) ? utf8proc_totitle(c)
                                       : utf8proc_tolower(c);
  });
}

std::string replace(
    const std::string& text,
    const std::string& from,
    const std::string& to,
    int64_t count,
    Budget& budget) {
  if (from.empty()) {
    throw std::invalid_argument("replace needs a text to look for.");
  }
  std::string out;
  size_t done = 0;
  size_t at = text.find(from);
  for (; at != text.npos && count != 0; at = text.find(from, done), --count) {
    budget.spend_bytes(to.size());
    out.append(text, done, at - done);
    out += to;
    done = at + from.size();
  }
  return out.append(text, done, text.npos);
}

std::string
join(const Values& items, const std::string& between, Budget& budget) {
  std::string out;
  for (size_t i = 0; i < items.size(); ++i) {
    const std::string text = items[i].str();
    budget.spend_bytes(text.size() + between.size());
    out += (i > 0 ? between : "") + text;
  }
  return out;
}

const std::string& text_of(const Value* value) {
  if (!value || !value->text()) {
    throw std::invalid_argument(
        "expected a str but received " + (value ? value->type() : "nothing") +
        ".");
  }
  return *value->text();
}

int64_t integer_or(const Value* value, int64_t fallback) {
  if (!value || value->none() || value->undefined()) {
    return fallback;
  }
  if (!value->integer()) {
    throw std::invalid_argument(
        "expected an int but received " + value->type() + ".");
  }
  return *value->integer();
}

} // namespace llm::jinja
