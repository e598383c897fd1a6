// SPDX-License-Identifier: MIT
//
// One request, read and admitted, and the way to answer it.

#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "code/web_interface/app.h"
#include "llm/serving/service.h"

namespace llm::web {

using Texts = std::map<std::string, std::string>;

struct Exchange {
  App& app;
  Connection& connection;

  std::string method;                ///< "GET"
  std::vector<std::string> segments; ///< of the path, decoded
  Texts names;                       ///< {run} of the route -> its value
  Texts query;
  std::string body;
  std::string if_none_match;
  std::string cors_origin; ///< of a listed page, which may read the answer
  bool http11 = true;      ///< false: 1.0, which knows no chunks
  bool keep_alive = false; ///< for another request after this one
  bool answered = false;   ///< the head of the answer is on its way

  /** The status line and all headers; `length` is absent in a stream. */
  std::string
  head(int status, const Texts& headers, std::optional<size_t> length);
  /** Sends one whole answer. */
  Task<> reply(serving::Answer answer);
  /** Starts something that ends with an Answer, and sends that. When the client
   * goes away nothing is sent; the answer is dropped when it comes. */
  Task<> reply_later(std::function<void(serving::OnAnswer)> start);
};

/** 503 draining: for what the end of the server cuts off. */
serving::ApiError draining_error();

} // namespace llm::web
