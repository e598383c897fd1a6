// SPDX-License-Identifier: MIT
//
// The ApiError that an action ends with, for the tests.

#pragma once

#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "llm/core/utf8.h"
#include "llm/serving/error.h"

namespace llm::test {

/** Runs `action`, which must throw an ApiError with one clean line. */
template <class Action>
serving::ApiError refused(Action action) {
  try {
    action();
  } catch (const serving::ApiError& error) {
    const std::string message = error.what();
    CHECK(escape_text(message) == message); // printable, one line
    CHECK(message.size() < 500);
    CHECK(message.ends_with('.'));
    return error;
  }
  FAIL("nothing was thrown");
  return serving::ApiError(0, "", "");
}

/** The same as "400 out_of_range top_p". */
template <class Action>
std::string refusal(Action action) {
  const serving::ApiError error = refused(action);
  return std::to_string(error.status) + " " + error.code + " " +
      error.param.value_or("-");
}

} // namespace llm::test
