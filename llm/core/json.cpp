// SPDX-License-Identifier: MIT

#include "llm/core/json.h"

#include <iterator>
#include <unordered_set>
#include <utility>
#include <vector>

#include "llm/core/error.h"
#include "llm/core/files.h"
#include "llm/core/utf8.h"

namespace llm {

namespace {

constexpr uint64_t max_json_bytes = uint64_t{256} << 20;

[[noreturn]] void fail_at(
    std::string_view text,
    size_t offset,
    std::string_view where,
    const std::string& reason) {
  const TextPosition at = text_position(text, offset);
  throw InputError(
      where,
      std::to_string(at.line) + ":" + std::to_string(at.column) + ": " +
          reason);
}

/** Reads a text and leaves its place in `*place`, for error positions. */
struct TrackedIterator {
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  const char* at = nullptr;
  const char** place = nullptr;

  reference operator*() const {
    return *at;
  }
  TrackedIterator& operator++() {
    *place = ++at;
    return *this;
  }
  TrackedIterator operator++(int) {
    TrackedIterator old = *this;
    ++*this;
    return old;
  }
  bool operator==(const TrackedIterator& other) const {
    return at == other.at;
  }
  bool operator!=(const TrackedIterator& other) const {
    return at != other.at;
  }
};

/** The offset of the quote that opens the string which ends before `end`. */
size_t string_begin(std::string_view text, size_t end) {
  for (size_t i = end - 1; i-- > 0;) {
    size_t backslashes = 0;
    while (backslashes < i && text[i - 1 - backslashes] == '\\') {
      ++backslashes;
    }
    if (text[i] == '"' && backslashes % 2 == 0) {
      return i;
    }
  }
  return 0;
}

/** The readable part of a message of the JSON library. */
std::string plain_reason(const char* what) {
  std::string reason = what;
  if (const size_t id = reason.find("] "); id != std::string::npos) {
    reason.erase(0, id + 2); // "[json.exception.parse_error.101] "
  }
  if (reason.rfind("parse error", 0) == 0) {
    reason.erase(0, reason.find(": ") + 2); // "parse error at line 1, ...: "
  }
  const std::string shown = quote(reason, 200);
  reason = shown.substr(1, shown.rfind('"') - 1);
  return "expected JSON but received a " + reason + "; correct the text.";
}

/** Receives the parser's events and builds the value. */
class Builder {
 public:
  Builder(std::string_view text, std::string_view where, size_t max_values)
      : text_(text),
        where_(where),
        place_(text.data()),
        values_left_(max_values) {}

  const char** place() {
    return &place_;
  }
  Json take() {
    return std::move(root_);
  }

  bool null() {
    return add(nullptr);
  }
  bool boolean(bool value) {
    return add(value);
  }
  bool number_integer(int64_t value) {
    return add(value);
  }
  bool number_unsigned(uint64_t value) {
    return add(value);
  }
  bool number_float(double value, const std::string&) {
    return add(value);
  }
  bool string(std::string& value) {
    return add(std::move(value));
  }
  bool binary(Json::binary_t&) {
    return false; // never in a JSON text
  }

  bool start_object(size_t) {
    return push(Json::object());
  }
  bool start_array(size_t) {
    return push(Json::array());
  }
  bool end_object() {
    return pop();
  }
  bool end_array() {
    return pop();
  }

  bool key(std::string& name) {
    Level& level = levels_.back();
    if (!level.keys.insert(name).second) {
      fail_at(
          text_,
          string_begin(text_, place_ - text_.data()),
          where_,
          "expected each key once but received " + quote(name) +
              " twice; remove one of the two.");
    }
    level.key = std::move(name);
    return true;
  }

  template <class Exception>
  bool parse_error(size_t position, const std::string&, const Exception& e) {
    fail_at(
        text_,
        position == 0 ? 0 : position - 1,
        where_,
        plain_reason(e.what()));
  }

 private:
  /** An array or object that is not closed yet. */
  struct Level {
    Json value;
    std::string key;
    std::unordered_set<std::string> keys;
  };

  bool push(Json value) {
    if (levels_.size() == max_json_depth) {
      fail_at(
          text_,
          place_ - text_.data() - 1,
          where_,
          "expected at most " + std::to_string(max_json_depth) +
              " levels of nesting but received more; make the text flatter.");
    }
    levels_.push_back(Level{std::move(value), {}, {}});
    return true;
  }

  bool pop() {
    Json value = std::move(levels_.back().value);
    levels_.pop_back();
    return add(std::move(value));
  }

  bool add(Json value) {
    if (values_left_-- == 0) {
      fail_at(
          text_,
          place_ - text_.data() - 1,
          where_,
          "expected fewer values but received too many for this kind of file; "
          "check that it is the right one.");
    }
    if (levels_.empty()) {
      root_ = std::move(value);
      return true;
    }
    Level& level = levels_.back();
    if (level.value.is_array()) {
      level.value.push_back(std::move(value));
    } else {
      // Straight into the vector below the ordered map: its own insertion
      // searches all keys again, which a vocabulary of 50,000 would feel.
      Json::object_t::Container& object =
          level.value.get_ref<Json::object_t&>();
      object.emplace_back(std::move(level.key), std::move(value));
    }
    return true;
  }

  std::string_view text_;
  std::string_view where_;
  const char* place_;
  size_t values_left_;
  Json root_;
  std::vector<Level> levels_;
};

/** What the parser itself would let pass or would name badly. */
void check_text(std::string_view text, std::string_view where) {
  if (const auto error = find_utf8_error(text)) {
    fail_at(
        text,
        error->offset,
        where,
        "expected UTF-8 text but received " + error->reason +
            "; save the file as UTF-8.");
  }
  if (text.substr(0, 3) == "\xEF\xBB\xBF") {
    fail_at(
        text,
        0,
        where,
        "expected JSON but received a byte order mark; save the file as UTF-8 "
        "without it.");
  }
  if (const size_t nul = text.find('\0'); nul != std::string_view::npos) {
    fail_at(
        text,
        nul,
        where,
        "expected JSON but received a NUL byte; correct the text.");
  }
}

} // namespace

Json parse_json(
    std::string_view text,
    std::string_view where,
    size_t max_values) {
  check_text(text, where);
  Builder builder(text, where, max_values);
  const TrackedIterator first{text.data(), builder.place()};
  const TrackedIterator last{text.data() + text.size(), builder.place()};
  Json::sax_parse(first, last, &builder); // every failure throws
  return builder.take();
}

Json read_json_file(const std::filesystem::path& path) {
  return parse_json(read_file(path, max_json_bytes), path.string());
}

} // namespace llm
