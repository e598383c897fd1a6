// SPDX-License-Identifier: MIT

#include "llm/serving/error.h"

#include <stdexcept>

#include <doctest/doctest.h>

#include "llm/core/error.h"

using namespace llm;
using namespace llm::serving;

namespace {

template <class Exception>
ApiError told(const Exception& thrown) {
  try {
    throw thrown;
  } catch (...) {
    return current_error();
  }
}

} // namespace

TEST_CASE("serving error: the type follows the status") {
  const auto type = [](int status) { return ApiError(status, "", "").type(); };
  CHECK(type(400) == "invalid_request_error");
  CHECK(type(403) == "invalid_request_error");
  CHECK(type(404) == "invalid_request_error");
  CHECK(type(401) == "authentication_error");
  CHECK(type(429) == "rate_limit_error");
  CHECK(type(500) == "server_error");
  CHECK(type(503) == "server_error");
}

TEST_CASE("serving error: the envelope") {
  const ApiError error(400, "out_of_range", "expected \xff less.", "top_p");
  CHECK(
      to_json(error).dump() ==
      R"({"error":{"code":"out_of_range","type":"invalid_request_error",)"
      "\"message\":\"expected \xef\xbf\xbd less.\",\"param\":\"top_p\"}}");
  CHECK(to_json(ApiError(500, "internal", "x"))["error"]["param"].is_null());
}

TEST_CASE("serving error: ours keep their message, without place and path") {
  CHECK(
      std::string(
          told(UsageError("sampling", "expected a but received b.")).what()) ==
      "expected a but received b.");
  const ApiError error = told(InputError(
      "/home/a b/models/x/config.json", "3:4: expected JSON; see /etc/it."));
  CHECK(error.status == 400);
  CHECK(error.code == "invalid_value");
  CHECK(
      std::string(error.what()) == "config.json: 3:4: expected JSON; see it.");
  const ApiError own = told(ApiError(404, "model_not_found", "no.", "model"));
  CHECK(own.status == 404);
  CHECK(own.param == "model");
}

TEST_CASE("serving error: no path is left in a message") {
  CHECK(for_a_client("no /a/b/c.json here") == "no c.json here");
  CHECK(for_a_client("\"/a b/c d.json\" is") == "\"c d.json\" is");
  CHECK(for_a_client("(/a/b/) and '/x/y z'") == "(b) and 'y z'");
  CHECK(for_a_client("/a/b") == "b");
  CHECK(for_a_client("--model=/a/b:/c/d") == "--model=d");
  CHECK(
      for_a_client("lora or dora, tokens/s, a / b") ==
      "lora or dora, tokens/s, a / b");
  CHECK(
      for_a_client("[model] /a/b has no config.json") ==
      "b has no config.json");
  CHECK(for_a_client("[never closed") == "[never closed");
  CHECK(for_a_client("") == "");
  CHECK(for_a_client("/") == "/");
}

TEST_CASE("serving error: what was not foreseen says only an id") {
  const ApiError a = told(std::runtime_error("secret /home/me"));
  const ApiError b = told(IoError("files", "cannot read /home/me/x"));
  const ApiError c = told(7);
  for (const ApiError& error : {a, b, c}) {
    CHECK(error.status == 500);
    CHECK(error.code == "internal");
    CHECK(std::string(error.what()).find("secret") == std::string::npos);
    CHECK(std::string(error.what()).find("home") == std::string::npos);
  }
  CHECK(std::string(a.what()) != b.what());
}
