// SPDX-License-Identifier: MIT
//
// Listens to the parser's events until "model": {"type": ...} has been said,
// which stands before the vocabulary in every file that we know.

#include "llm/serving/tokenizer_kind.h"

#include "llm/core/error.h"
#include "llm/core/files.h"
#include "llm/core/json.h"
#include "llm/core/utf8.h"

namespace llm::serving {

namespace {

class TypeFinder : public nlohmann::json_sax<Json> {
 public:
  std::string type;

  bool key(std::string& name) override {
    if (depth_ == 1) {
      in_model_ = name == "model";
    }
    is_type_ = depth_ == 2 && in_model_ && name == "type";
    return true;
  }
  bool string(std::string& text) override {
    if (is_type_) {
      type = text;
    }
    return !is_type_; // false ends it
  }
  bool start_object(std::size_t) override {
    return ++depth_ <= max_json_depth;
  }
  bool end_object() override {
    --depth_;
    return true;
  }
  bool start_array(std::size_t) override {
    return ++depth_ <= max_json_depth;
  }
  bool end_array() override {
    --depth_;
    return true;
  }

  bool null() override {
    return true;
  }
  bool boolean(bool) override {
    return true;
  }
  bool number_integer(number_integer_t) override {
    return true;
  }
  bool number_unsigned(number_unsigned_t) override {
    return true;
  }
  bool number_float(number_float_t, const std::string&) override {
    return true;
  }
  bool binary(binary_t&) override {
    return true;
  }
  bool parse_error(
      std::size_t,
      const std::string&,
      const nlohmann::detail::exception&) override {
    return false;
  }

 private:
  size_t depth_ = 0;
  bool in_model_ = false, is_type_ = false;
};

} // namespace

std::string tokenizer_kind(const std::filesystem::path& file) {
  const std::string text = read_file(file, uint64_t{256} << 20);
  TypeFinder finder;
  Json::sax_parse(text, &finder);
  if (finder.type == "BPE") {
    return "bpe";
  }
  if (finder.type == "WordLevel") {
    return "char";
  }
  throw InputError(
      "tokenizer.json",
      "expected a model of type BPE or WordLevel but received " +
          (finder.type.empty() ? "none" : quote(finder.type)) +
          "; use another tokenizer.");
}

} // namespace llm::serving
