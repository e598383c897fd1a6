// SPDX-License-Identifier: MIT
//
// Who is let in, before anything else of a request is looked at, and the
// headers that tell a browser what a page from here may do. Why: any page of
// the internet can send requests to this machine through its owner's browser.

#pragma once

#include <string>
#include <string_view>

#include "code/web_interface/app.h"

namespace llm::web {

using Request = http::request<http::string_body>;

/** The Host header, exactly one, and the host of an absolute target, are names
 * of this server; on every path. ApiError host_not_allowed. */
void check_host(
    const Request& request,
    std::string_view authority,
    const Settings& settings);

/** The origin of a listed page, "" for our own page and for programs. ApiError
 * origin_not_allowed for pages of others. */
std::string check_origin(const Request& request, const Settings& settings);

/** "Authorization: Bearer" with the token, if there is one. ApiError
 * unauthorized. */
void check_token(const Request& request, const Settings& settings);

/** The body can be read: JSON, plain, with one clear length. */
void check_body(const Request& request);

/** Those that every answer has, each with its line end. */
std::string_view security_headers();
/** For a listed page; "" without one. */
std::string cors_headers(const std::string& origin);

} // namespace llm::web
