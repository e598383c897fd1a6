// SPDX-License-Identifier: MIT
//
// Who may ask, and how the text of a request is read: pure functions without a
// socket, so that tests and fuzzers can reach them. A page of another site must
// not talk to a server on this machine, neither under its own name that points
// here (DNS rebinding: the Host header tells) nor directly (Origin tells).

#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace llm::serving {

/** The parts of a request's target. */
struct Target {
  std::string authority;             ///< "host:port" of an absolute one, or ""
  std::vector<std::string> segments; ///< of the path, decoded; "/" is {""}
  std::string_view query;            ///< behind "?", as it came
};

/** Reads "/a/b%20c?query" or "http://host/a"; nothing for any other form.
 * Each segment is decoded once and by itself, so %2F is no slash. Nothing when
 * a % is not followed by two digits or stands for NUL. */
std::optional<Target> read_target(std::string_view target);

/** "a=1&b=x%20y" -> names and values, "+" is a space. Nothing when a name is
 * empty or comes twice, or a text is not UTF-8 or not well encoded. */
std::optional<std::map<std::string, std::string>> read_query(
    std::string_view query);

/** "localhost", "127.0.0.1", "[::1]" or one of `names`, without regard to case,
 * with any port or none. Nothing else: no suffix, no list, no empty text. */
bool is_host_allowed(
    std::string_view host,
    const std::vector<std::string>& names);

/** A name or address that can be allowed: letters, digits, "-" and single
 * dots inside, or an IPv6 address in brackets. No port. */
bool is_host_name(std::string_view name);

/** "scheme://host" or "scheme://host:port", in small letters, no "/" after. */
bool is_origin(std::string_view origin);

/** True when a page of `origin` came from this server, which the client calls
 * `host` (a value of the Host header that is allowed). */
bool is_same_origin(std::string_view origin, std::string_view host);

/** "application/json", with or without parameters. */
bool is_json_type(std::string_view content_type);

/** Equal, in a time that tells only whether the lengths are. */
bool equal_secret(std::string_view a, std::string_view b);

/** The name of a page of the docs: [a-z0-9-]{1,64}. */
bool is_slug(std::string_view slug);

/** An event of a stream (text/event-stream), with its empty line. Without an
 * id, or a name, these lines are left out. */
std::string event_text(
    std::optional<uint64_t> id,
    std::string_view name,
    std::string_view data);

/** 128 bits of the system's generator in hexadecimal. */
std::string random_secret();

} // namespace llm::serving
