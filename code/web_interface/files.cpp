// SPDX-License-Identifier: MIT
//
// The files of the page, the docs, and the description of the API.

#include "code/web_interface/handlers.h"
#include "llm/serving/http_rules.h"

namespace llm::web {

using serving::Answer;
using serving::ApiError;

namespace {

/** The file with exactly this name, as an answer; 304 when the client has it.
 */
Answer file_answer(const Exchange& x, const std::string& name) {
  const auto* file = x.app.files.find(name);
  auto content = file ? serving::StaticFiles::read(*file) : std::nullopt;
  if (!content) {
    throw ApiError(
        404,
        "not_found",
        "expected a path of this server but nothing has this name; the page is "
        "/app/, and /api/openapi.json lists the API.");
  }
  Answer answer{200, file->type, std::move(*content), {}};
  const std::string tag = serving::entity_tag(answer.body);
  answer.headers = {{"ETag", tag}, {"Cache-Control", "no-cache"}};
  if (x.if_none_match.find(tag) != std::string::npos ||
      x.if_none_match == "*") {
    answer.status = 304;
    answer.body.clear();
  }
  return answer;
}

} // namespace

Answer get_file(Exchange& x) {
  std::string name;
  for (const std::string& segment : x.segments) {
    // A decoded slash must not make a path of one segment.
    name += '/' + (segment.find('/') == std::string::npos ? segment : "?");
  }
  return file_answer(x, name);
}

Answer redirect(Exchange&) {
  Answer answer{302, "text/plain; charset=utf-8", "", {}};
  answer.headers["Location"] = "/app/";
  return answer;
}

Answer get_openapi(Exchange& x) {
  return file_answer(x, "/app/openapi.json");
}

Answer get_docs_index(Exchange& x) {
  return serving::json_answer(x.app.files.docs_index());
}

Answer get_docs_page(Exchange& x) {
  const std::string& slug = x.names.at("slug");
  const std::string name = serving::is_slug(slug) ? slug : "?";
  return file_answer(x, "/docs/" + name + ".md");
}

} // namespace llm::web
