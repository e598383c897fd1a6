// SPDX-License-Identifier: MIT

#include "code/web_interface/session.h"

#include <algorithm>

#include "code/web_interface/gate.h"
#include "code/web_interface/routes.h"
#include "llm/serving/http_rules.h"
#include "llm/serving/requests.h"

namespace llm::web {

using serving::Answer;
using serving::ApiError;

namespace {

ApiError malformed(const std::string& message) {
  return ApiError(400, "invalid_value", message);
}

/** The answer to a request that could not be read; nothing when the client has
 * closed the connection. */
std::optional<ApiError> read_error(error_code error) {
  if (error == asio::error::timed_out) {
    return ApiError(
        408,
        "timeout",
        "expected a whole request in 10 s but received a part; send it at "
        "once.");
  }
  if (error == http::error::header_limit ||
      error == http::error::buffer_overflow) {
    return ApiError(
        431,
        "headers_too_large",
        "expected at most 8 KiB of headers but received more; send fewer.");
  }
  if (error == http::error::body_limit) {
    return ApiError(
        413,
        "body_too_large",
        "expected at most 1 MiB of body but received more; send less text.");
  }
  if (error == http::error::end_of_stream ||
      error == http::error::partial_message ||
      error.category() !=
          http::make_error_code(http::error::bad_method).category()) {
    return std::nullopt;
  }
  return malformed(
      "expected a request of HTTP/1.1 but received something else; send one.");
}

/** Is anything left unread when the body is not read? */
bool has_body(const Request& request) {
  const auto length = request[http::field::content_length];
  return request.count(http::field::transfer_encoding) > 0 ||
      (!length.empty() && length != "0");
}

bool is_api(const Exchange& x) {
  const std::string& first = x.segments.front();
  return first == "api" || first == "v1";
}

/** What a request may do, found from its headers alone. */
struct Admission {
  const Route* route = nullptr;
  std::optional<Answer> answer; ///< already there: to a preflight
};

/** Ours of OPTIONS: to a listed page what it may send. */
Answer options_answer(const Exchange& x) {
  Answer answer{204, "", "", {}};
  answer.headers["Allow"] = "GET, HEAD, POST, DELETE, OPTIONS";
  if (!x.cors_origin.empty()) {
    answer.headers["Access-Control-Allow-Methods"] = "GET, HEAD, POST, DELETE";
    answer.headers["Access-Control-Allow-Headers"] =
        "Content-Type, Authorization";
    answer.headers["Access-Control-Max-Age"] = "600";
  }
  return answer;
}

/** Applies every rule that needs no body. Throws what is the answer; the
 * methods of a 405 go to `allow`. */
Admission admit(Exchange& x, const Request& request, std::string& allow) {
  const std::string text = request.target();
  const auto target = serving::read_target(text);
  check_host(request, target ? target->authority : "", x.app.settings);
  x.cors_origin = check_origin(request, x.app.settings);
  if (!target) {
    if (!text.starts_with('/')) {
      throw malformed("expected a path that begins with a slash; use one.");
    }
    throw ApiError(
        404, "not_found", "expected a path of this server; nothing is there.");
  }
  x.segments = target->segments;
  if (x.method == "OPTIONS") {
    return {nullptr, options_answer(x)};
  }
  if (is_api(x) && x.segments != std::vector<std::string>{"api", "health"}) {
    check_token(request, x.app.settings);
  }
  const Route& route = find_route(x, allow);
  check_body(request);
  auto query = serving::read_query(target->query);
  if (!query) {
    throw malformed(
        "expected a query of name=value, each name once, percent-encoded.");
  }
  x.query = std::move(*query);
  if (route.kind == Route::plain) {
    serving::expect_nothing_left(x.query);
  }
  x.if_none_match = request[http::field::if_none_match];
  return {&route, std::nullopt};
}

Answer answer_of(const ApiError& error, const std::string& allow) {
  Answer answer = serving::error_answer(error);
  if (error.status == 405) {
    answer.headers["Allow"] = allow;
  }
  if (error.status == 401) {
    answer.headers["WWW-Authenticate"] = "Bearer";
  }
  return answer;
}

/** Reads the body; an answer when that fails, or when the client is gone. */
Task<error_code> read_body(Connection& connection, Parser& parser) {
  const auto expect = parser.get()[http::field::expect];
  if (beast::iequals(expect, "100-continue") && !parser.is_done()) {
    const std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    co_await connection.write(go_on);
  }
  co_return co_await connection.read_body(parser);
}

/** Runs the handler; what it throws, unless the answer has begun. */
Task<std::optional<Answer>> run(Exchange& x, const Route& route) {
  const Counted answering(x.app.answering);
  try {
    co_await route.handler(x);
  } catch (...) {
    if (!x.answered) {
      co_return answer_of(serving::current_error(), "");
    }
    x.keep_alive = false;
  }
  co_return std::nullopt;
}

/** The route of a request; or the answer, when that needs no handler. */
Admission admit_or_refuse(Exchange& x, const Request& request) {
  x.method = request.method_string();
  x.http11 = request.version() >= 11;
  x.keep_alive = request.keep_alive();
  std::string allow;
  Admission admission;
  try {
    admission = admit(x, request, allow);
  } catch (...) {
    admission.answer = answer_of(serving::current_error(), allow);
  }
  if (admission.answer) { // the body stays unread
    x.keep_alive = x.keep_alive && !has_body(request);
  }
  return admission;
}

/** One request; false when it was the last of the connection. */
Task<bool> serve_request(App& app, Connection& connection) {
  Parser parser;
  parser.header_limit(Limits::header_bytes);
  parser.body_limit(Limits::body_bytes);
  Exchange x{app, connection};
  Admission admission;
  error_code error = co_await connection.read_header(parser);
  if (!error) {
    admission = admit_or_refuse(x, parser.get());
  }
  if (!error && !admission.answer) {
    error = co_await read_body(connection, parser);
    x.body = std::move(parser.get().body());
  }
  std::optional<Answer> answer = std::move(admission.answer);
  if (error) {
    const auto wrong = read_error(error);
    if (!wrong) {
      co_return false;
    }
    x.keep_alive = false;
    answer = serving::error_answer(*wrong);
  }
  if (!answer) {
    answer = co_await run(x, *admission.route);
  }
  if (answer) {
    co_await x.reply(std::move(*answer));
  }
  co_return x.keep_alive && !connection.gone();
}

/** In the list of connections while it lives. */
class Listed {
 public:
  Listed(App& app, Connection& connection)
      : app_(app), connection_(connection) {
    app_.connections.insert(&connection_);
  }
  ~Listed() {
    app_.connections.erase(&connection_);
  }
  Listed(const Listed&) = delete;
  Listed& operator=(const Listed&) = delete;

 private:
  App& app_;
  Connection& connection_;
};

Task<> refuse(App& app, Connection& connection) {
  ApiError error(
      429,
      "queue_full",
      "expected at most " + std::to_string(max_connections) +
          " connections; close some, or try again later.");
  error.retry_after = 1;
  Exchange x{app, connection};
  co_await x.reply(serving::error_answer(error));
}

} // namespace

Task<> serve(App& app, tcp::socket socket) {
  const auto connection = std::make_shared<Connection>(std::move(socket));
  const Listed listed(app, *connection);
  if (app.connections.size() > max_connections) {
    co_await refuse(app, *connection);
  } else {
    // One co_await in a condition: GCC 12 runs the second of two in any case.
    bool goes_on = co_await connection->wait_for_request(Limits::first_byte);
    while (goes_on) {
      goes_on = co_await serve_request(app, *connection);
      if (goes_on) {
        goes_on = co_await connection->wait_for_request(Limits::next_request);
      }
    }
  }
  co_await connection->close();
}

} // namespace llm::web
