// SPDX-License-Identifier: MIT
//
// The command line of web_server: names, meanings and checks of its options.

#pragma once

#include <algorithm>
#include <string>

#include <CLI/CLI.hpp>

#include "code/web_interface/app.h"
#include "llm/core/error.h"
#include "llm/core/utf8.h"
#include "llm/nn/backend.h"
#include "llm/serving/http_rules.h"

namespace llm::web {

inline void add_options(CLI::App& app, Settings& s) {
  app.add_option("--port", s.port, "0: any that is free")
      ->check(CLI::Range(0, 65535));
  app.add_option("--models", s.models, "folder; default: models/ of the home");
  app.add_option("--model", s.model, "the default one; is loaded at once");
  app.add_option(
      "--cors-origin", s.cors_origins, "pages that may use the API, exactly");
  app.add_option("--host", s.host, "address to listen on");
  app.add_option(
         "--allow-host", s.allow_hosts, "names of this machine for others")
      ->needs("--host");
  app.add_option(
      "--token", s.token, "secret of the API; with --host one is made");
  app.add_option("--device", s.device, llm::device_help);
  app.add_option("--threads", s.threads, "of BLAS; 0: all cores");
  app.add_flag("--offline", s.offline, "never use the network");
  app.add_flag("--no-browser")->description("only ./tutorial web opens one");
  app.add_flag("--routes", s.routes, "print the API's paths and end");
  app.footer(
      "Examples:\n"
      "  web_server\n"
      "  web_server --model tales-1 --port 9000\n"
      "  web_server --cors-origin http://localhost:3000\n"
      "  web_server --host 0.0.0.0 --allow-host gpu.lan");
}

inline bool is_loopback(const std::string& host) {
  return host == "127.0.0.1" || host == "::1" || host == "localhost";
}

/** UsageError for values that are none, or do not go together. */
inline void check(const Settings& s) {
  const auto refuse = [](const std::string& option,
                         const std::string& form,
                         const std::string& value) {
    throw UsageError(
        "options",
        "expected " + option + " " + form + " but received " + quote(value) +
            "; see web_server --help.");
  };
  for (const std::string& origin : s.cors_origins) {
    if (!serving::is_origin(origin)) {
      refuse(
          "--cors-origin",
          "scheme://host or scheme://host:port, without a path and *",
          origin);
    }
  }
  for (const std::string& name : s.allow_hosts) {
    if (!serving::is_host_name(name)) {
      refuse("--allow-host", "a name or address without port and *", name);
    }
  }
  const auto is_plain = [](char c) { return c > ' ' && c < 127; };
  if (!std::all_of(s.token.begin(), s.token.end(), is_plain) ||
      s.token.find_first_of("#&%+\"") != std::string::npos) {
    refuse("--token", "of letters and digits", s.token);
  }
  if (!is_loopback(s.host) && s.allow_hosts.empty()) {
    throw UsageError(
        "options",
        "expected --allow-host NAME with --host " + quote(s.host) +
            ": the name or address by which others reach this machine.");
  }
}

/** Parses and checks; false when help was printed. */
inline bool parse(Settings& s, int argc, char** argv, int& code) {
  CLI::App app{"Serve the page and the API on this machine's models."};
  app.option_defaults()->always_capture_default();
  app.failure_message(CLI::FailureMessage::simple);
  add_options(app, s);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    code = app.exit(help);
    return false;
  } catch (const CLI::ParseError& error) {
    throw UsageError(
        "options", std::string(error.what()) + " (web_server --help)");
  }
  check(s);
  return true;
}

} // namespace llm::web
