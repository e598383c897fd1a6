// SPDX-License-Identifier: MIT

#include "code/web_interface/routes.h"

#include <algorithm>

#include "code/web_interface/handlers.h"

namespace llm::web {

namespace {

/** A handler whose answer is there at once. */
template <serving::Answer (*answer)(Exchange&)>
Task<> now(Exchange& x) {
  co_await x.reply(answer(x));
}

/** One whose answer comes from the inference thread. */
template <void (*start)(Exchange&, serving::OnAnswer)>
Task<> later(Exchange& x) {
  co_await x.reply_later(
      [&x](serving::OnAnswer done) { start(x, std::move(done)); });
}

constexpr Route table[] = {
    {"GET", "/api/health", now<get_health>},
    {"GET", "/api/models", now<get_models>},
    {"POST", "/api/models/load", now<load_model>},
    {"GET", "/api/events", watch_models, Route::stream},
    {"POST", "/api/tokenize", later<tokenize>},
    {"POST", "/api/generate", generate},
    {"POST", "/api/cancel", now<cancel>},
    {"POST", "/api/inspect", later<inspect>},
    {"POST", "/api/whatif", later<whatif>},
    {"GET", "/api/runs/{run}", later<get_run>, Route::queried},
    {"DELETE", "/api/runs/{run}", later<drop_run>},
    {"GET", "/api/runs/{run}/thumbs", later<get_run>, Route::queried},
    {"GET", "/api/runs/{run}/attention", later<get_run>, Route::queried},
    {"GET", "/api/runs/{run}/row", later<get_run>, Route::queried},
    {"GET", "/api/runs/{run}/heads", later<get_run>, Route::queried},
    {"GET", "/api/runs/{run}/lens", later<get_run>, Route::queried},
    {"GET", "/api/runs/{run}/logits", later<get_run>, Route::queried},
    {"GET", "/api/runs/{run}/stages", later<get_run>, Route::queried},
    {"GET", "/api/training", now<get_training>},
    {"GET", "/api/training/{id}/events", watch_training, Route::stream},
    {"GET", "/api/openapi.json", now<get_openapi>},
    {"POST", "/v1/completions", complete},
    {"POST", "/v1/chat/completions", chat},
    {"GET", "/v1/models", now<get_openai_models>},
    {"GET", "/docs/index.json", now<get_docs_index>},
    {"GET", "/docs/{slug}.md", now<get_docs_page>, Route::queried},
    {"GET", "/", now<redirect>, Route::queried},
    {"GET", "/app", now<redirect>, Route::queried},
};

/// What has no other path; a query is for the page's own script.
constexpr Route file_route = {"GET", "", now<get_file>, Route::queried};

/** The text between `before` and `after`, or nothing. */
std::optional<std::string> between(
    std::string_view text,
    std::string_view before,
    std::string_view after) {
  if (text.size() <= before.size() + after.size() ||
      !text.starts_with(before) || !text.ends_with(after)) {
    return std::nullopt;
  }
  text.remove_prefix(before.size());
  text.remove_suffix(after.size());
  return std::string(text);
}

/** True when `segment` is that of the pattern; a name's value goes to `names`.
 */
bool matches(
    std::string_view pattern,
    const std::string& segment,
    Texts& names) {
  const size_t open = pattern.find('{'), end = pattern.find('}');
  if (open == std::string_view::npos) {
    return pattern == segment;
  }
  auto value =
      between(segment, pattern.substr(0, open), pattern.substr(end + 1));
  if (!value) {
    return false;
  }
  names.emplace(pattern.substr(open + 1, end - open - 1), std::move(*value));
  return true;
}

/** The same for the whole path. */
bool matches(
    std::string_view path,
    const std::vector<std::string>& segments,
    Texts& names) {
  names.clear();
  for (const std::string& segment : segments) {
    if (path.empty()) {
      return false;
    }
    path.remove_prefix(1); // the slash
    const size_t end = std::min(path.find('/'), path.size());
    if (!matches(path.substr(0, end), segment, names)) {
      return false;
    }
    path.remove_prefix(end);
  }
  return path.empty();
}

bool takes(const Route& route, std::string_view method) {
  return route.method == method ||
      (method == "HEAD" && route.method == "GET" &&
       route.kind != Route::stream);
}

void allow_method(std::string& allow, std::string_view method) {
  allow += (allow.empty() ? "" : ", ") + std::string(method);
}

} // namespace

std::span<const Route> routes() {
  return table;
}

const Route& find_route(Exchange& x, std::string& allow) {
  for (const Route& route : table) {
    if (!matches(route.path, x.segments, x.names)) {
      continue;
    }
    if (takes(route, x.method)) {
      return route;
    }
    allow_method(allow, route.method);
    if (takes(route, "HEAD")) {
      allow_method(allow, "HEAD");
    }
  }
  x.names.clear();
  const bool readable = x.method == "GET" || x.method == "HEAD";
  if (allow.empty() && !readable) {
    allow = "GET, HEAD"; // of a file, whether it is there or not
  }
  if (!allow.empty()) {
    throw serving::ApiError(
        405,
        "method_not_allowed",
        "expected one of the methods " + allow +
            " for this path; /api/openapi.json lists them.");
  }
  return file_route;
}

} // namespace llm::web
