// SPDX-License-Identifier: MIT
//
// The life of a connection: requests one after the other, each read, admitted,
// answered.

#pragma once

#include "code/web_interface/app.h"

namespace llm::web {

/// Connections at once; one more is told to come back later.
inline constexpr size_t max_connections = 1024;

Task<> serve(App& app, tcp::socket socket);

} // namespace llm::web
