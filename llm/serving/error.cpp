// SPDX-License-Identifier: MIT

#include "llm/serving/error.h"

#include <algorithm>
#include <cstdio>
#include <random>

#include "llm/core/error.h"
#include "llm/core/utf8.h"

namespace llm::serving {

namespace {

bool begins_path(std::string_view text, size_t i) {
  if (text[i] != '/' || i + 1 == text.size() || text[i + 1] == ' ') {
    return false;
  }
  const char before = i == 0 ? ' ' : text[i - 1];
  return std::string_view(" \t\n\"'([=:,").find(before) != text.npos;
}

/** Each absolute path becomes its last name. Between quotes a path goes to the
 * closing one, since it may hold spaces. */
std::string without_paths(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (!begins_path(text, i)) {
      out += text[i];
      continue;
    }
    const char quote = i == 0 ? ' ' : text[i - 1];
    const bool quoted = quote == '"' || quote == '\'';
    const size_t end = std::min(
        quoted ? text.find(quote, i) : text.find_first_of(" \t\n\"'])", i),
        text.size());
    std::string_view path = text.substr(i, end - i);
    while (path.ends_with('/')) {
      path.remove_suffix(1);
    }
    out += path.substr(path.rfind('/') + 1);
    i = end - 1;
  }
  return out;
}

ApiError unforeseen(const std::string& what) {
  const std::string id = random_id();
  const std::string line = "error " + id + ": " + escape_text(what) + "\n";
  std::fputs(line.c_str(), stderr);
  return ApiError(
      500,
      "internal",
      "the server failed in a way that it did not foresee; its log says more "
      "under " +
          id + ".");
}

} // namespace

std::string random_id() {
  static thread_local std::random_device device;
  std::string id;
  for (int i = 0; i < 4; ++i) {
    char digits[9];
    std::snprintf(digits, sizeof digits, "%08x", device());
    id += digits;
  }
  return id;
}

std::string ApiError::type() const {
  if (status >= 500) {
    return "server_error";
  }
  switch (status) {
    case 401:
      return "authentication_error";
    case 429:
      return "rate_limit_error";
    default:
      return "invalid_request_error";
  }
}

Json to_json(const ApiError& error) {
  const auto clean = [](std::string_view text) {
    return replace_invalid_utf8(text);
  };
  Json inner = {
      {"code", clean(error.code)},
      {"type", error.type()},
      {"message", clean(error.what())},
      {"param", nullptr}};
  if (error.param) {
    inner["param"] = clean(*error.param);
  }
  return {{"error", inner}};
}

std::string for_a_client(std::string_view message) {
  const size_t end = message.starts_with('[') ? message.find("] ") : 0;
  if (end != 0 && end != message.npos) { // "[where] what"
    const std::string_view where = message.substr(1, end - 1);
    const std::string text = without_paths(message.substr(end + 2));
    const bool is_file = where.find_first_of("./") != where.npos;
    const std::string name(where.substr(where.rfind('/') + 1));
    return is_file ? name + ": " + text : text;
  }
  return without_paths(message);
}

ApiError current_error() {
  try {
    throw;
  } catch (const ApiError& error) {
    return error;
  } catch (const UsageError& error) {
    return ApiError(400, "invalid_value", for_a_client(error.what()));
  } catch (const InputError& error) {
    return ApiError(400, "invalid_value", for_a_client(error.what()));
  } catch (const std::exception& error) {
    return unforeseen(error.what());
  } catch (...) {
    return unforeseen("something that is no std::exception");
  }
}

} // namespace llm::serving
