// The life of a daemon: tell that it is ready, serve until SIGTERM or SIGINT, drain.
#pragma once

#include <functional>
#include <string_view>

#include "rpc/server.h"

namespace unirust::rpc {

// Blocks SIGTERM and SIGINT in this thread and in those it starts from now on. Call it first in
// main.
void BlockTerminationSignals();

// Writes "<program> ready <address>" to stdout, waits for SIGTERM or SIGINT, calls `ending`, and shuts the server down,
// which waits for the calls that it answers.
void ServeUntilTerminated(
    std::string_view program, Server& server, const std::function<void()>& ending = [] {});

}  // namespace unirust::rpc
