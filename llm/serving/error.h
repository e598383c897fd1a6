// SPDX-License-Identifier: MIT
//
// What goes wrong with a request, as it is told to a client:
//   {"error":{"code":"out_of_range","type":"invalid_request_error",
//             "message":"expected ... but received ...","param":"top_p"}}
// Never a path, never what() of an exception that we did not foresee.

#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "llm/core/json.h"

namespace llm::serving {

/** An answer that is an error. `status` is that of HTTP. */
struct ApiError : std::runtime_error {
  ApiError(
      int status,
      std::string code,
      const std::string& message,
      std::optional<std::string> param = std::nullopt)
      : std::runtime_error(message),
        status(status),
        code(std::move(code)),
        param(std::move(param)) {}

  int status;
  std::string code; ///< for programs: "unknown_param"
  std::optional<std::string> param;
  std::optional<int> retry_after; ///< seconds, with 429 and 503

  /** By status: "invalid_request_error", "server_error", ... */
  std::string type() const;
};

/** 128 random bits in hex: cannot be guessed. */
std::string random_id();

/** {"error":{"code","type","message","param"}}. */
Json to_json(const ApiError& error);

/** What a client is told of the exception that is being handled: an ApiError is
 * itself, UsageError and InputError become 400 with for_a_client(message), any
 * other becomes 500 with a random id, under which standard error has what it
 * said. */
ApiError current_error();

/** The message of one of our errors without "[where] " and without a path: each
 * absolute one becomes its last name. */
std::string for_a_client(std::string_view message);

} // namespace llm::serving
