// SPDX-License-Identifier: MIT

#include "code/web_interface/listener.h"

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <thread>

#include "code/web_interface/session.h"
#include "llm/core/error.h"
#include "llm/core/utf8.h"

namespace llm::web {

namespace {

// How an end is divided. All of it, with the joining of the inference thread,
// stays under 10 s.
constexpr auto may_finish = milliseconds(5000); ///< generations that run
constexpr auto may_cancel = milliseconds(1500); ///< until they say so
constexpr auto may_say = milliseconds(500);     ///< errors in place of that
constexpr auto whole_end = milliseconds(9500);

[[noreturn]] void end_at_once() {
  std::cout.flush();
  std::_Exit(0);
}

[[noreturn]] void refuse_port(
    const error_code& error,
    const Settings& settings) {
  const std::string port = "port " + std::to_string(settings.port);
  if (error == asio::error::address_in_use) {
    throw IoError(
        "web",
        port +
            " in use: expected a free one; end the other program, or choose "
            "another with --port.");
  }
  if (error == asio::error::access_denied) {
    throw IoError(
        "web",
        port +
            " not permitted: expected one from 1024 on; choose it with "
            "--port.");
  }
  throw IoError(
      "web",
      "expected an address of this machine but received " +
          quote(settings.host) +
          "; leave --host out, or see your network "
          "settings.");
}

Task<> sleep(Clock::duration time) {
  asio::steady_timer timer(co_await asio::this_coro::executor, time);
  co_await timer.async_wait(with_error);
}

Task<> accept(App& app, tcp::acceptor& acceptor) {
  while (acceptor.is_open()) {
    auto [error, socket] = co_await acceptor.async_accept(with_error);
    if (!error) {
      const auto executor = acceptor.get_executor();
      asio::co_spawn(executor, serve(app, std::move(socket)), asio::detached);
    } else if (acceptor.is_open()) {
      // No file descriptor is free: one will be when a connection ends.
      co_await sleep(milliseconds(20));
    }
  }
}

/** Until nothing is answered any more, for `most`; true if so. */
Task<bool> settle(const App& app, Clock::duration most) {
  const auto until = Clock::now() + most;
  while (app.answering > 0 && Clock::now() < until) {
    co_await sleep(milliseconds(10));
  }
  co_return app.answering == 0;
}

/** Ends the process although something hangs, a model that is still read for
 * example: nothing is left that could be saved. */
void end_in(Clock::duration time) {
  std::thread([time] {
    std::this_thread::sleep_for(time);
    end_at_once();
  }).detach();
}

Task<> drain(App& app, tcp::acceptor& acceptor) {
  end_in(whole_end);
  error_code ignored;
  acceptor.close(ignored);
  app.draining = true;
  app.service.drain();
  app.wake_all();
  if (app.answering > 0) {
    std::cerr << "stopping when " << app.answering
              << " answers have ended, in 10 s at most; Ctrl-C: at once\n";
  }
  bool settled = co_await settle(app, may_finish);
  if (!settled) {
    app.service.cancel_all();
    settled = co_await settle(app, may_cancel);
  }
  if (!settled) {
    app.closing = true;
    app.wake_all();
    co_await settle(app, may_say);
  }
  // A copy: each leaves the list when it ends.
  const auto left = app.connections;
  for (Connection* connection : left) {
    connection->abort();
  }
}

Task<>
await_signals(App& app, tcp::acceptor& acceptor, asio::signal_set& signals) {
  co_await signals.async_wait(with_error);
  asio::co_spawn(
      acceptor.get_executor(),
      drain(app, acceptor),
      [&signals](std::exception_ptr) {
        error_code ignored;
        signals.cancel(ignored);
      });
  const auto [error, signal] = co_await signals.async_wait(with_error);
  if (!error) {
    end_at_once();
  }
}

} // namespace

tcp::acceptor open_port(asio::io_context& io, const Settings& settings) {
  const std::string host =
      settings.host == "localhost" ? "127.0.0.1" : settings.host;
  error_code error;
  const auto address = asio::ip::make_address(host, error);
  tcp::acceptor acceptor(io);
  const tcp::endpoint endpoint(address, settings.port);
  if (!error) {
    acceptor.open(endpoint.protocol(), error);
  }
  if (!error) {
    acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    acceptor.bind(endpoint, error);
  }
  if (!error) {
    acceptor.listen(asio::socket_base::max_listen_connections, error);
  }
  if (error) {
    refuse_port(error, settings);
  }
  return acceptor;
}

std::string page_address(
    const Settings& settings,
    const tcp::acceptor& acceptor) {
  std::string host =
      settings.allow_hosts.empty() ? settings.host : settings.allow_hosts[0];
  if (host.find(':') != std::string::npos && !host.starts_with('[')) {
    host = '[' + host + ']';
  }
  const std::string port = std::to_string(acceptor.local_endpoint().port());
  const std::string token =
      settings.token.empty() ? "" : "#token=" + settings.token;
  return "http://" + host + ":" + port + "/app/" + token;
}

void run_server(asio::io_context& io, tcp::acceptor acceptor, App& app) {
  asio::signal_set signals(io, SIGINT, SIGTERM);
  asio::co_spawn(io, accept(app, acceptor), asio::detached);
  asio::co_spawn(io, await_signals(app, acceptor, signals), asio::detached);
  io.run();
  // What is left takes a moment; a signal then is another second one.
  error_code ignored;
  signals.clear(ignored);
  for (const int signal : {SIGINT, SIGTERM}) {
    std::signal(signal, [](int) { std::_Exit(0); });
  }
}

} // namespace llm::web
