// SPDX-License-Identifier: MIT
//
// The server as a whole: the port, new connections, and its end.

#pragma once

#include <string>

#include "code/web_interface/app.h"

namespace llm::web {

/** Listens on --host and --port. IoError when the system refuses: the port is
 * in use, needs more rights, or the address is not of this machine. */
tcp::acceptor open_port(asio::io_context& io, const Settings& settings);

/** "http://127.0.0.1:8080/app/", with "#token=..." when one is needed. */
std::string page_address(
    const Settings& settings,
    const tcp::acceptor& acceptor);

/** Serves until the first SIGINT or SIGTERM, then lets what runs come to its
 * end, or cancels it, in less than 10 s. A second signal ends the process at
 * once. */
void run_server(asio::io_context& io, tcp::acceptor acceptor, App& app);

} // namespace llm::web
