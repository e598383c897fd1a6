// SPDX-License-Identifier: MIT
//
// Requests: the first byte chooses a route, the rest is its body. What is read
// holds what the sampler and the engine rely on and tells itself as JSON that
// gives the same request again; what is refused is a 400 of one line that names
// a parameter without control characters.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "llm/core/utf8.h"
#include "llm/serving/events.h"
#include "llm/serving/openai.h"
#include "llm/serving/requests.h"

namespace {

using namespace llm;
using namespace llm::serving;

void expect(bool fact) {
  if (!fact) {
    std::abort();
  }
}

void check_request(const GenerateRequest& r) {
  check(r.sampling); // throws nothing
  expect(r.max_tokens >= 1 && r.max_tokens <= 1'000'000);
  expect(r.top_logprobs >= 0 && r.top_logprobs <= 20);
  expect(r.sampling.seed <= INT64_MAX);
  expect(r.stop.size() <= 16);
  for (const std::string& stop : r.stop) {
    expect(!stop.empty() && stop.size() <= 256);
  }
  const int prompts = r.prompt.has_value() + r.prompt_tokens.has_value() +
      !r.messages.is_null();
  expect(prompts == 1);
}

void read_one(uint8_t route, const Json& body) {
  switch (route % 8) {
    case 0: {
      const GenerateRequest request = read_generate(body);
      check_request(request);
      Json told = to_json(request);
      const std::string text = told.dump();
      told["prompt"] = "x";
      expect(to_json(read_generate(told)).dump() == text);
      return;
    }
    case 1:
      check_request(read_openai(body, OpenAIKind::completion).generate);
      return;
    case 2:
      check_request(read_openai(body, OpenAIKind::chat).generate);
      return;
    case 3: {
      const InspectRequest request = read_inspect(body);
      expect(request.text.has_value() != request.tokens.has_value());
      return;
    }
    case 4:
      expect(!read_whatif(body).interventions.empty());
      return;
    case 5:
      read_tokenize(body);
      return;
    case 6:
      expect(!read_id(body).empty());
      return;
    default: { // as a query, its strings
      std::map<std::string, std::string> query;
      for (const auto& [name, value] : body.items()) {
        query[name] = value.is_string() ? value.get<std::string>() : "";
      }
      check(take_sampling(query));
      const int layer = take_int(query, "layer", 0, 29, 3);
      expect(layer >= 0 && layer <= 29);
      expect_nothing_left(query);
    }
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::string_view body(
      reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    read_one(data[0], parse_body(body));
  } catch (const ApiError& error) {
    const std::string message = error.what();
    expect(error.status == 400 && message.size() <= 1500);
    expect(escape_text(message) == message);
    expect(error.param.value_or("").size() <= 400);
    to_json(error).dump();
  }
  return 0;
}
