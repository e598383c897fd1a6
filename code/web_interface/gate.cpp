// SPDX-License-Identifier: MIT

#include "code/web_interface/gate.h"

#include <algorithm>

#include "llm/core/utf8.h"
#include "llm/serving/http_rules.h"

namespace llm::web {

using serving::ApiError;

namespace {

/** The value of a header that may come once; "" when it is absent. */
std::string only(const Request& request, http::field name, bool& twice) {
  twice = request.count(name) > 1;
  return request[name];
}

[[noreturn]] void refuse_origin(const std::string& text) {
  throw ApiError(
      403,
      "origin_not_allowed",
      "expected a request of this server's own page but received one of " +
          text +
          "; start the server with --cors-origin and that page's origin "
          "to allow it.");
}

[[noreturn]] void
refuse_body(int status, const std::string& code, const std::string& text) {
  throw ApiError(status, code, text);
}

} // namespace

void check_host(
    const Request& request,
    std::string_view authority,
    const Settings& settings) {
  bool twice = false;
  const std::string host = only(request, http::field::host, twice);
  const auto& names = settings.allow_hosts;
  const bool absolute_allowed =
      authority.empty() || serving::is_host_allowed(authority, names);
  if (!twice && absolute_allowed && serving::is_host_allowed(host, names)) {
    return;
  }
  const std::string received = twice ? "two Host headers"
      : host.empty()                 ? "no Host header"
                     : "host " + quote(absolute_allowed ? host : authority);
  throw ApiError(
      403,
      "host_not_allowed",
      "expected localhost, 127.0.0.1, [::1] or a name given with --allow-host "
      "but received " +
          received + "; use one of those in the address.");
}

std::string check_origin(const Request& request, const Settings& settings) {
  bool twice = false;
  const std::string origin = only(request, http::field::origin, twice);
  if (twice) {
    refuse_origin("two origins");
  }
  const auto& list = settings.cors_origins;
  if (std::find(list.begin(), list.end(), origin) != list.end()) {
    return origin;
  }
  const std::string host = request[http::field::host];
  if (request.count(http::field::origin) > 0 &&
      !serving::is_same_origin(origin, host)) {
    refuse_origin("origin " + quote(origin));
  }
  if (request["Sec-Fetch-Site"] == "cross-site") {
    refuse_origin("another site (Sec-Fetch-Site: cross-site)");
  }
  return "";
}

void check_token(const Request& request, const Settings& settings) {
  if (settings.token.empty()) {
    return;
  }
  bool twice = false;
  const std::string given = only(request, http::field::authorization, twice);
  const bool bearer = beast::iequals(given.substr(0, 7), "Bearer ");
  if (twice || !bearer ||
      !serving::equal_secret(given.substr(7), settings.token)) {
    throw ApiError(
        401,
        "unauthorized",
        "expected the header Authorization: Bearer with the token that the "
        "server printed at its start but received " +
            std::string(given.empty() ? "none" : "another one") +
            "; open the printed link.");
  }
}

void check_body(const Request& request) {
  const bool chunked = request.count(http::field::transfer_encoding) > 0;
  bool twice = false;
  const std::string length = only(request, http::field::content_length, twice);
  if (twice || length.find_first_not_of("0123456789") != std::string::npos) {
    refuse_body(
        400, "invalid_value", "expected one Content-Length; send it once.");
  }
  if (chunked &&
      !beast::iequals(request[http::field::transfer_encoding], "chunked")) {
    refuse_body(
        400,
        "invalid_value",
        "expected no Transfer-Encoding but chunked; send the body as it is.");
  }
  const bool body = chunked || (!length.empty() && length != "0");
  if (request.method() != http::verb::post) {
    if (body) {
      refuse_body(
          400,
          "invalid_value",
          "expected no body but in a POST; leave it out.");
    }
    return;
  }
  if (request.count(http::field::content_encoding) > 0) {
    refuse_body(
        415,
        "unsupported_media_type",
        "expected a body without Content-Encoding; send it as it is.");
  }
  if (!serving::is_json_type(request[http::field::content_type])) {
    refuse_body(
        415,
        "unsupported_media_type",
        "expected the header Content-Type: application/json but received " +
            quote(std::string(request[http::field::content_type])) +
            "; send JSON and say so.");
  }
}

std::string_view security_headers() {
  return "Content-Security-Policy: default-src 'none'; script-src 'self'; "
         "style-src 'self'; img-src 'self'; font-src 'self'; connect-src "
         "'self'; base-uri 'none'; form-action 'none'; frame-ancestors "
         "'none'; require-trusted-types-for 'script'; trusted-types "
         "dompurify\r\n"
         "X-Content-Type-Options: nosniff\r\n"
         "Referrer-Policy: no-referrer\r\n"
         "Cross-Origin-Opener-Policy: same-origin\r\n"
         "Cross-Origin-Resource-Policy: same-origin\r\n"
         "Vary: Origin\r\n";
}

std::string cors_headers(const std::string& origin) {
  return origin.empty() ? ""
                        : "Access-Control-Allow-Origin: " + origin +
          "\r\nAccess-Control-Expose-Headers: X-Shape, X-Tokens, X-Coding, "
          "X-Scale, Retry-After, ETag\r\n";
}

} // namespace llm::web
