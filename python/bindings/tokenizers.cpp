// SPDX-License-Identifier: MIT

#include <optional>

#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/function.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include "llm/tokenizers/bpe.h"
#include "llm/tokenizers/char.h"
#include "llm/tokenizers/chat_template.h"
#include "llm/tokenizers/tokenizer.h"
#include "llm/tokenizers/tokenizer_info.h"
#include "python/bindings/bindings.h"
#include "python/bindings/casters.h"

// Its parts cannot be copied, which std::is_copy_constructible does not see.
template <>
struct nanobind::detail::is_copy_constructible<llm::BpeTokenizer>
    : std::false_type {};

namespace llm::python {

namespace {

nb::bytes to_bytes(const std::string& text) {
  return nb::bytes(text.data(), text.size());
}

void add_tokenizer(nb::module_& m) {
  nb::class_<Tokenizer>(
      m, "Tokenizer", "Text to token ids and back. Threads may share one.")
      .def(
          "encode",
          [](const Tokenizer& t,
             std::string_view text,
             bool special,
             bool add_special) {
            const nb::gil_scoped_release release;
            return t.encode(text, {special, add_special});
          },
          "text"_a,
          "special"_a = false,
          "add_special"_a = false,
          "The token ids of a text. `special`: tokens such as <|endoftext|> "
          "are recognised in it; `add_special`: those that the model wants "
          "around a text are added.\n\n"
          "InputError for characters that the tokenizer does not have.")
      .def(
          "decode",
          [](const Tokenizer& t, const Ids& ids) {
            return t.decode(ids.values);
          },
          "ids"_a,
          "The text of the ids; bytes that are no UTF-8 become U+FFFD.")
      .def(
          "decode_bytes",
          [](const Tokenizer& t, int32_t id) {
            return to_bytes(t.decode_bytes(id));
          },
          "id"_a,
          "The bytes of one token; not always whole characters.")
      .def(
          "token",
          &Tokenizer::token,
          "id"_a,
          "The token as tokenizer.json writes it.")
      .def(
          "token_id",
          &Tokenizer::token_id,
          "token"_a,
          "The inverse of token(), or None.")
      .def_prop_ro("vocab_size", &Tokenizer::vocab_size, "Number of tokens.")
      .def_prop_ro("special_ids", &Tokenizer::special_ids)
      .def_prop_ro(
          "eos_id", &Tokenizer::eos_id, "The token that ends a text, or None.")
      .def_prop_ro("kind", &Tokenizer::kind, "\"char\" or \"bpe\".")
      .def("to_json", &Tokenizer::to_json, "The content of tokenizer.json.")
      .def(
          "save",
          [](const Tokenizer& t,
             const std::filesystem::path& folder,
             std::optional<int> max_length) {
            save_tokenizer(t, folder, real_files(), max_length);
          },
          "folder"_a,
          "max_length"_a = nb::none(),
          "Writes tokenizer.json and tokenizer_config.json, as transformers "
          "and mlx-lm read them.")
      .def("__len__", &Tokenizer::vocab_size)
      .def("__repr__", [](const Tokenizer& t) {
        return "<" + t.kind() + " tokenizer of " +
            std::to_string(t.vocab_size()) + " tokens>";
      });
}

void add_kinds(nb::module_& m) {
  nb::class_<CharTokenizer, Tokenizer>(
      m, "CharTokenizer", "One token for each character.")
      .def_static(
          "train",
          &CharTokenizer::train,
          "text"_a,
          "The distinct characters of a text, sorted.");
  nb::class_<BpeMerge>(m, "BpeMerge", "Two tokens that become one.")
      .def_ro("left", &BpeMerge::left)
      .def_ro("right", &BpeMerge::right)
      .def_ro("result", &BpeMerge::result)
      .def("__repr__", [](const BpeMerge& x) {
        return "BpeMerge(" + std::to_string(x.left) + ", " +
            std::to_string(x.right) + " -> " + std::to_string(x.result) + ")";
      });
  nb::class_<BpeTokenizer, Tokenizer>(m, "BpeTokenizer", "Byte-pair encoding.")
      .def_static(
          "train",
          [](std::string_view text,
             int vocab_size,
             std::vector<std::string> special_tokens,
             std::string normal_form,
             std::string pattern,
             const BpeProgress& progress) {
            const nb::gil_scoped_release release;
            const BpeOptions options{
                vocab_size,
                std::move(special_tokens),
                std::move(normal_form),
                std::move(pattern)};
            return BpeTokenizer::train(
                text, options, [&](int done, int wanted) {
                  check_interrupt();
                  if (progress) {
                    progress(done, wanted);
                  }
                });
          },
          "text"_a,
          "vocab_size"_a = 4096,
          "special_tokens"_a = std::vector<std::string>{"<|endoftext|>"},
          "normal_form"_a = "",
          "pattern"_a = std::string(gpt2_pattern),
          "progress"_a = nb::none(),
          "Learns merges from a text: the most frequent pair first, until "
          "there are `vocab_size` tokens. `progress` gets (tokens, wanted).")
      .def_prop_ro(
          "merges",
          [](const BpeTokenizer& t) { return t.merges(); },
          "The merges, earliest first.");
}

void add_info(nb::module_& m) {
  nb::class_<TokenizerInfo>(
      m,
      "TokenizerInfo",
      "What a model says of its tokenizer beside the ids: the tokens that end "
      "an answer, and how a conversation is written.")
      .def_ro("bos", &TokenizerInfo::bos)
      .def_ro("eos", &TokenizerInfo::eos, "Each of them ends an answer.")
      .def_ro("bos_token", &TokenizerInfo::bos_token)
      .def_ro("eos_token", &TokenizerInfo::eos_token)
      .def_ro("chat_template", &TokenizerInfo::chat_template);
  m.def(
      "render_chat",
      [](std::string_view text,
         const Json& messages,
         bool add_generation_prompt,
         std::string bos,
         std::string eos) {
        return render_chat(text, messages, {add_generation_prompt, bos, eos});
      },
      "template"_a,
      "messages"_a,
      "add_generation_prompt"_a = true,
      "bos_token"_a = "",
      "eos_token"_a = "",
      "A conversation [{\"role\", \"content\"}, ...] as a chat template (of "
      "Jinja) writes it. Encode the result with special=True.");
}

} // namespace

void init_tokenizers(nb::module_& m) {
  add_tokenizer(m);
  add_kinds(m);
  add_info(m);
  m.def(
      "load_tokenizer",
      &load_tokenizer,
      "path"_a,
      "Reads a tokenizer.json, or the one in a folder. InputError names the "
      "key of what is wrong or not supported.");
  m.def(
      "parse_tokenizer",
      &parse_tokenizer,
      "json_text"_a,
      "where"_a = "tokenizer.json",
      "The same from the text of a tokenizer.json.");
}

} // namespace llm::python
