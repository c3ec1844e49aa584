// The life of a daemon: tell that it is ready, serve until SIGTERM or SIGINT, drain.
#pragma once

#include <functional>
#include <string_view>

#include "rpc/server.h"

namespace unirust::rpc {

// Makes this thread, and those it starts from now on, a daemon's: SIGTERM and SIGINT are blocked, turns are short
// (base/thread.h). Call it first in main.
void BecomeDaemon();

// Writes "<program> ready <address>" to stdout, waits for SIGTERM or SIGINT, calls `ending`, and shuts the server down,
// which waits for the calls that it answers.
void ServeUntilTerminated(
    std::string_view program, Server& server, const std::function<void()>& ending = [] {});

}  // namespace unirust::rpc
