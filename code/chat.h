// SPDX-License-Identifier: MIT
//
// A conversation in the terminal, or with lines from a pipe: one message a
// line, commands begin with a slash. Ctrl-C ends an answer; at the prompt it
// ends the program. An error costs the message, not the conversation.

#pragma once

#include <unistd.h>

#include <iostream>
#include <memory>
#include <string>

#include "code/writer.h"
#include "llm/core/interrupt.h"
#include "llm/core/utf8.h"

namespace llm {

class Chat {
 public:
  explicit Chat(WriterOptions& options)
      : o_(options), writer_(std::make_unique<Writer>(options, options.model)) {
    if (!o_.prompt_cache.empty()) {
      writer_->load_memory(o_.prompt_cache);
    }
    reset();
  }

  int run() {
    const bool terminal = isatty(STDIN_FILENO) == 1;
    if (terminal) {
      std::cout << "Talking to " << writer_->use().path.string()
                << ". /help lists the commands.\n";
    }
    std::string line;
    while (!ended_) {
      if (terminal) {
        std::cout << ">>> " << std::flush;
      }
      if (!std::getline(std::cin, line)) {
        break;
      }
      try {
        take(line);
      } catch (const Error& error) {
        std::cerr << "generate: " << escape_text(error.what()) << "\n";
      }
    }
    if (!o_.prompt_cache.empty()) {
      writer_->save_memory(o_.prompt_cache);
    }
    return code_;
  }

 private:
  void take(const std::string& line) {
    if (line.empty()) {
      return;
    }
    if (line[0] != '/') {
      answer(line);
      return;
    }
    const size_t space = line.find(' ');
    const std::string command = line.substr(0, space);
    const std::string rest =
        space == std::string::npos ? "" : line.substr(space + 1);
    if (command == "/quit") {
      ended_ = true;
    } else if (command == "/reset") {
      reset();
    } else if (command == "/save") {
      save(rest);
    } else if (command == "/model") {
      change_model(rest);
    } else if (command == "/help") {
      std::cout << "/reset       begin a new conversation\n"
                   "/save FILE   write the conversation as JSON\n"
                   "/model NAME  go on with another model\n"
                   "/quit        end (also Ctrl-D); Ctrl-C ends an answer\n";
    } else {
      throw UsageError(
          "chat",
          "expected /reset, /save, /model, /help or /quit but received " +
              quote(command) + ".");
    }
  }

  void reset() {
    messages_ = Json::array();
    if (!o_.system.empty()) {
      messages_.push_back({{"role", "system"}, {"content", o_.system}});
    }
  }

  void save(const std::string& file) const {
    if (file.empty()) {
      throw UsageError("chat", "expected /save FILE but received no name.");
    }
    write_file_atomically(file, messages_.dump(2) + "\n");
    std::cout << "saved " << messages_.size() << " messages in " << file
              << "\n";
  }

  // Whatever goes wrong leaves the old one as it was.
  void change_model(const std::string& name) {
    if (name.empty()) {
      throw UsageError("chat", "expected /model NAME but received no name.");
    }
    auto other = std::make_unique<Writer>(o_, name);
    writer_ = std::move(other);
    std::cout << "now talking to " << writer_->use().path.string() << "\n";
  }

  void answer(const std::string& line) {
    Json messages = messages_;
    messages.push_back({{"role", "user"}, {"content", line}});
    const std::vector<int32_t> prompt = writer_->encode(messages);
    GenerateOptions options = writer_->options();
    options.sampling.seed += messages.size(); // another answer each time
    const Interrupt interrupt;
    options.on_prefill = ReadingProgress(interrupt, options.prefill_chunk);
    const auto show = [&](const GeneratedToken& token) {
      std::cout << token.text << std::flush;
      return !interrupt.requested();
    };
    Generation out;
    try {
      out = generate(
          writer_->model(), writer_->tokenizer(), prompt, options, show);
    } catch (...) {
      writer_->forget(); // it may hold what was never computed
      throw;
    }
    std::cout << "\n" << std::flush;
    messages.push_back({{"role", "assistant"}, {"content", out.text}});
    messages_ = std::move(messages);
    if (interrupt.requested() && interrupt.signal() != SIGINT) {
      ended_ = true;
      code_ = 128 + interrupt.signal();
    }
  }

  WriterOptions& o_;
  std::unique_ptr<Writer> writer_;
  Json messages_;
  bool ended_ = false;
  int code_ = 0;
};

} // namespace llm
