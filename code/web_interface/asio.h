// SPDX-License-Identifier: MIT
//
// Boost's Asio and Beast (HTTP), by the names that this folder uses. Everything
// here runs on one thread, as coroutines: a Task that waits for a socket or a
// timer lets the others go on, so nothing needs a lock.

#pragma once

#include <chrono>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

namespace llm::web {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

template <class T = void>
using Task = asio::awaitable<T>;

/** co_await gives (error_code, result) instead of throwing. */
inline constexpr auto with_error = asio::as_tuple(asio::use_awaitable);

} // namespace llm::web
