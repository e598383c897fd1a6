// SPDX-License-Identifier: MIT
//
// Everything that one model needs to write by the options: the drafter that
// guesses for it, the grammar over its vocabulary, and what it has read.

#pragma once

#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "code/generate_options.h"
#include "llm/core/interrupt.h"
#include "llm/core/progress.h"
#include "llm/generation/json_schema.h"
#include "llm/generation/speculative.h"
#include "llm/models/usable_model.h"

namespace llm {

/** Groups of values that divide the heads of this model, for --cache-bits. */
inline CacheOptions fitting(CacheOptions cache, const LanguageModel& model) {
  if (cache.bits == 0) {
    return cache;
  }
  const Json config = model.config();
  const auto get = [&](const char* name, const char* other, int fallback) {
    return json_get_or<int>(
        config, config.contains(name) ? name : other, fallback, "config.json");
  };
  const int heads = get("num_attention_heads", "n_head", 1);
  const int width = get("hidden_size", "n_embd", 0) / std::max(1, heads);
  const int head = get("head_dim", "head_dim", width);
  cache.group_size = head % 64 == 0 ? 64 : 32;
  if (head % 32 != 0) {
    throw UsageError(
        "options",
        "expected --cache-bits with heads of a multiple of 32 values but this "
        "model's have " +
            std::to_string(head) + "; leave it out.");
  }
  return cache;
}

/** Shows how far a long prompt is read; false when the user wants to stop. */
class ReadingProgress {
 public:
  ReadingProgress(const Interrupt& interrupt, int chunk)
      : interrupt_(interrupt), chunk_(chunk) {}

  bool operator()(int done, int total) {
    if (total > 2 * chunk_) { // a short one is read before anyone looks
      if (!bar_) {
        bar_ = std::make_shared<Progress>(
            "read", total, ProgressOptions{.unit = "token"});
      }
      bar_->update(done);
      if (done + chunk_ >= total) {
        bar_->finish();
      }
    }
    return !interrupt_.requested();
  }

 private:
  const Interrupt& interrupt_;
  int chunk_;
  std::shared_ptr<Progress> bar_; // shared: std::function copies
};

class Writer {
 public:
  Writer(const WriterOptions& o, const std::string& name)
      : use_(load_for_use(name, o.offline)), options_(o.generate) {
    options_.slide = false;
    options_.cache = fitting(options_.cache, *use_.model);
    if (!o.ignore_eos) {
      options_.eos = use_.eos;
    }
    if (!o.raw && !o.json && !use_.chat) {
      std::cerr << "note: " << use_.path.string()
                << " has no chat format; it goes on with the prompt itself.\n";
    }
    make_drafter(o);
    make_grammar(o);
    if (o.prompts_file.empty()) {
      forget();
    }
  }

  const UsableModel& use() const {
    return use_;
  }
  const LanguageModel& model() const {
    return *use_.model;
  }
  const Tokenizer& tokenizer() const {
    return *use_.tokenizer;
  }
  /** To be changed for a single text. */
  GenerateOptions& options() {
    return options_;
  }

  /** Starts with nothing read. */
  void forget() {
    memory_ = std::make_unique<TextCache>(*use_.model, options_.cache);
    options_.memory = memory_.get();
  }

  void load_memory(const std::filesystem::path& file) {
    std::error_code ignored;
    if (std::filesystem::exists(file, ignored)) {
      *memory_ = load_text_cache(file, *use_.model, options_.cache);
    }
  }

  void save_memory(const std::filesystem::path& file) const {
    if (!memory_->ids.empty()) {
      save_text_cache(file, *memory_, *use_.model);
    }
  }

  /** The tokens of a conversation that the model has to answer. */
  std::vector<int32_t> encode(const Json& messages) const {
    return use_.encode(messages);
  }

 private:
  void make_drafter(const WriterOptions& o) {
    if (o.prompt_lookup) {
      drafter_ = std::make_unique<PromptLookup>();
    } else if (!o.draft_model.empty()) {
      draft_ = load_for_use(o.draft_model, o.offline);
      check_same_tokens();
      drafter_ = std::make_unique<ModelDrafter>(
          *draft_->model, use_.tokenizer->vocab_size());
    }
    options_.drafter = drafter_.get();
  }

  void check_same_tokens() const {
    const Tokenizer& a = *use_.tokenizer;
    const Tokenizer& b = *draft_->tokenizer;
    bool same = a.vocab_size() == b.vocab_size();
    for (int32_t id = 0; same && id < a.vocab_size(); ++id) {
      same = a.token(id) == b.token(id);
    }
    if (!same) {
      throw UsageError(
          "draft model",
          "expected the tokens of " + use_.path.string() + " but " +
              draft_->path.string() +
              " has others; take a smaller model of the same family.");
    }
  }

  void make_grammar(const WriterOptions& o) {
    std::string text, where = o.grammar_file;
    if (!o.schema_file.empty()) {
      where = o.schema_file;
      text = json_schema_grammar(read_json_file(where), where);
    } else if (!o.grammar_file.empty()) {
      text = read_file(o.grammar_file);
    } else {
      return;
    }
    grammar_ = std::make_unique<TokenGrammar>(
        parse_output_grammar(text, where), *use_.tokenizer, options_.eos);
    options_.grammar = grammar_.get();
  }

  UsableModel use_;
  GenerateOptions options_;
  std::optional<UsableModel> draft_;
  std::unique_ptr<Drafter> drafter_;
  std::unique_ptr<TokenGrammar> grammar_;
  std::unique_ptr<TextCache> memory_;
};

} // namespace llm
