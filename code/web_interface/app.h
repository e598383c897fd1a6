// SPDX-License-Identifier: MIT
//
// What every request can reach: the settings of the command line, the service
// that does the work, the files of the page, and whether the server ends.

#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "code/web_interface/connection.h"
#include "llm/serving/service.h"
#include "llm/serving/static_files.h"

namespace llm::web {

/** What the command line sets. */
struct Settings {
  uint16_t port = 8080;
  std::string host = "127.0.0.1";
  std::vector<std::string> allow_hosts, cors_origins;
  std::string token; ///< "": none is needed
  std::string models, model, device;
  int threads = 0;
  bool offline = false, routes = false;
};

struct App {
  const Settings& settings;
  serving::Service& service;
  serving::StaticFiles files;

  std::set<Connection*> connections;
  int answering = 0;     ///< requests that are being answered
  bool draining = false; ///< no new connections; endless streams end
  bool closing = false;  ///< whatever still runs ends with an error

  /** So that everyone looks whether the server ends. */
  void wake_all() const {
    for (const Connection* connection : connections) {
      connection->wake()->raise();
    }
  }
};

/** Adds to a count while it lives. */
class Counted {
 public:
  explicit Counted(int& count) : count_(count) {
    ++count_;
  }
  ~Counted() {
    --count_;
  }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  int& count_;
};

} // namespace llm::web
