// SPDX-License-Identifier: MIT
//
// OpenAI's shapes, so that existing clients work: their requests become a
// GenerateRequest, our events their answers and chunks. A field that we do not
// have is an error, not ignored.

#pragma once

#include <string>
#include <vector>

#include "llm/core/json.h"
#include "llm/core/utf8.h"
#include "llm/serving/events.h"
#include "llm/serving/registry.h"
#include "llm/serving/requests.h"

namespace llm::serving {

enum class OpenAIKind { completion, chat };

/** What the translation back needs of a request. */
struct OpenAIRequest {
  OpenAIKind kind = OpenAIKind::completion;
  GenerateRequest generate;
  bool logprobs = false;
  bool include_usage = false; ///< stream_options.include_usage
};

OpenAIRequest read_openai(const Json& body, OpenAIKind kind);

/** Turns one generation's events into what an OpenAI client expects. */
class OpenAIAnswer {
 public:
  explicit OpenAIAnswer(const OpenAIRequest& request);

  /** The chunks that an event becomes in a stream, each the text after
   * "data: "; the last one of a generation is "[DONE]". */
  std::vector<std::string> chunks(const Event& event);

  /** The answer without a stream. Throws the ApiError that ended it. */
  Json whole(const std::vector<Event>& events);

 private:
  void begin(const StartEvent& start);
  Json envelope(bool stream) const;
  std::string chunk(Json choice) const;
  Json logprobs(const TokenEvent& token);
  int offset(const std::string& bytes);

  OpenAIRequest request_;
  std::string id_, model_;
  int64_t created_ = 0;
  // For completions' text_offset: the text so far, and its characters.
  Utf8Stream decoder_;
  int characters_ = 0;
};

/** GET /v1/models. */
Json openai_models(const std::vector<ModelInfo>& models);

} // namespace llm::serving
