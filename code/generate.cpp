// SPDX-License-Identifier: MIT
//
// generate: write with a model that exists: after one prompt, after many side
// by side, or in a conversation. `generate --help` shows examples.

#include <algorithm>
#include <iostream>
#include <sstream>

#include "code/chat.h"
#include "code/generate_options.h"
#include "code/writer.h"
#include "llm/core/interrupt.h"
#include "llm/core/program.h"
#include "llm/nn/backend.h"

namespace llm {

double rate(double tokens, double seconds) {
  return tokens > 0 && seconds > 0 ? tokens / seconds : 0;
}

Json to_json(const std::vector<TokenProbability>& list, const Tokenizer& t) {
  Json out = Json::array();
  for (const TokenProbability& p : list) {
    out.push_back(
        {{"id", p.id}, {"token", t.decode({p.id})}, {"logprob", p.logprob}});
  }
  return out;
}

/** The likeliest tokens at the place of `token`. */
Json to_json(const GeneratedToken& token, const Tokenizer& t) {
  return {
      {"raw", to_json(token.top, t)}, {"final", to_json(token.top_final, t)}};
}

Json to_json(const Generation& g) {
  return {
      {"text", g.text},
      {"tokens", g.ids},
      {"logprobs", g.logprobs},
      {"prompt_tokens", g.prompt_tokens},
      {"finish_reason", g.finish_reason}};
}

/** The tokens to go on from. */
std::vector<int32_t> encode(
    const WriterOptions& o,
    const Writer& writer,
    const std::string& prompt) {
  if (o.raw) {
    return writer.tokenizer().encode(prompt, {.special = true});
  }
  Json messages = Json::array();
  if (!o.system.empty()) {
    messages.push_back({{"role", "system"}, {"content", o.system}});
  }
  messages.push_back({{"role", "user"}, {"content", prompt}});
  return writer.encode(messages);
}

/** What --json prints of one text. */
Json summary(const Generation& g, Writer& writer) {
  Json out = to_json(g);
  const int read = g.prompt_tokens - g.cached_tokens;
  const double written = static_cast<double>(g.ids.size()) - 1;
  out["cached_tokens"] = g.cached_tokens;
  out["prefill_tokens_per_s"] = rate(read, g.prefill_seconds);
  out["decode_tokens_per_s"] = rate(written, g.decode_seconds);
  out["peak_bytes"] = peak_memory_bytes();
  if (writer.options().drafter != nullptr) {
    out["drafted"] = g.drafted;
    out["accepted"] = g.accepted;
  }
  return out;
}

int run_one(const WriterOptions& o) {
  Writer writer(o, o.model);
  if (!o.prompt_cache.empty()) {
    writer.load_memory(o.prompt_cache);
  }
  const std::vector<int32_t> prompt = encode(o, writer, *o.prompt);
  const Interrupt interrupt;
  Json top = Json::array();
  writer.options().on_prefill =
      ReadingProgress(interrupt, o.generate.prefill_chunk);
  const auto show = [&](const GeneratedToken& token) {
    top.push_back(to_json(token, writer.tokenizer()));
    if (!o.json) {
      std::cout << token.text << std::flush;
    }
    return !interrupt.requested();
  };
  const Generation g = generate(
      writer.model(), writer.tokenizer(), prompt, writer.options(), show);
  if (!o.prompt_cache.empty()) {
    writer.save_memory(o.prompt_cache);
  }
  const int code = interrupt.requested() ? 128 + interrupt.signal() : 0;
  if (!o.json) {
    std::cout << "\n";
    return code;
  }
  Json out = summary(g, writer);
  if (o.generate.top_logprobs > 0) {
    out["top_logprobs"] = top;
  }
  std::cout << out.dump() << "\n";
  return code;
}

/** A JSON list of texts, or the lines of a file. */
std::vector<std::string> read_texts(const std::string& file, bool lines) {
  const std::string content = read_file(file);
  const size_t first = content.find_first_not_of(" \t\r\n");
  if (lines && (first == std::string::npos || content[first] != '[')) {
    std::vector<std::string> out;
    std::istringstream stream(content);
    for (std::string line; std::getline(stream, line);) {
      out.push_back(line.substr(0, line.size() - line.ends_with('\r')));
    }
    return out;
  }
  const Json json = parse_json(content, file);
  const bool texts = json.is_array() &&
      std::all_of(json.begin(), json.end(), [](const Json& text) {
                       return text.is_string();
                     });
  if (!texts) {
    throw InputError(
        file, "expected a JSON list of texts but received another value.");
  }
  return json.get<std::vector<std::string>>();
}

int run_many(const WriterOptions& o) {
  const std::vector<std::string> texts = read_texts(o.prompts_file, true);
  Writer writer(o, o.model);
  std::vector<std::vector<int32_t>> prompts;
  for (const std::string& text : texts) {
    prompts.push_back(encode(o, writer, text));
  }
  const Interrupt interrupt;
  writer.options().on_prefill = [&](int, int) {
    return !interrupt.requested();
  };
  std::vector<Json> top(texts.size(), Json::array());
  const std::vector<Generation> all = generate_batch(
      writer.model(),
      writer.tokenizer(),
      prompts,
      writer.options(),
      [&](size_t i, const GeneratedToken& token) {
        top[i].push_back(to_json(token, writer.tokenizer()));
        return !interrupt.requested();
      },
      o.rows);
  Json results = Json::array();
  for (size_t i = 0; i < all.size(); ++i) {
    results.push_back(to_json(all[i]));
    if (o.generate.top_logprobs > 0) {
      results.back()["top_logprobs"] = top[i];
    }
    if (!o.json) {
      std::cout << "--- " << escape_text(texts[i]) << "\n"
                << all[i].text << "\n";
    }
  }
  if (o.json) {
    const Json out = {
        {"results", results}, {"peak_bytes", peak_memory_bytes()}};
    std::cout << out.dump() << "\n";
  }
  return interrupt.requested() ? 128 + interrupt.signal() : 0;
}

int run_tokenize(const WriterOptions& o) {
  const std::vector<std::string> texts = read_texts(o.tokenize_file, false);
  const UsableModel use = load_for_use(o.model, o.offline);
  Json tokens = Json::array();
  for (const std::string& text : texts) {
    tokens.push_back(use.tokenizer->encode(text));
    if (!o.json) {
      std::cout << tokens.back().dump() << "\n";
    }
  }
  if (o.json) {
    std::cout << Json{{"tokens", tokens}}.dump() << "\n";
  }
  return 0;
}

int run(const WriterOptions& o) {
  return !o.tokenize_file.empty() ? run_tokenize(o)
      : !o.prompts_file.empty()   ? run_many(o)
                                  : run_one(o);
}

} // namespace llm

int main(int argc, char** argv) {
  return llm::run_program("generate", [&] {
    llm::WriterOptions o;
    int code = 0;
    if (!llm::parse(o, argc, argv, code)) {
      return code;
    }
    llm::start_mlx(o.device, o.threads);
    const bool talk =
        !o.prompt && o.prompts_file.empty() && o.tokenize_file.empty();
    return talk ? llm::Chat(o).run() : llm::run(o);
  });
}
