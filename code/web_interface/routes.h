// SPDX-License-Identifier: MIT
//
// The table of what the API answers: method, path, handler. All else is a file
// of the page. openapi.json describes the same table; a test compares them.

#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "code/web_interface/exchange.h"

namespace llm::web {

struct Route {
  std::string_view method;
  std::string_view path; ///< a segment may hold one name: "{run}", "{slug}.md"
  Task<> (*handler)(Exchange& exchange);
  enum Kind { plain, queried, stream } kind = plain; ///< HEAD: not for a stream
};

std::span<const Route> routes();

/** The route of the exchange's method and path, with its names filled in; that
 * of files when no other has this path. ApiError 405, with the methods that the
 * path has in `allow`. */
const Route& find_route(Exchange& exchange, std::string& allow);

} // namespace llm::web
